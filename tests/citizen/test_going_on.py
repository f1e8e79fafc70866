"""Warm starts and partial fits go on from the last parameters."""

from functools import partial

import gpflow
import numpy as np
import pytest

X = np.linspace(-2.9, 2.9, 13)[:, None]


def make_rbf(input_dim, variance=1.0):
    return gpflow.kernels.RBF(variance, lengthscales=np.full(input_dim, 0.5))


def test_warm_start_goes_on(make_regressor, short_search, branches):
    rows, y, _ = branches
    model = make_regressor(init_params="residual", warm_start=True).fit(rows, y)
    bounds = [model.lower_bound_]
    for _ in range(4):
        bounds.append(model.fit(rows, y).lower_bound_)
    assert np.all(np.diff(bounds) >= -1e-6)
    assert bounds[-1] > bounds[0]


def test_warm_start_never_ends_below_its_beginning(make_regressor, short_search, wave):
    model = make_regressor(warm_start=True, max_iter=100).fit(*wave)
    first = model.lower_bound_
    model.set_params(learning_rate=5.0, max_iter=25).fit(*wave)  # steps that only do harm
    assert model.lower_bound_ >= first - 1e-6


def test_warm_start_on_other_rows_keeps_the_scales(make_regressor, short_search, wave):
    rows, y = wave
    model = make_regressor(warm_start=True).fit(rows, y)
    scales = {name: model._state[name] for name in ("x_mean", "x_scale", "y_mean", "y_scale")}
    model.fit(rows[:30] + 0.1, y[:30] + 0.5)
    for name, value in scales.items():
        np.testing.assert_array_equal(model._state[name], value)
    assert np.mean(model.predict(rows[:30] + 0.1) - y[:30]) == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    "params", [{"n_experts": 3}, {"kernel": "matern32"}, {"n_samples": 8}, {"n_inducing": 5}]
)
def test_warm_start_refuses_another_structure(make_regressor, short_search, wave, params):
    model = make_regressor(warm_start=True).fit(*wave)
    expected = model.predict(X)
    model.set_params(**params)
    with pytest.raises(ValueError, match=r"the same n_experts, kernels.*warm_start=False"):
        model.fit(*wave)
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.slow
def test_warm_start_with_a_partial_function_as_kernel(make_regressor, short_search, wave):
    model = make_regressor(1, warm_start=True, kernel=partial(make_rbf, variance=2.0)).fit(*wave)
    first = model.lower_bound_
    assert model.fit(*wave).lower_bound_ >= first - 1e-6


def test_partial_fit_learns_from_batch_to_batch(make_regressor, short_search, step, new_rows):
    rows, y, _ = step
    new, y_new, _ = new_rows["step"]
    model = make_regressor().partial_fit(rows[:50], y[:50])
    assert model.n_iter_ == 1
    first = model.score_samples(new, y_new).mean()
    for _ in range(15):
        for part in np.array_split(np.arange(150), 3):
            model.partial_fit(rows[part], y[part])
    assert model.score_samples(new, y_new).mean() > first + 0.02


def test_partial_fit_takes_a_single_row(make_regressor, short_search, wave):
    rows, y = wave
    model = make_regressor().partial_fit(rows, y)
    before = model.predict(X)
    model.partial_fit(rows[:1], y[:1] + 1.0)
    assert np.max(np.abs(model.predict(X) - before)) > 0
    assert np.all(np.isfinite(model.predict(X)))


def test_automatic_inducing_points_stay_as_many(make_regressor, short_search, step):
    rows, y, _ = step
    model = make_regressor(n_inducing="auto").partial_fit(rows[:30], y[:30])
    model.partial_fit(rows, y)
    assert model.n_inducing_ == 30
    assert model.model_.gating_network.gps[0].num_inducing == 30


def test_a_step_hardly_moves_inducing_inputs(make_regressor, short_search, wave):
    """Adam's first step has the size of its rate, whatever the derivatives: that of 100 must be small."""
    model = make_regressor(bound="further", learning_rate=0.05).partial_fit(*wave)
    before = {path: value.copy() for path, value in model._state["parameters"].items()}
    model.partial_fit(*wave)
    after = model._state["parameters"]
    moves = [np.abs(after[path] - value).max() for path, value in before.items() if path.endswith(".Z")]
    assert 0.0 < max(moves) <= 1.1 * 0.05 / 100


def test_partial_fit_of_other_columns(make_regressor, short_search, wave):
    rows, y = wave
    model = make_regressor().partial_fit(rows, y)
    with pytest.raises(ValueError, match="X has 2 features, but MoGPERegressor is expecting 1"):
        model.partial_fit(np.hstack([rows, rows]), y)
    with pytest.raises(ValueError, match="Expected y with 1 outputs, as in the last fit, got 2"):
        model.partial_fit(rows, np.column_stack([y, y]))
