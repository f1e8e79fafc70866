"""Fits in other processes and threads are the same fits."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_validate

KEYS = ("test_score", "train_score")


def scores(estimator, X, y, n_jobs):
    result = cross_validate(estimator, X, y, cv=KFold(2), return_train_score=True, n_jobs=n_jobs)
    return [result[key] for key in KEYS]


@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "threading"])
def test_cross_validation_by_two_workers(make_steady, motorcycle, backend):
    expected = scores(make_steady(), *motorcycle, n_jobs=1)
    with joblib.parallel_config(backend=backend):
        found = scores(make_steady(), *motorcycle, n_jobs=2)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.slow
def test_threads_of_unlike_mixtures(make_regressor, short_search, motorcycle, table):
    """Fits and predictions at the same time, of equal and of different structures, are those one by one."""
    X, y = motorcycle
    cases = [(1, X, y), (2, X, y), (2, *table), (2, X, -y)]

    def fit_predict(n_experts, X, y):
        return make_regressor(n_experts).fit(X, y).predict(X, return_std=True)

    expected = [fit_predict(*case) for case in cases]
    found = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(fit_predict)(*case) for case in cases
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_workers_after_this_process_has_used_tensorflow(step_model, step):
    """Whatever the workers are made of, they answer, and as this process does."""
    expected = step_model.predict(step[0])
    found = joblib.Parallel(n_jobs=2, backend="loky", timeout=300)(
        joblib.delayed(step_model.predict)(step[0]) for _ in range(2)
    )
    np.testing.assert_allclose(found, [expected] * 2, rtol=1e-8)


def test_one_model_predicts_in_many_threads(step_model):
    rows = [np.linspace(low, low + 3, 50)[:, None] for low in np.linspace(-3, 0, 40)]
    expected = [step_model.predict(part, return_std=True) for part in rows]
    found = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(step_model.predict)(part, return_std=True) for part in rows
    )
    np.testing.assert_array_equal(found, expected)
