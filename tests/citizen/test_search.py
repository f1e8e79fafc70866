"""Searches, curves and cross-validation: their numbers are those of fits by hand."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("short_search")

FOLDS = KFold(2)


def log_density(estimator, X, y):
    return estimator.score_samples(X, y).mean()


def by_hand(estimator, X, y, score=log_density):
    """Scores of fits on all rows but one fold's, on the rows of the fold."""
    return [
        score(clone(estimator).fit(X[train], y[train]), X[test], y[test]) for train, test in FOLDS.split(X)
    ]


def test_grid_search(make_regressor, step):
    """By the density, two experts are better than one; the best is fitted on all rows."""
    X, y, _ = step
    search = GridSearchCV(make_regressor(), {"n_experts": [1, 2]}, scoring=log_density, cv=FOLDS).fit(X, y)
    for i, n_experts in enumerate((1, 2)):
        found = [search.cv_results_[f"split{fold}_test_score"][i] for fold in range(2)]
        np.testing.assert_allclose(found, by_hand(make_regressor(n_experts), X, y), rtol=1e-9)
    assert search.best_params_ == {"n_experts": 2}
    np.testing.assert_array_equal(search.predict(X), make_regressor().fit(X, y).predict(X))


def test_halving_search(make_regressor, step):
    """Iterations are the resource: the better half goes on with more of them."""
    X, y, _ = step
    search = HalvingGridSearchCV(
        make_regressor(),
        {"n_experts": [1, 2]},
        resource="max_iter",
        min_resources=15,
        max_resources=30,
        factor=2,
        scoring=log_density,
        cv=FOLDS,
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [15, 30]
    assert search.best_params_ == {"n_experts": 2, "max_iter": 30}
    assert search.best_score_ == pytest.approx(np.mean(by_hand(make_regressor(max_iter=30), X, y)), rel=1e-9)


def test_randomised_search_through_a_pipeline(make_regressor, motorcycle):
    X, y = motorcycle
    pipeline = make_pipeline(StandardScaler(), make_regressor())
    spaces = {
        "mogperegressor__learning_rate": loguniform(1e-3, 1.0),
        "mogperegressor__init_params": ["mixture", "ladder"],
    }
    search = RandomizedSearchCV(pipeline, spaces, n_iter=2, cv=FOLDS, random_state=0).fit(X, y)
    tried, scores = search.cv_results_["params"], search.cv_results_["mean_test_score"]
    for params, score in zip(tried, scores, strict=True):
        expected = by_hand(clone(pipeline).set_params(**params), X, y, lambda fit, *rows: fit.score(*rows))
        assert score == pytest.approx(np.mean(expected), rel=1e-9)
    assert search.best_params_ == tried[np.argmax(scores)]


def test_predictions_of_rows_held_out(make_regressor, motorcycle):
    X, y = motorcycle
    found = cross_val_predict(make_regressor(), X, y, cv=FOLDS)
    for train, test in FOLDS.split(X):
        expected = make_regressor().fit(X[train], y[train]).predict(X[test])
        np.testing.assert_allclose(found[test], expected, rtol=1e-9)
    assert r2_score(y, found) > 0.6


def test_validation_curve(make_regressor, motorcycle):
    X, y = motorcycle
    _, found = validation_curve(
        make_regressor(), X, y, param_name="max_iter", param_range=[5, 50], cv=FOLDS, scoring=log_density
    )
    np.testing.assert_allclose(found[1], by_hand(make_regressor(max_iter=50), X, y), rtol=1e-9)
    assert np.all(found[0] != found[1])


def test_learning_curve(make_regressor, motorcycle):
    X, y = motorcycle
    sizes, _, found = learning_curve(make_regressor(), X, y, train_sizes=[20, 33], cv=FOLDS)
    np.testing.assert_array_equal(sizes, [20, 33])
    train, test = next(FOLDS.split(X))
    for i, size in enumerate(sizes):
        model = make_regressor().fit(X[train[:size]], y[train[:size]])
        assert found[i, 0] == pytest.approx(model.score(X[test], y[test]), rel=1e-9)


def test_learning_curve_by_partial_fit(make_regressor, motorcycle):
    X, y = motorcycle
    sizes, _, found = learning_curve(
        make_regressor(), X, y, train_sizes=[20, 33], cv=FOLDS, exploit_incremental_learning=True
    )
    train, test = next(FOLDS.split(X))
    model = make_regressor()
    for i, part in enumerate(np.split(train[: sizes[-1]], sizes[:-1])):
        model.partial_fit(X[part], y[part])
        assert found[i, 0] == pytest.approx(model.score(X[test], y[test]), rel=1e-9)
