"""Any Gaussian mixtures: quantiles, moments and densities, against each other and in any units."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr

from sklearn_mogpe.predictive.gaussian_mixture import (
    cdf,
    expected_log_density,
    log_density,
    mean,
    quantile,
    responsibilities,
    sample,
    std,
)

levels = st.one_of(st.floats(1e-9, 1 - 1e-9), st.sampled_from([1e-300, 1e-15, 0.5, 1 - 1e-15]))


@st.composite
def mixtures(draw, max_outputs=2, spread=6):
    """Weights, some of them zero or tiny, and means and stds of unlike sizes, in any unit."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, K, P = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, max_outputs))
    weights = rng.dirichlet(np.full(K, draw(st.sampled_from([0.01, 1.0, 100.0]))), n)
    if draw(st.booleans()):
        weights[:, rng.integers(K)] *= draw(st.sampled_from([0.0, 1e-300, 1e-9]))
        weights += (weights.sum(axis=1, keepdims=True) == 0) / K
        weights /= weights.sum(axis=1, keepdims=True)
    unit = 10.0 ** draw(st.integers(-12, 12))
    offset = draw(st.sampled_from([0.0, 0.0, 1.0, -1e8]))
    means = unit * (offset + rng.normal(0, 10 ** rng.uniform(-spread, spread), (n, K, P)))
    return weights, means, unit * 10 ** rng.uniform(-spread / 2, spread / 2, (n, K, P))


def points_of(mixture, seed=0):
    """One point (n, P) of each mixture, not far from some component that has weight."""
    weights, means, stds = mixture
    chosen = np.arange(len(weights)), np.argmax(weights, axis=1)
    return means[chosen] + stds[chosen] * np.random.default_rng(seed).uniform(-5, 5, means[:, 0].shape)


@given(mixtures(), levels)
def test_quantiles_are_inverse_to_the_distribution_function(mixture, level):
    """As near as floating-point numbers lie to one another."""
    value = quantile(level, *mixture)
    step = 4 * np.spacing(np.abs(value))
    tolerance = 1e-13 * min(1.0, level * 1e9)
    assert np.all(cdf(value - step, *mixture) <= level + tolerance)
    assert np.all(cdf(value + step, *mixture) >= level - tolerance)


@given(mixtures(), st.lists(levels, min_size=2, max_size=6))
def test_quantiles_grow_with_the_level(mixture, some):
    values = np.array([quantile(level, *mixture) for level in sorted(some)])
    assert np.all(np.diff(values, axis=0) >= 0)


@given(mixtures())
def test_moments(mixture):
    """In eighty bits; the variance is not below that of the most certain component."""
    weights, means, stds = (part.astype(np.longdouble) for part in mixture)
    weights = weights[:, :, None]
    expected = np.sum(weights * means, axis=1)
    variance = np.sum(weights * (stds**2 + (means - expected[:, None]) ** 2), axis=1)
    scale = np.max(np.abs(means), axis=1)
    found = mean(*mixture[:2])
    assert np.all(np.abs(found - expected) <= 1e-15 * scale)
    np.testing.assert_allclose(std(*mixture), np.sqrt(variance).astype(float), rtol=1e-8)
    low, high = (bound(means, axis=1) for bound in (np.min, np.max))
    assert np.all((found >= low - 1e-15 * scale) & (found <= high + 1e-15 * scale))


@given(mixtures())
def test_log_density(mixture):
    """In eighty bits."""
    y = points_of(mixture)
    weights, means, stds = (part.astype(np.longdouble) for part in mixture)
    z = (y[:, None] - means) / stds
    terms = weights * np.prod(np.exp(-0.5 * z**2) / stds, axis=2)
    expected = np.log(np.sum(terms, axis=1)) - 0.5 * y.shape[1] * np.log(2 * np.pi)
    np.testing.assert_allclose(log_density(y, *mixture), expected.astype(float), rtol=1e-9, atol=1e-9)


@given(mixtures())
def test_responsibilities_of_likely_points_sum_to_one(mixture):
    found = responsibilities(points_of(mixture), *mixture)
    assert np.all(found >= 0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=0, atol=1e-9)
    assert np.all(found[mixture[0] == 0] == 0)


