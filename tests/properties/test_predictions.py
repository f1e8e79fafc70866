"""Predictions of random mixtures: sound everywhere, whatever the rows' order, the blocks and the experts'."""

from copy import copy
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.data.rows import Scaler, Scales
from sklearn_mogpe.engine import predictions

# Structures by name; each of them takes seconds to trace.
KINDS = {
    "two experts": {"n_features": 2},
    "three experts": {"kernels": ("rbf", "rbf", "matern52"), "n_outputs": 2, "n_features": 2},
    "single precision": {"n_features": 2, "dtype": "float32"},
    "three alike": {"kernels": ("rbf",) * 3, "n_features": 2},
}
kinds = st.sampled_from(["two experts", "three experts", "single precision"])
seeds = st.integers(0, 19)


@st.composite
def inputs(draw, reach=6):
    """Rows of two features, some near the inducing inputs, others far away."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    X = rng.normal(0.5, 2.0, (draw(st.integers(1, 12)), 2))
    return X * 10.0 ** rng.choice([0.0, 0.0, 1.0, reach], X.shape)


@pytest.fixture(scope="module")
def random_model(make_fitted):
    """An estimator of a kind, with random parameters."""
    return lru_cache(None)(lambda kind, seed: make_fitted(**KINDS[kind], seed=seed))


@given(kind=kinds, seed=seeds, X=inputs(reach=12))
def test_predictions_are_sound(random_model, assert_sound, kind, seed, X):
    assert_sound(random_model(kind, seed), X)


@given(kind=kinds, seed=seeds, X=inputs(), level=st.floats(0.001, 0.999))
def test_quantiles_are_inverse_to_the_distribution_function(random_model, kind, seed, X, level):
    model = random_model(kind, seed)
    weights, means, stds = model.predict_mixture(X)
    value = model.predict_quantile(X, level).reshape(len(X), 1, -1)
    below = np.sum(weights[:, :, None] * ndtr((value - means) / stds), axis=1)
    np.testing.assert_allclose(below, level, rtol=0, atol=1e-9)
    bounds = np.stack(model.predict_interval(X, level), axis=-1)
    tails = model.predict_quantile(X, [(1 - level) / 2, (1 + level) / 2])
    np.testing.assert_allclose(bounds, tails, rtol=1e-9, atol=1e-9)


@given(kind=kinds, seed=seeds, X=inputs())
def test_parts_add_up(random_model, kind, seed, X):
    """To the moments, and of the components to the experts."""
    model = random_model(kind, seed)
    mean, std, mixing_proba = model.predict(X, return_std=True, return_mixing_proba=True)
    experts, stds = model.predict_experts(X, return_std=True)
    shape = (len(X), model.n_experts_, -1)
    experts, stds, weights = experts.reshape(shape), stds.reshape(shape), mixing_proba[:, :, None]
    np.testing.assert_allclose(mean.reshape(len(X), -1), np.sum(weights * experts, axis=1), rtol=1e-9)
    rtol = 1e-4 if kind == "single precision" else 1e-9
    np.testing.assert_allclose(sum(model.predict_variance_parts(X)), std**2, rtol=rtol)
    functions = model.predict_latent_functions(X, return_std=True)[1]
    noise = model.predict_noise(X)
    np.testing.assert_allclose((functions**2 + noise**2).reshape(shape), stds**2, rtol=rtol)
    joint = model.predict_responsibilities(X, model.sample_y(X)[..., 0])
    np.testing.assert_allclose(joint.sum(axis=1), 1.0, rtol=0, atol=1e-9)


def everything(model, X):
    """Weights, means and stds, the moments of the functions, and the log density at zero."""
    zeros = np.zeros((len(X), model.n_outputs_))
    return (
        *model.predict_mixture(X),
        *model.predict_gating_functions(X, return_std=True),
        *model.predict_latent_functions(X, return_std=True),
        *model.predict_derivatives(X),
        model.score_samples(X, zeros),
    )


def assert_near(found, expected, *, single):
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if single else {"rtol": 1e-9, "atol": 1e-10}
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


@given(kind=kinds, seed=seeds, X=inputs(reach=3), order=st.randoms(use_true_random=False))
def test_each_row_is_predicted_by_itself(random_model, kind, seed, X, order):
    """Whatever rows stand before and behind it, how often it stands there, and in what blocks."""
    model = random_model(kind, seed)
    places = [*range(len(X)), order.randrange(len(X))]
    order.shuffle(places)
    expected = everything(model, X)
    single = kind == "single precision"
    assert_near(everything(model, X[places]), [part[places] for part in expected], single=single)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictions, "ROWS_PER_CALL", order.randint(1, 5))
        assert_near(everything(model, X), expected, single=single)


def reordered(parameters, order):
    """Parameters of the same mixture, its experts in another order."""
    result = dict(parameters)
    for place, k in enumerate(order):
        own = f".experts.experts[{k}]"
        for path in parameters:
            if path.startswith(own):
                result[f".experts.experts[{place}]{path.removeprefix(own)}"] = parameters[path]
    gate = ".gating_network.gps[0]"
    if len(order) > 2:  # each expert has a function of its own
        result[f"{gate}.q_mu"] = parameters[f"{gate}.q_mu"][:, order]
        result[f"{gate}.q_sqrt"] = parameters[f"{gate}.q_sqrt"][order]
    elif order == [1, 0]:  # Phi(-h) = 1 - Phi(h)
        result[f"{gate}.q_mu"] = -parameters[f"{gate}.q_mu"]
    return result


@given(kind=st.sampled_from(["two experts", "three alike"]), seed=seeds, X=inputs(), random=st.randoms())
def test_experts_may_stand_in_any_order(random_model, kind, seed, X, random):
    """The probabilities of three are averages over quasi-random points, right to a hundredth."""
    first = random_model(kind, seed)
    order = list(range(first.n_experts_))
    random.shuffle(order)
    second = copy(first)
    second._state = {**first._state, "parameters": reordered(first._state["parameters"], order)}
    (weights, *expected), (found, *others) = first.predict_mixture(X), second.predict_mixture(X)
    assert_near(others, [part[:, order] for part in expected], single=False)
    are_two = kind == "two experts"
    np.testing.assert_allclose(found, weights[:, order], rtol=0, atol=1e-9 if are_two else 0.02)
    if are_two:
        for ask in ("predict", "score_samples"):
            np.testing.assert_allclose(getattr(first, ask)(X), getattr(second, ask)(X), rtol=1e-8, atol=1e-8)
        quantiles = (model.predict_quantile(X, 0.9) for model in (first, second))
        np.testing.assert_allclose(*quantiles, rtol=1e-8, atol=1e-8)


@given(kind=kinds, seed=seeds, X=inputs(reach=3), powers=st.tuples(*[st.integers(-40, 40)] * 2))
def test_units_of_x_and_y(random_model, kind, seed, X, powers):
    """Powers of two, which lose nothing: predictions are the same but for the units."""
    a, b = (2.0**power for power in powers)
    model = random_model(kind, seed)
    state = model._state
    scales = Scales(
        Scaler(a * state["x_mean"], a * state["x_scale"]), Scaler(b * state["y_mean"], b * state["y_scale"])
    )
    other = copy(model)
    other._state = fitted_state.make(
        state["structure"], state["parameters"], 100, scales, state["flat_output"]
    )
    for found, expected in zip(
        other.predict(a * X, return_std=True), model.predict(X, return_std=True), strict=True
    ):
        np.testing.assert_array_equal(found, b * expected)
    np.testing.assert_array_equal(other.predict_quantile(a * X, 0.3), b * model.predict_quantile(X, 0.3))
    np.testing.assert_array_equal(other.predict_mixing_proba(a * X), model.predict_mixing_proba(X))
    slopes = zip(other.predict_derivatives(a * X), model.predict_derivatives(X), (b, b**2), strict=True)
    for found, expected, unit in slopes:
        np.testing.assert_allclose(found, unit / a * expected, rtol=1e-12)
    y, shift = model.sample_y(X)[..., 0], state["y_mean"].size * np.log(b)
    np.testing.assert_allclose(
        other.score_samples(a * X, b * y), model.score_samples(X, y) - shift, rtol=1e-9, atol=1e-9
    )
