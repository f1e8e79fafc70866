"""The mean log density of draws of one output, against an integral over a fine grid."""

import numpy as np
import pytest
from scipy.integrate import quad

from sklearn_mogpe.predictive import gaussian_mixture as gm
from sklearn_mogpe.predictive.quadrature import gauss_hermite

FACTORS, SHARES = gauss_hermite(7)


def scale_mixtures(probs, means, stds, spread):
    """Experts whose log variances have a standard deviation of ``spread``, each as seven components."""
    weights = np.outer(probs, SHARES).reshape(1, -1)
    scales = np.outer(stds, np.exp(0.5 * spread * FACTORS)).reshape(1, -1, 1)
    return weights, np.repeat(means, 7).reshape(1, -1, 1).astype(float), scales


def by_integration(weights, means, stds):
    """Integral of p log p, piece by piece between points that are dense about each mean."""
    m, s = means[0, :, 0], stds[0, :, 0]
    reach = np.concatenate([-np.geomspace(1e-2, 10, 40)[::-1], np.zeros(1), np.geomspace(1e-2, 10, 40)])
    ends = np.unique(m[:, None] + s[:, None] * reach)
    nodes, lengths = np.polynomial.legendre.leggauss(8)
    middle, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends)
    y = (middle[:, None] + half[:, None] * nodes).ravel()
    log_density = gm.log_density(y[:, None], weights, means, stds)
    return np.sum(np.outer(half, lengths).ravel() * np.exp(log_density) * log_density)


def test_the_integral_that_others_are_compared_with():
    mixture = scale_mixtures([0.4, 0.6], [0.0, 0.3], [1.0, 0.02], 0.5)

    def integrand(y):
        log_density = gm.log_density(np.array([[y]]), *mixture)[0]
        return np.exp(log_density) * log_density

    breaks = [-1.0, 0.0, 0.2, 0.28, 0.3, 0.32, 0.4, 1.0]
    expected, _ = quad(integrand, -12.0, 12.0, points=breaks, limit=500, epsabs=1e-9)
    assert by_integration(*mixture) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    ("probs", "means", "stds"),
    [
        ([0.4, 0.6], [0.0, 0.3], [1.0, 0.02]),  # a spike within
        ([0.9, 0.1], [0.0, 0.0], [1.0, 0.02]),  # in the middle
        ([0.5, 0.5], [0.0, 2.5], [1.0, 0.02]),  # at the edge
        ([0.5, 0.5], [0.0, 30.0], [1.0, 0.02]),  # far out
        ([0.01, 0.99], [0.0, 0.3], [1.0, 0.02]),
        ([0.3, 0.4, 0.3], [0.0, 0.3, 0.4], [1.0, 0.02, 0.1]),
        ([0.2, 0.3, 0.3, 0.2], [0.0, 0.0, 0.1, -5.0], [1.0, 0.02, 0.02, 3.0]),
        ([0.5, 0.5], [0.0, 0.0], [1.0, 1.0]),
        ([1.0], [0.7], [0.2]),
    ],
)
def test_narrow_experts_within_broad_ones(spread, probs, means, stds):
    mixture = scale_mixtures(probs, means, stds, spread)
    found = gm.expected_log_density(*mixture, len(probs))
    assert found == pytest.approx([by_integration(*mixture)], abs=3e-3)


@pytest.mark.parametrize("n_rows", [1, 255, 256, 257, 600])
def test_rows_do_not_depend_on_those_around_them(n_rows):
    """Whichever are computed together."""
    rng = np.random.default_rng(0)
    parts = [
        scale_mixtures(
            rng.dirichlet([1.0, 1.0]),
            rng.normal(size=2),
            np.exp(rng.uniform(-4, 1, 2)),
            rng.uniform(0.1, 1.0),
        )
        for _ in range(n_rows)
    ]
    together = gm.expected_log_density(*map(np.concatenate, zip(*parts, strict=True)), 2)
    alone = [gm.expected_log_density(*part, 2)[0] for part in parts]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert len(np.unique(together)) == n_rows


def test_units_and_the_place_on_the_line_are_accounted_for():
    """Of y in units that are c times as large, the density is c times as high."""
    weights, means, stds = scale_mixtures([0.4, 0.6], [0.0, 0.3], [1.0, 0.02], 0.5)
    found = gm.expected_log_density(weights, means, stds, 2)
    for c in (1e-6, 1e6):
        moved = gm.expected_log_density(weights, 3.0 + means / c, stds / c, 2)
        np.testing.assert_allclose(moved, found + np.log(c), atol=3e-3)


def test_components_that_are_groups_of_their_own():
    weights, means, stds = scale_mixtures([0.4, 0.6], [0.0, 0.3], [1.0, 0.02], 0.5)
    expected = by_integration(weights, means, stds)
    for n_groups in (None, 14):
        assert gm.expected_log_density(weights, means, stds, n_groups) == pytest.approx([expected], abs=3e-3)


def test_components_without_weight_do_not_matter():
    weights, means, stds = scale_mixtures([1.0, 0.0], [0.0, 0.3], [1.0, 0.02], 0.5)
    one = gm.expected_log_density(weights[:, :7], means[:, :7], stds[:, :7], 1)
    np.testing.assert_allclose(gm.expected_log_density(weights, means, stds, 2), one, atol=1e-4)


@pytest.mark.parametrize("width", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("mean", [0.0, 3.0, 1e3])
@pytest.mark.parametrize("weight", [0.0, 1e-30])
def test_components_that_do_not_count(width, mean, weight):
    weights = np.array([[0.6, weight, 0.4 - weight, weight]])
    means, stds = (
        np.array([0.0, 0.0, mean, mean])[None, :, None],
        np.array([1, width, 2, width])[None, :, None],
    )
    both = weights[:, ::2], means[:, ::2], stds[:, ::2]
    expected = gm.expected_log_density(*both)
    assert expected == pytest.approx(by_integration(*both), abs=1e-3)
    found = gm.expected_log_density(weights, means, stds, n_groups=2)
    assert found == pytest.approx(expected, abs=1e-5)
    alone = np.array([[1.0, weight, weight, weight]])
    found = gm.expected_log_density(alone, means, stds, n_groups=2)
    assert found == pytest.approx(gm.expected_log_density(alone[:, :1], means[:, :1], stds[:, :1]), abs=1e-6)
