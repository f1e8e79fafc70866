"""All predictions of two estimators, in the units of the data, against numbers of 50 digits."""

import numpy as np
import pytest

from sklearn_mogpe.metrics import crps, pit
from sklearn_mogpe.predictive import gaussian_mixture
from sklearn_mogpe.predictive.quadrature import NOISE_POINTS, gauss_hermite

from . import exact
from .conftest import X_SCALE, Y_MEAN, Y_SCALE
from .exact import difference, exp, mp, relative_error, sqrt

STEP = mp.mpf(10) ** -15  # of differences in numbers of 50 digits
LEVELS = (0.003, 0.25, 0.5, 0.9, 0.999)


@pytest.fixture(scope="module", params=[(2, "constant"), (3, "varying")], ids=str)
def case(request, cases):
    return cases[request.param]


def by_expert(case, components):
    """Sums of components (C, N) over those of each expert, (K, N)."""
    return components.reshape(case.estimator.n_experts_, -1, components.shape[1]).sum(axis=1)


def expected_noise(case):
    """Mean variances (K, N) of the experts' noise, by the seven points of each log variance."""
    nodes, parts = exact.gauss_hermite(7 if case.latents.log_noise else 1)
    noise = case.latents.noise_at(nodes[:, None, None])
    return (noise * parts[:, None, None]).sum(axis=0) + 0 * case.latents.experts.mean


def test_components(case):
    for found, expected in zip(case.estimator.predict_mixture(case.X), case.mixture, strict=True):
        assert relative_error(found.reshape(found.shape[:2]), expected.T) < 1e-8


def test_mean_std_and_mixing_probabilities(case):
    mean, std, proba = case.estimator.predict(case.X, return_std=True, return_mixing_proba=True)
    assert relative_error(mean, case.mixture.mean()) < 1e-8
    assert relative_error(std, sqrt(case.mixture.variance())) < 1e-8
    assert relative_error(proba, by_expert(case, case.mixture.weights).T) < 1e-8


def test_experts_and_latent_functions(case):
    f, h = case.latents.experts, case.latents.gates
    means, stds = case.estimator.predict_experts(case.X, return_std=True)
    assert relative_error(means, (Y_MEAN + Y_SCALE * f.mean).T) < 1e-8
    assert relative_error(stds, Y_SCALE * sqrt(f.variance + expected_noise(case)).T) < 1e-8
    means, stds = case.estimator.predict_latent_functions(case.X, return_std=True)
    assert relative_error(means, (Y_MEAN + Y_SCALE * f.mean).T) < 1e-8
    assert relative_error(stds, Y_SCALE * sqrt(f.variance).T) < 1e-8
    means, stds = case.estimator.predict_gating_functions(case.X, return_std=True)
    assert relative_error(means, h.mean.T) < 1e-8
    assert relative_error(stds, sqrt(h.variance).T) < 1e-8


def test_covariances_of_functions(case):
    found = case.estimator.predict_function_covariance(case.X)
    for own, gp in zip(found, case.exact_model.experts, strict=True):
        (expected,) = Y_SCALE**2 * gp.joint_covariance(case.rows[0], case.values[".jitter"])
        assert np.max(abs(difference(own, expected))) < 1e-8 * Y_SCALE**2 * gp.variance


def test_noise_and_the_parts_of_the_variance(case):
    noise, pi = expected_noise(case), by_expert(case, case.mixture.weights)
    assert relative_error(case.estimator.predict_noise(case.X), Y_SCALE * sqrt(noise).T) < 1e-8
    means = Y_MEAN + Y_SCALE * case.latents.experts.mean
    spread = (pi * (means - (pi * means).sum(axis=0)) ** 2).sum(axis=0)
    of_functions = Y_SCALE**2 * (pi * case.latents.experts.variance).sum(axis=0)
    expected = Y_SCALE**2 * (pi * noise).sum(axis=0), of_functions, spread
    for found, own in zip(case.estimator.predict_variance_parts(case.X), expected, strict=True):
        assert relative_error(found, own) < 1e-8


def test_seven_points_stand_for_the_mean_noise(cases):
    """E exp(g) = exp(mu + v / 2): the points err by v^7 7! / 14! of it, more where v is not small."""
    latents = cases[3, "varying"].latents
    v = latents.log_noise.variance
    closed = exp(latents.log_noise.mean + v / 2)
    found = (expected_noise(cases[3, "varying"]) - latents.noise_floor) / latents.noise_variance[:, None]
    assert np.all(abs(found / closed - 1) < 3 * v**7 * mp.factorial(7) / mp.factorial(14))
    assert np.max(abs(found / closed - 1)) > 1e-9


