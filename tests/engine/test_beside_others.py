"""A fit is the same, to the last bit, whatever other models do meanwhile, and nobody waits for it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from sklearn_mogpe.datasets import make_step

PARAMS = {"init_params": "ladder", "max_iter": 2, "batch_size": 50}


class Stream:
    """Batches, and something that is done before each."""

    def __init__(self, X, y, do):
        self.X, self.y, self.do = X, y, do

    def __iter__(self):
        for i in range(0, len(self.X), 50):
            self.do()
            yield self.X[i : i + 50], self.y[i : i + 50]


@pytest.fixture(scope="module")
def rows():
    return make_step(400, random_state=0)


@pytest.fixture(scope="module")
def others(make_regressor, tmp_path_factory):
    """Uses of another model of the same structure: it predicts, is exported, is fitted anew."""
    X, y = make_step(60, random_state=1)
    X, y = 50 * X + 7, -3 * y
    other = make_regressor(**PARAMS).fit(X, y)
    path = tmp_path_factory.mktemp("served")
    return {
        "predict": lambda: other.predict(X[:5]),
        "predict_derivatives": lambda: other.predict_derivatives(X[:5]),
        "export": lambda: other.export_saved_model(path / "model"),
        "fit": lambda: make_regressor(**PARAMS).fit(X, y),
    }


def once(do):
    """Do something at the third call only, for what takes long."""
    calls = iter(range(10**6))
    return lambda: next(calls) == 2 and do()


def assert_same_fit(one, other):
    assert one.lower_bound_ == other.lower_bound_
    assert one.loss_curve_ == other.loss_curve_
    for path, value in one._state["parameters"].items():
        np.testing.assert_array_equal(value, other._state["parameters"][path])


@pytest.fixture(scope="module")
def streamed(make_regressor, rows):
    return make_regressor(**PARAMS).fit_stream(Stream(*rows, lambda: None), n_rows=len(rows[0]))


@pytest.mark.parametrize("use", ["predict", "predict_derivatives", "export", "fit"])
def test_a_stream_may_use_other_models(make_regressor, rows, others, streamed, use):
    do = others[use] if use == "predict" else once(others[use])
    beside = make_regressor(**PARAMS).fit_stream(Stream(*rows, do), n_rows=len(rows[0]))
    assert_same_fit(streamed, beside)


class Uses:
    """A callback that uses another model at each report."""

    def __init__(self, do):
        self.do, self.n_reports = do, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        if context.task_name == "iterations":
            self.n_reports += 1
            fitted_estimator.predict(X[:3])
            self.do()


def test_a_callback_may_use_other_models(make_regressor, short_search, rows, others):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    params = {"max_iter": 50, "tol": 0}
    callback = Uses(others["predict"])
    beside = make_regressor(**params).set_callbacks(callback).fit(*rows)
    assert callback.n_reports == 2
    assert_same_fit(make_regressor(**params).fit(*rows), beside)


def test_pictures_on_the_way_change_nothing(make_regressor, short_search, rows, tmp_path):
    params = {"max_iter": 50, "tol": 0, "log_period": 25}
    drawn = make_regressor(**params, log_dir=tmp_path, image_period=25).fit(*rows)
    assert_same_fit(make_regressor(**params, log_dir=tmp_path).fit(*rows), drawn)


@pytest.mark.slow
def test_eight_threads_fit_what_each_fits_alone(make_regressor, short_search):
    def fit(seed):
        X, y = make_step(40, random_state=seed)
        model = make_regressor(n_experts=1, max_iter=10).fit(X, y)
        model.predict(X)
        return model

    alone = [fit(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as executor:
        for one, other in zip(alone, executor.map(fit, range(8)), strict=True):
            assert_same_fit(one, other)


def test_a_prediction_does_not_wait_for_a_fit(make_regressor, rows, others):
    has_begun, has_predicted = Event(), Event()

    def hold():
        has_begun.set()
        assert has_predicted.wait(300)

    with ThreadPoolExecutor(1) as executor:
        stream = Stream(*rows, once(hold))
        fit = executor.submit(make_regressor(**PARAMS).fit_stream, stream, n_rows=len(rows[0]))
        try:
            assert has_begun.wait(300)
            others["predict"]()
            assert not fit.done()
        finally:
            has_predicted.set()
        fit.result()
