"""Derivatives of mean and variance: against finite differences of the predictions, at every kind of input."""

import gpflow
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from tensorflow.python.framework.func_graph import FuncGraph

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.engine import predictions as predict
from sklearn_mogpe.engine import program as pool


def rough_and_linear(input_dim):
    return gpflow.kernels.Matern12(lengthscales=np.ones(input_dim)) + gpflow.kernels.Linear()


def periodic(input_dim):
    return gpflow.kernels.Periodic(gpflow.kernels.SquaredExponential(lengthscales=np.ones(input_dim)))


def constant(input_dim):
    return gpflow.kernels.Constant()


CASES = {
    "one expert": {"kernels": ["rbf"]},
    "one expert of three features": {"kernels": ["matern52"], "n_features": 3},
    "two experts": {"kernels": ["matern32", "rbf"]},
    "three experts": {"kernels": ["rbf"] * 3},
    "three experts of two outputs": {"kernels": ["rbf"] * 3, "n_outputs": 2, "n_features": 3},
    "units": {
        "kernels": ["matern52", "rbf"],
        "n_outputs": 2,
        "n_features": 3,
        "x_mean": 5000.0,
        "x_scale": 2000.0,
        "y_mean": 1e-5,
        "y_scale": 2e-6,
    },
    "a kernel with kinks": {"kernels": ["matern12"] * 2, "gating_kernel": "matern12"},
    "callables": {
        "kernels": [rough_and_linear, periodic],
        "gating_kernel": rough_and_linear,
        "n_features": 3,
    },
    "a constant": {"kernels": [constant] * 2, "gating_kernel": constant, "n_features": 2},
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def in_standard_units(model, derivatives):
    """Derivatives (n, P, D) of mean and variance by standardised features, of standardised outputs."""
    mean, variance = (values.reshape(len(values), model.n_outputs_, -1) for values in derivatives)
    y_scale = model._state["y_scale"][:, None]
    slope = model._state["x_scale"] / y_scale
    return np.stack([mean * slope, variance * slope / y_scale])


def differences(model, X, step):
    """Central differences of mean and variance, of the same form as ``predict_derivatives``."""
    columns = []
    for axis in np.eye(X.shape[1]):
        half = axis * step * model._state["x_scale"]
        (m1, s1), (m0, s0) = (model.predict(X + sign * half, return_std=True) for sign in (1, -1))
        columns.append([(m1 - m0) / (2 * half.sum()), (s1**2 - s0**2) / (2 * half.sum())])
    return [np.stack(parts, axis=-1) for parts in zip(*columns, strict=True)]


def assert_equal_differences(model, X, step, atol):
    found, expected = model.predict_derivatives(X), differences(model, X, step)
    assert [part.shape for part in found] == [part.shape for part in expected]
    np.testing.assert_allclose(
        in_standard_units(model, found), in_standard_units(model, expected), rtol=0, atol=atol
    )


def random_rows(model, n_rows=15):
    rows = np.random.default_rng(1).normal(size=(n_rows, model.n_features_in_))
    return rows * model._state["x_scale"] + model._state["x_mean"]


def inducing_inputs(model):
    """Inducing inputs of all functions, in the units of X."""
    state = model._state
    Z = [value for path, value in state["parameters"].items() if path.endswith(".Z")]
    return np.concatenate(Z) * state["x_scale"] + state["x_mean"]


@every_case
def test_equal_to_central_differences(make_fitted, case):
    """Steps of 1e-4 err by 1e-8 / 6 of the third derivative, which is below 100, and by rounding of 1e-8."""
    model = make_fitted(**case)
    assert_equal_differences(model, random_rows(model), step=1e-4, atol=1e-6)


@every_case
def test_at_inducing_inputs(make_fitted, case):
    """At a kink the middle of the slopes on both sides, as the difference is, but for its step."""
    model = make_fitted(**case)
    has_kinks = any(kernel in ("matern12", rough_and_linear) for kernel in case["kernels"])
    step, atol = (1e-5, 1e-3) if has_kinks else (1e-4, 1e-6)
    assert_equal_differences(model, inducing_inputs(model), step, atol)


def test_slopes_beside_a_kink(make_fitted):
    """A thousandth to a millionth of a lengthscale from it they are those of their side."""
    model = make_fitted(["matern12"])
    Z = inducing_inputs(model)[:1]
    for distance in (1e-3, -1e-3, 1e-6, -1e-6):
        X = Z + distance * model._state["x_scale"]
        assert_equal_differences(model, X, step=abs(distance) / 10, atol=1e-3)


@pytest.mark.parametrize("kernels", [["rbf"] * 3, ["matern12"] * 2, ["matern32"], ["matern52"]])
def test_nothing_changes_far_outside(make_fitted, kernels):
    model = make_fitted(kernels, gating_kernel=kernels[0])
    for distance in (1e2, 1e6, 1e100):
        for derivative in model.predict_derivatives([[distance], [-distance]]):
            np.testing.assert_allclose(derivative, 0.0, atol=1e-12)


def test_far_outside_on_a_line(make_fitted):
    """There rounding grows with the values, by 1e-16 of 1e3 or, of the variance, of 1e6."""
    model = make_fitted([rough_and_linear] * 2, gating_kernel=constant)
    mean, variance = in_standard_units(model, model.predict_derivatives([[2e3], [4e3]]))
    expected = in_standard_units(model, differences(model, np.array([[2e3], [4e3]]), step=1.0))
    np.testing.assert_allclose([mean, variance], expected, rtol=1e-6)
    np.testing.assert_allclose(mean[1], mean[0], rtol=1e-6)
    np.testing.assert_allclose(variance[1], 2 * variance[0], rtol=1e-2)


@pytest.mark.parametrize("n_experts", [2, 3])
def test_where_no_variance_is_left(make_fitted, n_experts):
    """Functions known exactly at the inducing inputs: there their variance is zero, clipped, and lowest."""
    model = make_fitted(["rbf"] * n_experts, n_inducing=4)
    parameters = model._state["parameters"]
    for path, value in parameters.items():
        if path.endswith((".q_sqrt", "jitter")):
            parameters[path] = np.zeros_like(value)
        elif path.endswith(".Z"):
            parameters[path] = np.arange(4.0)[:, None]
    X = inducing_inputs(model)[:4]
    assert np.min(model.predict_gating_functions(X, return_std=True)[1]) < 1e-7
    assert_equal_differences(model, X, step=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", [["rbf"] * 3, ["matern12"] * 2, [rough_and_linear]])
def test_single_precision(make_fitted, kernels):
    """Rounding of 1e-7, magnified by covariance matrices whose condition is that of their jitter, 1e-4."""
    single, double = (make_fitted(kernels, dtype=dtype) for dtype in ("float32", "float64"))
    # the same values, the larger jitter too
    for path, value in single._state["parameters"].items():
        double._state["parameters"][path] = value.astype(float)
    X = np.concatenate([random_rows(single), inducing_inputs(single), [[1e6]]])
    found, expected = single.predict_derivatives(X), double.predict_derivatives(X)
    assert all(part.dtype == np.float64 for part in found)
    np.testing.assert_allclose(
        in_standard_units(single, found), in_standard_units(double, expected), rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize("rows_per_call", [1, 4])
def test_blocks_leave_no_mark(make_fitted, monkeypatch, rows_per_call):
    model = make_fitted(**CASES["three experts of two outputs"])
    X = random_rows(model)
    whole = model.predict_derivatives(X)
    monkeypatch.setattr(predict, "ROWS_PER_CALL", rows_per_call)
    for part, expected in zip(model.predict_derivatives(X), whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-9, atol=1e-12)


def test_traced_once_for_a_structure(make_fitted, monkeypatch):
    names, make = [], FuncGraph.__init__

    def init(self, name, *args, **kwargs):
        names.append(name)
        make(self, name, *args, **kwargs)

    monkeypatch.setattr(FuncGraph, "__init__", init)
    monkeypatch.setattr(pool, "_programs", type(pool._programs)())
    model = make_fitted()
    model.predict_derivatives(random_rows(model))
    assert names
    names.clear()
    model.predict_derivatives(random_rows(model, 40))
    other = make_fitted(n_features=3, n_inducing=5, seed=1)
    other.predict_derivatives(random_rows(other))
    assert names == []


def test_estimator_stays_as_it_is(make_fitted):
    model = make_fitted()
    before = dict(vars(model))
    model.predict_derivatives([[0.3]])
    assert vars(model) == before


def test_bad_input(make_fitted):
    with pytest.raises(NotFittedError):
        MoGPERegressor().predict_derivatives([[0.3]])
    model = make_fitted(n_features=2)
    with pytest.raises(ValueError, match="X has 1 features, but MoGPERegressor is expecting 2 features"):
        model.predict_derivatives([[0.3]])
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict_derivatives([[0.3, np.nan]])