@given(mixtures(), st.integers(-60, 60), st.booleans())
def test_units_that_are_powers_of_two(mixture, power, mirrored):
    weights, means, stds = mixture
    unit, y, sign = 2.0**power, points_of(mixture), -1.0 if mirrored else 1.0
    other = weights, sign * unit * means, unit * stds
    P = means.shape[2]
    np.testing.assert_array_equal(mean(*other[:2]), sign * unit * mean(weights, means))
    np.testing.assert_array_equal(std(*other), unit * std(*mixture))
    if not mirrored:
        np.testing.assert_array_equal(quantile(0.3, *other), unit * quantile(0.3, *mixture))
    shift = P * np.log(unit)
    np.testing.assert_allclose(
        log_density(sign * unit * y, *other), log_density(y, *mixture) - shift, rtol=1e-12, atol=1e-10
    )
    np.testing.assert_allclose(
        responsibilities(sign * unit * y, *other), responsibilities(y, *mixture), rtol=1e-9, atol=1e-12
    )


@given(mixtures(), st.randoms(use_true_random=False))
def test_components_may_stand_in_any_order(mixture, random):
    order = list(range(mixture[0].shape[1]))
    random.shuffle(order)
    other, y = [part[:, order] for part in mixture], points_of(mixture)
    scale = np.max(np.abs(mixture[1]), axis=1)
    assert np.all(np.abs(mean(*other[:2]) - mean(*mixture[:2])) <= 1e-14 * scale)
    np.testing.assert_allclose(std(*other), std(*mixture), rtol=1e-8)
    np.testing.assert_allclose(log_density(y, *other), log_density(y, *mixture), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(
        responsibilities(y, *other) > 0.5, responsibilities(y, *mixture)[:, order] > 0.5
    )
    np.testing.assert_allclose(cdf(y, *other), cdf(y, *mixture), rtol=1e-12)


@given(mixtures(), st.floats(0.01, 0.99))
def test_a_component_may_be_cut_in_two(mixture, part):
    weights, means, stds = mixture
    cut = (
        np.concatenate([part * weights, (1 - part) * weights], axis=1),
        np.concatenate([means, means], axis=1),
        np.concatenate([stds, stds], axis=1),
    )
    y = points_of(mixture)
    np.testing.assert_allclose(log_density(y, *cut), log_density(y, *mixture), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(cdf(y, *cut), cdf(y, *mixture), rtol=1e-12)
    np.testing.assert_allclose(std(*cut), std(*mixture), rtol=1e-8)


@given(mixtures(max_outputs=1, spread=3))
def test_entropy_lies_between_its_bounds(mixture):
    """Not below the mean of the components' own, and above it by no more than that of the weights.

    Standard deviations of a row differ by a factor of a thousand at most.
    """
    weights, _, stds = mixture
    own = np.sum(weights * (0.5 * np.log(2 * np.pi) + 0.5 + np.log(stds[:, :, 0])), axis=1)
    entropy = -expected_log_density(*mixture)
    assert np.all(entropy >= own - 1e-3)
    assert np.all(entropy <= own + np.sum(entr(weights), axis=1) + 1e-3)


@given(mixtures(max_outputs=1), st.integers(-40, 40))
def test_entropy_in_other_units(mixture, power):
    weights, means, stds = mixture
    unit = 2.0**power
    found = expected_log_density(weights, unit * means, unit * stds)
    np.testing.assert_allclose(found, expected_log_density(*mixture) - np.log(unit), rtol=1e-9, atol=1e-9)


@given(mixtures(), st.integers(0, 1000))
def test_draws_are_of_components_that_have_weight(mixture, seed):
    """A draw of another one would be more than ten standard deviations from all that have weight."""
    weights, means, stds = mixture
    draws = sample(50, weights, means, stds, np.random.RandomState(seed))
    assert draws.shape == (len(weights), means.shape[2], 50)
    z = np.abs(draws[:, None] - means[..., None]) / stds[..., None]
    nearest = np.min(np.where(weights[:, :, None, None] > 0, z, np.inf), axis=1)
    assert np.all(nearest < 10 + 1e-7 * np.max(np.abs(means) / stds))
