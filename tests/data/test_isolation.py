"""What the caller has set does not change results, and is as it was afterwards."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
from sklearn.cluster import KMeans

from sklearn_mogpe import metrics
from sklearn_mogpe.data.isolation import isolated
from sklearn_mogpe.predictive import gaussian_mixture
from sklearn_mogpe.training.starts.divisions import starts

SETTINGS = {"array_api_dispatch": False, "transform_output": "default"}


@pytest.fixture
def strict():
    """NumPy raises all errors, and scikit-learn's output are tables."""
    with np.errstate(all="raise"), sklearn.config_context(transform_output="pandas", assume_finite=True):
        yield


def settings():
    config = sklearn.get_config()
    return np.geterr()["under"], config["transform_output"], config["assume_finite"]


def test_functions_and_public_methods_run_under_usual_settings(strict):
    @isolated
    class Part:
        def public(self, value):
            """Documented."""
            return value, *settings()

        def _own(self):
            return settings()

    assert Part().public(3) == (3, "ignore", "default", True)  # not to check is the caller's choice
    assert Part().public.__doc__ == "Documented."
    assert Part()._own() == settings() == ("raise", "pandas", True)
    assert isolated(settings)() == ("ignore", "default", True)


def test_mlflow_records_no_parts(monkeypatch):
    recorded, is_recording = [], [True]
    fit = KMeans.fit

    @contextmanager
    def disable():
        is_recording[0] = False
        yield
        is_recording[0] = True

    def record(self, *args, **kwargs):
        recorded.extend(["k-means"] * is_recording[0])
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(KMeans, "fit", record)
    rows = np.arange(10.0)[:, None]
    starts(rows, rows, rows, 2, np.random.RandomState(0))
    n_recorded = len(recorded)
    assert n_recorded >= 2
    tracking = SimpleNamespace(disable_autologging=disable)
    monkeypatch.setitem(sys.modules, "mlflow.utils.autologging_utils", tracking)
    starts(rows, rows, rows, 2, np.random.RandomState(0))
    assert len(recorded) == n_recorded


def test_settings_come_back_after_errors(strict):
    @isolated
    def fail():
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail()
    assert settings() == ("raise", "pandas", True)


def test_densities_far_out(strict):
    mixture = np.array([[0.4, 0.6]]), np.array([[[0.0], [1e3]]]), np.full((1, 2, 1), 1e-3)
    far = np.array([1e200])
    assert metrics.crps(far[:1] * 1e-150, *mixture) == pytest.approx(1e50, rel=1e-12)
    assert metrics.pit(far, *mixture) == [1.0]
    assert np.isfinite(isolated(gaussian_mixture.expected_log_density)(*mixture, 2)).all()


@pytest.fixture
def outcome(make_regressor, wave):
    """What a fit and its predictions are."""

    def outcome():
        model = make_regressor(max_iter=3, noise="varying", init_params="auto").fit(*wave)
        X = np.array([[0.3], [50.0]])
        parts = (
            *model.predict(X, return_std=True),
            *model.predict_interval(X),
            *model.predict_variance_parts(X),
            model.score_samples(X),
            model.score_samples(X, [0.0, 1e6]),
            model.predict_derivatives(X)[0],
            model.gating_.predict_proba(X),
        )
        return np.concatenate([np.ravel(part) for part in parts])

    return outcome


@pytest.mark.usefixtures("short_search")
def test_fits_and_predictions_are_the_same(outcome, strict, monkeypatch):
    under_strict = outcome()
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # scikit-learn asks for it
    with np.errstate(all="warn", under="ignore"), sklearn.config_context(**SETTINGS):
        expected = outcome()
        np.testing.assert_array_equal(under_strict, expected)
        try:
            dispatching = sklearn.config_context(array_api_dispatch=True)
            with dispatching:
                np.testing.assert_array_equal(outcome(), expected)
        except ImportError as error:  # older versions need another package for it
            pytest.skip(str(error))
