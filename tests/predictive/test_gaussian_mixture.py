"""Gaussian mixtures against SciPy's densities, quadrature and many samples."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad, trapezoid
from scipy.special import logsumexp
from scipy.stats import kstest, norm

from sklearn_mogpe.predictive import gaussian_mixture as gm
from sklearn_mogpe.predictive.quadrature import gauss_hermite


@pytest.fixture
def mixture():
    """Five rows, three components, two outputs."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), size=5)
    return weights, rng.normal(size=(5, 3, 2)), rng.uniform(0.2, 1.5, size=(5, 3, 2))


def row(weights, means, stds):
    """A mixture of one row and one output."""
    return np.array([weights]), np.array(means)[None, :, None], np.array(stds)[None, :, None]


MIXTURES = {
    "one component": row([1.0], [2.0], [0.5]),
    "overlapping": row([0.3, 0.7], [0.0, 1.0], [1.0, 0.5]),
    "flat gap": row([0.25, 0.75], [-1e3, 1e3], [1.0, 1.0]),
    "tiny weight": row([1.0 - 1e-12, 1e-12], [0.0, 50.0], [1.0, 1.0]),
    "weight zero": row([0.0, 1.0], [1e6, 0.0], [1.0, 1.0]),
    "unlike widths": row([0.2, 0.3, 0.5], [0.0, 0.5, -1.0], [1e-6, 1.0, 1e6]),
}
every_mixture = pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES.keys())


def test_log_density_is_that_of_both_outputs_together(mixture):
    y = np.random.default_rng(1).normal(size=(5, 2))
    weights, means, stds = mixture
    for n in range(5):
        parts = [np.log(weights[n, k]) + norm.logpdf(y[n], means[n, k], stds[n, k]).sum() for k in range(3)]
        assert gm.log_density(y, *mixture)[n] == pytest.approx(logsumexp(parts), rel=1e-13)


def test_log_density_far_out_is_finite():
    """At 40 standard deviations the density itself is below the smallest double."""
    mixture = row([0.5, 0.5], [0.0, 1.0], [1.0, 1.0])
    expected = np.logaddexp(norm.logpdf(41.0), norm.logpdf(40.0)) + np.log(0.5)
    assert gm.log_density(np.array([[41.0]]), *mixture) == pytest.approx([expected], rel=1e-14)
    np.testing.assert_allclose(gm.responsibilities(np.array([[41.0]]), *mixture).sum(), 1.0, rtol=1e-14)


def test_log_density_ignores_a_component_of_weight_zero():
    assert gm.log_density(np.array([[1.0]]), *row([0.0, 1.0], [1.0, 0.0], [1e-3, 1.0])) == pytest.approx(
        [norm.logpdf(1.0)]
    )


def test_responsibilities_follow_bayes(mixture):
    y = np.random.default_rng(2).normal(size=(5, 2))
    weights, means, stds = mixture
    joint = weights * norm.pdf(y[:, None], means, stds).prod(axis=2)
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gm.responsibilities(y, *mixture), expected, rtol=1e-12)


def test_responsibilities_of_a_component_of_weight_zero():
    result = gm.responsibilities(np.array([[1.0]]), *row([0.0, 1.0], [1.0, 0.0], [1e-3, 1.0]))
    np.testing.assert_array_equal(result, [[0.0, 1.0]])


def test_cdf_is_the_integral_of_the_density():
    mixture = MIXTURES["overlapping"]
    for y in (-1.0, 0.3, 2.0):
        area = quad(lambda t: np.exp(gm.log_density(np.array([[t]]), *mixture))[0], -12, y)[0]
        assert gm.cdf(np.array([[y]]), *mixture)[0, 0] == pytest.approx(area, abs=1e-9)


def test_cdf_is_each_outputs_own(mixture):
    weights, means, stds = mixture
    y = np.random.default_rng(3).normal(size=(5, 2))
    alone = [gm.cdf(y[:, [p]], weights, means[:, :, [p]], stds[:, :, [p]]) for p in range(2)]
    np.testing.assert_allclose(gm.cdf(y, *mixture), np.hstack(alone), rtol=1e-14)