def log_scale_mixture(y, log_variances, weights):
    """Log of the sum of ``weights N(y; 0, exp(log_variances))``, at y (n,)."""
    n, stds = len(y), np.exp(0.5 * log_variances)
    parts = np.tile(weights, (n, 1)), np.zeros((n, len(stds), 1)), np.tile(stds[:, None], (n, 1, 1))
    return gaussian_mixture.log_density(y[:, None], *parts)


def test_seven_points_stand_for_a_noise_that_is_not_known():
    """Of log variances with a standard deviation of 1, as said beside NOISE_POINTS, and in between."""
    std = np.exp(0.25)  # of y: the root of E exp(g)
    fine = np.arange(-10.0, 10.0, 0.01)
    share = np.exp(-0.5 * fine**2) / np.sum(np.exp(-0.5 * fine**2))

    def error(distances):
        y = std * np.array(distances)
        rules = gauss_hermite(NOISE_POINTS), (fine, share)
        found, expected = (log_scale_mixture(y, *rule) for rule in rules)
        return np.max(np.abs(found - expected))

    assert error([5.0]) < 0.02
    assert error([8.0]) < 0.06
    assert 0.02 < error(np.linspace(0.0, 5.0, 201)) < 0.05
    assert 0.06 < error(np.linspace(0.0, 8.0, 201)) < 0.09


def test_log_densities_and_responsibilities(case):
    found = case.estimator.score_samples(case.X, case.y)
    assert relative_error(found, case.mixture.log_density(case.y)) < 1e-8
    joint = exp(case.mixture.log_joint(case.y))
    expected = by_expert(case, joint / joint.sum(axis=0)).T
    assert relative_error(case.estimator.predict_responsibilities(case.X, case.y), expected) < 1e-8


def test_distribution_functions_and_the_crps(case):
    y = exact.exact(case.y)
    components = case.estimator.predict_mixture(case.X)
    assert relative_error(pit(case.y, *components), case.mixture.cdf(y)) < 1e-8
    rows = [crps(case.y[[n]], *(part[[n]] for part in components)) for n in range(len(y))]
    assert relative_error(rows, case.mixture.crps(y)) < 1e-8


def test_the_closed_form_of_the_crps(cases):
    """Against the integral of (F(t) - 1[t >= y])^2 that it stands for."""
    case = cases[2, "constant"]
    mixture = case.mixture._replace(**{name: part[:, :1] for name, part in case.mixture._asdict().items()})
    y, reach = mp.mpf(case.y[0]), 14 * np.max(mixture.stds)
    ends = sorted([np.min(mixture.means) - reach, *mixture.means[:, 0], y, np.max(mixture.means) + reach])
    with mp.workdps(20):
        expected = mp.quad(lambda t: mixture.above(t)[0] ** 2 if t >= y else mixture.cdf(t)[0] ** 2, ends)
    assert abs(mixture.crps(y)[0] / expected - 1) < 1e-12


def test_quantiles_and_intervals(case):
    found = case.estimator.predict_quantile(case.X, LEVELS)
    for own, level in zip(found.T, LEVELS, strict=True):
        assert relative_error(own, case.mixture.quantile(level, own)) < 1e-8
    lower, upper = case.estimator.predict_interval(case.X, 0.75)
    assert relative_error(lower, case.mixture.quantile(0.125, lower)) < 1e-8
    assert relative_error(upper, case.mixture.quantile(0.875, upper)) < 1e-8


def test_expected_log_densities(case):
    """The integral of p log p, against that over a fine grid; a thousandth is what is promised."""
    weights, means, stds = (part.astype(float) for part in case.mixture)
    ends = np.min(means - 12 * stds, axis=0), np.max(means + 12 * stds, axis=0)
    y = np.linspace(*ends, 20_001)[:, None]  # [J, 1, N]
    density = np.sum(weights * np.exp(-0.5 * ((y - means) / stds) ** 2) / stds, axis=1) / np.sqrt(2 * np.pi)
    expected = np.sum(density * np.log(density), axis=0) * (ends[1] - ends[0]) / 20_000
    np.testing.assert_allclose(case.estimator.score_samples(case.X), expected, rtol=0, atol=1e-5)


def test_derivatives_of_mean_and_variance(case):
    """Against central differences in numbers of 50 digits."""
    X, columns = case.rows[0], []
    for axis in np.eye(X.shape[1], dtype=int):
        ahead, behind = (case.mixture_at(X + sign * STEP * axis) for sign in (1, -1))
        differences = ahead.mean() - behind.mean(), ahead.variance() - behind.variance()
        columns.append([part / (2 * STEP * X_SCALE) for part in differences])
    for found, *expected in zip(case.estimator.predict_derivatives(case.X), *columns, strict=True):
        assert relative_error(found, np.stack(expected, axis=1)) < 1e-8
