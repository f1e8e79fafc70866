"""Fits that have only so much time."""

import time

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
from sklearn_mogpe.training.tracking import Tracker

X, Y = load_motorcycle(return_X_y=True)


def assert_usable(model):
    """All that a fitted model says is finite, and no worse than one normal density for all rows."""
    for value in model._state["parameters"].values():
        assert np.all(np.isfinite(value))
    mean, std = model.predict(X, return_std=True)
    assert np.all(np.isfinite(mean) & np.isfinite(std) & (std > 0.0))
    assert np.isfinite(model.lower_bound_)
    assert model.score_samples(X, Y).mean() > -0.5 * np.log(2 * np.pi * np.e * Y.var())


@pytest.mark.parametrize("n_experts", [1, 2, "auto"])
def test_hardly_any_time_is_enough_for_something(make_regressor, n_experts):
    model = make_regressor(n_experts, max_iter=1000, max_time=1e-3).fit(X, Y)
    assert_usable(model)
    assert model.n_iter_ == 1
    assert not model.converged_
    if n_experts == "auto":  # more are not tried
        assert list(model.n_experts_scores_) == [1]


@pytest.mark.parametrize("params", [{}, {"solver": "adam"}, {"solver": "lbfgs"}, {"batch_size": 40}], ids=str)
def test_every_solver_has_hardly_any_time(make_regressor, params):
    model = make_regressor(max_iter=1000, tol=0.0, max_time=1e-3, **params).fit(X, Y)
    assert np.all(np.isfinite(model.predict(X)))
    assert model.n_iter_ == 1


@pytest.mark.parametrize("params", [{}, {"solver": "adam"}, {"solver": "lbfgs"}, {"batch_size": 40}], ids=str)
def test_enough_time_changes_nothing(make_regressor, short_search, params):
    models = [make_regressor(max_iter=30, max_time=t, **params).fit(X, Y) for t in (None, 1000)]
    some, enough = (model._state["parameters"] for model in models)
    for path, value in some.items():
        np.testing.assert_array_equal(enough[path], value)
    assert models[0].loss_curve_ == models[1].loss_curve_
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))


@pytest.fixture
def now(monkeypatch):
    """The time, in a list, by a clock that takes a second for each report."""
    now, update = [0.0], Tracker.update
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def slow_update(self, *args):
        now[0] += 1.0
        return update(self, *args)

    monkeypatch.setattr(Tracker, "update", slow_update)
    return now


# Of a run that makes ten reports.
TEN_REPORTS = {"max_iter": 250, "tol": 0.0, "n_iter_no_change": 250, "init_params": "residual"}


def test_training_ends_in_time_with_the_best_so_far(make_regressor, short_search, now):
    n_before = 1  # of the search
    with pytest.warns(ConvergenceWarning, match="ended by max_time, after 100 .* Raise max_time"):
        model = make_regressor(max_time=n_before + 4.5, **TEN_REPORTS).fit(X, Y)
    assert len(model.loss_curve_) == 4
    now[0] = 0.0
    whole = make_regressor(**TEN_REPORTS).fit(X, Y)
    assert model.loss_curve_ == whole.loss_curve_[:4]


def test_a_fit_that_time_has_ended_goes_on_from_its_checkpoints(make_regressor, short_search, tmp_path, now):
    """When it is started again with more time."""
    model = make_regressor(**TEN_REPORTS, checkpoint_dir=tmp_path, max_time=5.5)
    with pytest.warns(ConvergenceWarning, match="ended by max_time"):
        model.fit(X, Y)
    assert len(model.loss_curve_) == 4
    model.set_params(max_time=None).fit(X, Y)
    np.testing.assert_allclose(
        model.loss_curve_, make_regressor(**TEN_REPORTS).fit(X, Y).loss_curve_, rtol=1e-9
    )


@pytest.mark.parametrize("max_time", [0, -1, "x", 0.0, float("nan")])
def test_times_that_are_none(max_time):
    with pytest.raises(InvalidParameterError, match="'max_time' parameter of MoGPERegressor"):
        MoGPERegressor(max_time=max_time).fit(X, Y)