@every_mixture
def test_moments_are_those_of_the_density(mixture):
    weights, means, stds = (part.ravel() for part in mixture)

    def expectation(function):
        parts = [
            quad(lambda z, m=m, s=s: function(m + s * z) * norm.pdf(z), -12, 12)[0]
            for m, s in zip(means, stds, strict=True)
        ]
        return weights @ parts

    mean = expectation(lambda y: y)
    assert gm.mean(*mixture[:2])[0, 0] == pytest.approx(mean, rel=1e-8, abs=1e-8)
    std = np.sqrt(expectation(lambda y: (y - mean) ** 2))
    assert gm.std(*mixture)[0, 0] == pytest.approx(std, rel=1e-7)


def test_std_does_not_cancel_far_from_zero():
    mixture = row([0.5, 0.5], [1e9, 1e9 + 1e-3], [1e-3, 1e-3])
    assert gm.std(*mixture)[0, 0] == pytest.approx(1e-3 * np.sqrt(1.25), rel=1e-4)


@pytest.mark.parametrize("unit", [1e-200, 1e-150, 1e150, 1e200])
def test_std_in_any_unit(mixture, unit):
    """Its square is beyond the range of a double, the standard deviation is not."""
    weights, means, stds = mixture
    in_units = gm.std(weights, means * unit, stds * unit) / unit
    np.testing.assert_allclose(in_units, gm.std(*mixture), rtol=1e-10)


@every_mixture
@pytest.mark.parametrize("q", [1e-6, 0.05, 0.2, 0.5, 0.9, 1 - 1e-6])
def test_quantile_inverts_cdf(mixture, q):
    y = gm.quantile(q, *mixture)
    assert gm.cdf(y, *mixture)[0, 0] == pytest.approx(q, abs=1e-10)


@every_mixture
def test_quantile_inverts_cdf_at_the_weight_of_a_component(mixture):
    """Between two modes, the distribution function is flat at this level; any point there will do."""
    q = float(np.clip(mixture[0][0, 0], 1e-3, 0.999))
    y = gm.quantile(q, *mixture)
    assert gm.cdf(y, *mixture)[0, 0] == pytest.approx(q, abs=1e-10)


def test_quantile_of_one_component_is_that_of_a_normal():
    q = np.array([1e-10, 0.3, 0.999])
    found = [gm.quantile(level, *MIXTURES["one component"])[0, 0] for level in q]
    np.testing.assert_allclose(found, norm.ppf(q, 2.0, 0.5), rtol=1e-12)


def test_quantiles_lie_on_their_own_branch():
    found = [gm.quantile(q, *MIXTURES["flat gap"])[0, 0] for q in (0.1, 0.24, 0.26, 0.9)]
    np.testing.assert_allclose(np.sign(found), [-1, -1, 1, 1])
    assert found[0] == pytest.approx(norm.ppf(0.1 / 0.25, -1e3, 1.0))


def test_quantile_of_standard_deviations_over_twelve_orders_of_magnitude():
    """Row by row, as all rows are searched at once."""
    stds = np.logspace(-6, 6, 13)
    weights = np.full((13, 2), 0.5)
    means = np.stack([-3 * stds, stds], axis=1)[:, :, None]
    widths = np.stack([stds, 0.1 * stds], axis=1)[:, :, None]
    y = gm.quantile(0.7, weights, means, widths)
    np.testing.assert_allclose(gm.cdf(y, weights, means, widths), 0.7, atol=1e-10)
    np.testing.assert_allclose(y[:, 0] / stds, y[6, 0], rtol=1e-9)


def test_quantile_of_each_output(mixture):
    y = gm.quantile(0.35, *mixture)
    assert y.shape == (5, 2)
    np.testing.assert_allclose(gm.cdf(y, *mixture), 0.35, atol=1e-10)


def test_samples_have_the_moments_of_the_mixture(mixture):
    n_samples = 40_000
    draws = gm.sample(n_samples, *mixture, np.random.RandomState(0))
    assert draws.shape == (5, 2, n_samples)
    std = gm.std(*mixture)
    np.testing.assert_array_less(
        np.abs(draws.mean(axis=2) - gm.mean(*mixture[:2])), 4.5 * std / np.sqrt(n_samples)
    )
    np.testing.assert_allclose(draws.std(axis=2), std, rtol=0.03)


def test_samples_follow_the_distribution_function(mixture):
    draws = gm.sample(5000, *mixture, np.random.RandomState(1))[2, 1]
    weights, means, stds = (part[[2]] for part in mixture)

    def distribution(y):
        ones = np.ones((len(y), 1))
        parts = ones * weights, ones[:, :, None] * means[..., [1]], ones[:, :, None] * stds[..., [1]]
        return gm.cdf(y[:, None], *parts)[:, 0]

    assert kstest(draws, distribution).pvalue > 1e-3


