"""Experts whose noise changes with x: what they learn, and all ways to train, keep and ask them."""

import copy
import pickle

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.mixture_of_experts import further

SMALL = {"noise": "varying", "n_inducing": 10, "n_samples": 8, "random_state": 0}


def fan(n_rows, seed=0):
    """A sine whose noise grows from 0.05 to 0.8 along x."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (n_rows, 1))
    std = 0.05 * 16 ** ((X[:, 0] + 2) / 4)
    return X, np.sin(2 * X[:, 0]) + std * rng.normal(size=n_rows), std


@pytest.fixture(scope="module")
def rows():
    return fan(300)


@pytest.fixture(scope="module")
def one(rows):
    return MoGPERegressor(1, noise="varying", n_inducing=20, random_state=0).fit(*rows[:2])


@pytest.fixture(scope="module")
def two(rows):
    X, y, _ = rows
    outputs = np.column_stack([y, 10 - 3 * y[::-1]])
    model = MoGPERegressor(2, init_params="noise", max_iter=20, **SMALL)
    return model.fit(X, outputs), outputs


def test_one_expert_learns_a_noise_that_grows(one, rows):
    grid = np.linspace(-1.8, 1.8, 30)[:, None]
    truth = 0.05 * 16 ** ((grid[:, 0] + 2) / 4)
    ratio = one.predict_noise(grid)[:, 0] / truth
    assert np.all((ratio > 0.6) & (ratio < 1.6))
    X, y, std = fan(2000, seed=1)
    best = norm(np.sin(2 * X[:, 0]), std).logpdf(y).mean()
    assert one.score_samples(X, y).mean() > best - 0.05
    constant = MoGPERegressor(1, noise="constant", n_inducing=20, random_state=0).fit(*rows[:2])
    assert constant.score_samples(X, y).mean() < best - 0.2
    assert one.lower_bound_ > constant.lower_bound_ + 50


def test_experts_say_how_their_noise_varies(one):
    (expert,) = one.experts_
    assert set(expert) == {"noise_std", "signal_std", "lengthscales", "log_noise_std", "noise_lengthscales"}
    assert expert["noise_lengthscales"].shape == (1, 1)
    assert 0.3 < expert["log_noise_std"][0] < 10
    assert one.inducing_inputs_[0].shape == (40, 1)  # of the function, and of its noise


def test_components_of_an_expert_stand_together(two, rows):
    model, outputs = two
    X = rows[0][:7]
    weights, means, stds = model.predict_mixture(X)
    assert weights.shape == (7, 14)
    assert means.shape == stds.shape == (7, 14, 2)
    proba = model.predict_mixing_proba(X)
    np.testing.assert_allclose(weights.reshape(7, 2, 7).sum(axis=2), proba, rtol=1e-12)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X, return_mixing_proba=True)[1], proba)
    own, deviations = model.predict_experts(X, return_std=True)
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(np.einsum("nk,nkp->np", proba, own), mean, rtol=1e-10)
    second = np.einsum("nk,nkp->np", proba, deviations**2 + own**2)
    np.testing.assert_allclose(np.sqrt(second - mean**2), std, rtol=1e-6)
    responsibilities = model.predict_responsibilities(X, outputs[:7])
    assert responsibilities.shape == (7, 2)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("noise", ["varying", "constant"])
def test_the_variance_is_the_sum_of_its_parts(two, rows, noise):
    X, y, _ = rows
    params = {**SMALL, "noise": noise, "init_params": "noise", "max_iter": 5}
    model = two[0] if noise == "varying" else MoGPERegressor(2, **params).fit(X, y)
    parts = model.predict_variance_parts(X)
    std = model.predict(X, return_std=True)[1]
    assert all(part.shape == std.shape and np.all(part >= 0) for part in parts)
    np.testing.assert_allclose(sum(parts), std**2, rtol=1e-9)
    deviations = model.predict_latent_functions(X, return_std=True)[1]
    proba = model.predict_mixing_proba(X)
    for part, squares in zip(parts, (model.predict_noise(X) ** 2, deviations**2), strict=False):
        np.testing.assert_allclose(part, np.einsum("nk,nk...->n...", proba, squares), rtol=1e-9)


def test_derivatives_are_those_of_predictions(two, rows):
    model, _ = two
    X, step = rows[0][:10], 1e-5
    ends = [model.predict(X + sign * step, return_std=True) for sign in (1, -1)]
    mean, variance = model.predict_derivatives(X)
    np.testing.assert_allclose(mean[:, :, 0], (ends[0][0] - ends[1][0]) / (2 * step), rtol=1e-4, atol=1e-5)
    squares = [end[1] ** 2 for end in ends]
    np.testing.assert_allclose(
        variance[:, :, 0], (squares[0] - squares[1]) / (2 * step), rtol=1e-4, atol=1e-4
    )


def test_a_saved_model_predicts_the_same(two, rows, tmp_path):
    model, _ = two
    X = rows[0][:6]
    model.export_saved_model(tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    for name, expected in zip(("weights", "means", "stds"), model.predict_mixture(X), strict=True):
        np.testing.assert_allclose(loaded.predict_mixture(X)[name], expected, rtol=1e-9)
    proba = loaded.predict_mixing_proba(X)["mixing_proba"]
    np.testing.assert_allclose(proba, model.predict_mixing_proba(X), rtol=1e-9)
    quantiles = loaded.predict_quantile(X, [0.1, 0.9])["quantiles"]
    np.testing.assert_allclose(quantiles, model.predict_quantile(X, [0.1, 0.9]), rtol=1e-9)


def test_copies_predict_the_same(two, rows):
    model, _ = two
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(rows[0]), model.predict(rows[0]))


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs", "max_iter": 15},
        {"batch_size": 64, "max_iter": 10},
        {"solver": "adam", "batch_size": 64, "max_iter": 10, "learning_rate": 0.05},
        {"dtype": "float32", "max_iter": 25},
        {"bound": "tight", "max_iter": 25},
        {"bound": "further_gating", "max_iter": 25},
        {"init_params": "prior", "max_iter": 50},
        {"kernel": "matern52", "gating_kernel": "matern32", "n_experts": 3, "max_iter": 10},
    ],
    ids=str,
)
def test_all_ways_to_train(rows, params):
    X, y, _ = rows
    model = MoGPERegressor(**{"init_params": "noise", **SMALL, **params}).fit(X, y)
    quiet, loud = (model.predict(X[part], return_std=True)[1].mean() for part in (X[:, 0] < -1, X[:, 0] > 1))
    assert loud > 2.5 * quiet
    assert np.isfinite(model.score_samples(X, y)).all()


def test_streams_and_passes(rows):
    X, y, _ = rows
    model = MoGPERegressor(init_params="noise", batch_size=64, max_iter=8, **SMALL)
    model.fit_stream([(X[:200], y[:200]), (X[200:], y[200:])])
    before = model.score_samples(X, y).mean()
    model.partial_fit(X, y)
    assert model.score_samples(X, y).mean() > before - 0.2


def test_a_weight_is_a_repeated_row():
    X, y, _ = fan(60)
    weight = np.random.default_rng(0).integers(1, 4, 60)
    params = {"init_params": "noise", "max_iter": 10, **SMALL}
    weighted = MoGPERegressor(**params).fit(X, y, weight)
    repeated = MoGPERegressor(**params).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)


def test_rows_in_another_order_are_the_same(rows):
    X, y, _ = rows
    params, order = (
        {"init_params": "noise", "max_iter": 10, **SMALL},
        np.random.default_rng(0).permutation(300),
    )
    ours, theirs = MoGPERegressor(**params).fit(X, y), MoGPERegressor(**params).fit(X[order], y[order])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_experts_described_one_by_one(rows, tmp_path):
    """One whose noise varies by a rough kernel of few points, one whose noise does not."""
    X, y, _ = rows
    noise = {"kernel": {"name": "matern32", "lengthscales": 0.7}, "inducing": {"num": 6}}
    params = {**SMALL, "noise": "constant", "max_iter": 10, "init_params": "prior"}
    model = MoGPERegressor(experts=[{"noise_gp": noise}, {}], **params).fit(X, y)
    rough, plain = model.model_.experts.experts
    assert type(rough.noise_gp.kernel).__name__ == "Matern32"
    assert rough.noise_gp.num_inducing == 6
    assert plain.noise_gp is None
    model.to_toml(tmp_path / "model.toml")
    again = MoGPERegressor.from_toml(tmp_path / "model.toml").fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"experts\[0\].noise_gp.kernel.*expected one of"):
        MoGPERegressor(experts=[{"noise_gp": {"kernel": "smooth"}}]).fit(X, y)


def test_a_second_fit_does_not_trace(rows, monkeypatch):
    X, y, _ = rows
    params = {"init_params": "noise", "max_iter": 5, **SMALL}
    MoGPERegressor(**params).fit(X, y)
    monkeypatch.setattr(
        "sklearn_mogpe.engine.program.Program.compile", lambda *_: pytest.fail("traced a graph again")
    )
    MoGPERegressor(**params).fit(X[:200], y[:200])


def test_a_bound_of_ones_own_is_not_asked_of_noise_that_varies(rows):
    X, y, _ = rows
    params = {"init_params": "noise", "max_iter": 3, "n_inducing": 8, "random_state": 0}
    models = [MoGPERegressor(2, bound=bound, **params).fit(X, y) for bound in ("further", further)]
    assert [model.predict_mixture(X[:3])[0].shape for model in models] == [(3, 14), (3, 2)]


def test_rounded_targets_have_a_floor_of_noise():
    """A line, rounded: without the floor the noise would shrink onto the values."""
    x = np.linspace(0, 1, 200)
    model = MoGPERegressor(1, n_inducing=10, random_state=0).fit(x[:, None], np.round(20 * x))
    noise = model.predict_noise(x[:, None])[:, 0]
    assert np.all(noise >= np.sqrt(1 / 12) * (1 - 1e-9))
    assert noise.max() < 0.6


def test_the_noise_has_two_kinds():
    with pytest.raises(ValueError, match="'noise' parameter"):
        MoGPERegressor(noise="loud").fit([[0.0], [1.0]], [0.0, 1.0])
