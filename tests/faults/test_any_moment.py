"""Interruptions and failures at any moment: a fit ends with its best so far, or leaves all as it was."""

import signal
import threading
import time
import warnings

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe.datasets import make_step

X, Y = make_step(60, random_state=0)
X_NEW = np.linspace(-3, 3, 7)[:, None]


@pytest.fixture
def interrupted():
    """Make fits in which KeyboardInterrupt is raised after some seconds, wherever Python is then."""
    is_in_fit = False

    def interrupt(signum, frame):
        if is_in_fit:
            raise KeyboardInterrupt

    def after(seconds):
        def fit(model):
            nonlocal is_in_fit
            signal.setitimer(signal.ITIMER_REAL, seconds)
            is_in_fit = True
            try:
                model.fit(X, Y)
            finally:
                is_in_fit = False
                signal.setitimer(signal.ITIMER_REAL, 0.0)

        return fit

    before = signal.signal(signal.SIGALRM, interrupt)
    yield after
    signal.signal(signal.SIGALRM, before)


def assert_sound(model):
    weights, means, stds = model.predict_mixture(X_NEW)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert np.all(np.isfinite(means))
    assert np.all(stds > 0)
    assert np.isfinite(model.lower_bound_)


def outcome(model, fit):
    """What a fit that is disturbed does: it must be sound or raise, and then leave the model as it was."""
    before, predictions = dict(vars(model)), model.predict(X_NEW)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit(model)
    except (KeyboardInterrupt, SystemError, np.linalg.LinAlgError) as error:  # of NumPy, of an interruption
        assert vars(model) == before
        np.testing.assert_array_equal(model.predict(X_NEW), predictions)
        return type(error).__name__
    assert_sound(model)
    return "fitted"


@pytest.mark.usefixtures("short_search")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # raised while Python cleans up
@pytest.mark.parametrize(
    "params",
    [{}, pytest.param({"n_experts": "auto", "noise": "auto"}, marks=pytest.mark.slow)],
    ids=["two", "auto"],
)
def test_interrupted(make_regressor, interrupted, params):
    model = make_regressor(**params, max_iter=20).fit(X, Y)
    expected = model.fit(X, Y).predict(X_NEW)
    begin = time.perf_counter()
    model.fit(X, Y)
    seconds, outcomes = time.perf_counter() - begin, []
    for share in np.linspace(0.0, 1.0, 9)[1:]:
        outcomes.append(outcome(model, interrupted(share * seconds)))
    assert "KeyboardInterrupt" in outcomes
    # what was interrupted is not lent to others half-way
    np.testing.assert_array_equal(model.fit(X, Y).predict(X_NEW), expected)


class Failing(gpflow.kernels.SquaredExponential):
    """Its covariances are not numbers at one call of all, or from that on."""

    calls, fails_at = 0, range(0)
    _lock = threading.Lock()

    def K(self, X, X2=None):
        factor = tf.numpy_function(self._factor, [], tf.float64)
        return super().K(X, X2) * tf.ensure_shape(factor, [])

    def _factor(self):
        with Failing._lock:
            Failing.calls += 1
            return np.nan if Failing.calls in Failing.fails_at else 1.0


def failing(input_dim):
    return Failing(lengthscales=np.ones(input_dim))


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize(("solver", "for_good"), [("natgrad", False), ("natgrad", True), ("lbfgs", True)])
def test_covariances_that_are_not_numbers(make_regressor, solver, for_good):
    model = make_regressor(kernel=failing, solver=solver, max_iter=15)
    Failing.fails_at = range(0)
    model.fit(X, Y)
    Failing.calls = 0
    expected = model.fit(X, Y).predict(X_NEW)
    n_calls, outcomes = Failing.calls, []
    for first in np.linspace(1, n_calls, 8).astype(int):

        def fit(model, moments=range(first, 10**9 if for_good else first + 1)):
            Failing.calls, Failing.fails_at = 0, moments
            try:
                model.fit(X, Y)
            finally:
                Failing.fails_at = range(0)

        outcomes.append(outcome(model, fit))
    assert "fitted" in outcomes
    np.testing.assert_allclose(model.fit(X, Y).predict(X_NEW), expected)