def test_samples_choose_modes_by_weight():
    mixture = row([0.2, 0.0, 0.8], [-1e3, 0.0, 1e3], [1.0, 1.0, 1.0])
    draws = gm.sample(20_000, *mixture, np.random.RandomState(0)).ravel()
    assert np.mean(draws < -500) == pytest.approx(0.2, abs=0.015)
    assert not np.any(np.abs(draws) < 500)


def test_both_outputs_of_a_sample_come_from_one_component():
    means = np.array([[[-100.0, -200.0], [100.0, 200.0]]])
    mixture = np.array([[0.5, 0.5]]), means, np.ones_like(means)
    first, second = gm.sample(500, *mixture, np.random.RandomState(0))[0]
    np.testing.assert_array_equal(np.sign(first), np.sign(second))
    # and are independent given the component
    up = first > 0
    assert abs(np.corrcoef(first[up], second[up])[0, 1]) < 0.25


def test_samples_are_those_of_the_random_state(mixture):
    first, same, other = (gm.sample(10, *mixture, np.random.RandomState(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.any(first == other)


@pytest.mark.parametrize("name", ["overlapping", "flat gap", "weight zero"])
def test_expected_log_density_is_the_negative_entropy(name):
    mixture = MIXTURES[name]
    weights, means, stds = mixture

    def integrand(y):
        log_density = gm.log_density(np.array([[y]]), *mixture)[0]
        return np.exp(log_density) * log_density

    peaks = [(m, s) for w, m, s in zip(weights[0], means[0, :, 0], stds[0, :, 0], strict=True) if w > 0]
    edges = sorted(m + z * s for m, s in peaks for z in (-9, -3, 0, 3, 9))
    expected = sum(quad(integrand, a, b)[0] for a, b in pairwise(edges))
    assert gm.expected_log_density(*mixture) == pytest.approx([expected], abs=0.01)


def test_expected_log_density_of_one_component_is_exact():
    weights, means, stds = row([1.0], [2.0], [0.5])
    expected = -0.5 * np.log(2 * np.pi * np.e * 0.5**2)
    assert gm.expected_log_density(weights, means, stds) == pytest.approx([expected], rel=1e-12)


def test_expected_log_density_is_the_mean_over_draws(mixture):
    draws = gm.sample(20_000, *mixture, np.random.RandomState(0))
    scores = [gm.log_density(draws[..., i], *mixture) for i in range(draws.shape[2])]
    np.testing.assert_allclose(gm.expected_log_density(*mixture), np.mean(scores, axis=0), atol=0.04)


@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_expected_log_density_of_scale_mixtures(spread):
    """Two experts of seven components each, as where the noise varies, against numerical integration."""
    points, parts = gauss_hermite(7)
    weights = np.concatenate([0.3 * parts, 0.7 * parts])[None]
    means = np.repeat([0.0, 1.5], 7)[None, :, None]
    stds = np.concatenate([np.exp(spread * points / 2), 0.4 * np.exp(spread * points / 2)])[None, :, None]
    grid = np.linspace(-25, 25, 20_001)
    everywhere = (np.repeat(part, len(grid), axis=0) for part in (weights, means, stds))
    log_density = gm.log_density(grid[:, None], *everywhere)
    expected = trapezoid(np.exp(log_density) * log_density, grid)
    assert gm.expected_log_density(weights, means, stds) == pytest.approx([expected], abs=0.01)


@pytest.mark.parametrize("distance", [1e3, 1e9, 1e147, 1e160, 1e300])
@pytest.mark.parametrize(
    ("stds", "expected"),
    [([1e-6, 1e-6], [0.5, 0.5]), ([1e-6, 2e-6], [0.0, 1.0]), ([1.0, 1e-6], [1.0, 0.0])],
)
def test_responsibilities_far_from_all_components(distance, stds, expected):
    y = np.array([[distance], [-distance]])
    mixture = row([0.5, 0.5], [0.0, 0.0], stds)
    np.testing.assert_allclose(gm.responsibilities(y, *mixture), [expected, expected], rtol=1e-12)
    assert np.all(np.isfinite(gm.log_density(y, *mixture)))


def test_log_density_where_its_square_nearly_overflows():
    mixture = row([0.5, 0.5], [0.0, 0.0], [1e-6, 1.0])
    assert gm.log_density(np.array([[1e140]]), *mixture) == pytest.approx(-0.5e280, rel=1e-12)
