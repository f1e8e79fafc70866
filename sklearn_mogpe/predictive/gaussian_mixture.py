"""Gaussian mixtures, one for each row, in NumPy: density, moments, quantiles and samples.

Everywhere ``weights`` has shape (n, K), and ``means`` and ``stds`` have shape (n, K, P), the P outputs
independent given the component.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri, softmax, xlogy
from sklearn.utils import gen_batches

from .arrays import Array
from .quadrature import normal_points

# Pairs of points that stand for the draws of all components together, and at least of each, where there are
# several outputs: errors of about a hundredth of a nat.
ENTROPY_PAIRS, MIN_ENTROPY_PAIRS = 128, 32

# Nodes on each side of a mean for the entropy of one output, and how far they reach, in standard deviations.
ENTROPY_NODES, ENTROPY_REACH = 24, 9.0

# Rows whose entropies are computed at once: what they need fits into a processor's cache.
ENTROPY_ROWS = 256

# Weight of a component that an entropy does not depend on, were it 1e300 times as wide as another.
NEGLIGIBLE = 1e-15

# Standard deviations from a mean beyond which nothing is: their squares can be summed.
FARTHEST = 1e150

# Halvings of a bracket some standard deviations wide: beyond the precision of a double.
MAX_BISECTIONS = 200


def log_joint(y: Array, weights: Array, means: Array, stds: Array) -> Array:
    """Log of ``weight_k N(y; mean_k, std_k)``, of shape (n, K), for y of shape (n, P)."""
    with np.errstate(over="ignore"):
        z = np.clip((y[:, None] - means) / stds, -np.finfo(float).max, np.finfo(float).max)
    # Where squares would overflow, the nearest component still is the nearest.
    z /= np.maximum(np.max(np.abs(z), axis=(1, 2), keepdims=True) / FARTHEST, 1.0)
    log_density = -0.5 * z**2 - np.log(stds) - 0.5 * np.log(2 * np.pi)
    with np.errstate(divide="ignore"):  # a weight of 0 is a log weight of -inf
        return np.log(weights) + log_density.sum(axis=2)


def log_density(y: Array, weights: Array, means: Array, stds: Array) -> Array:
    """Log density at y (n, P), of shape (n,)."""
    return logsumexp(log_joint(y, weights, means, stds), axis=1)


def expected_log_density(weights: Array, means: Array, stds: Array, n_groups: int | None = None) -> Array:
    """Mean of the log density of draws from the mixture, its negative entropy, of shape (n,).

    Of a single component it has a closed form. Of one output, an integral over nodes about each mean; of
    several, an average over quasi-random points of each component.

    Parameters
    ----------
    weights, means, stds : arrays of shape (n, K), (n, K, P) and (n, K, P)
    n_groups : int, default=None
        Components stand in as many groups of the same size, each of one mean. None is a group for each.
    """
    if weights.shape[1] == 1:
        return -np.sum(np.log(stds[:, 0]) + 0.5 * np.log(2 * np.pi) + 0.5, axis=1)
    if means.shape[2] > 1:
        return _by_points(weights, means, stds)
    n_groups = n_groups or weights.shape[1]
    result = np.empty(len(weights))
    for block in gen_batches(len(weights), ENTROPY_ROWS):
        w, m, s = weights[block], means[block, :, 0], stds[block, :, 0]
        unit = s.max(axis=1, keepdims=True)
        result[block] = _by_nodes(w, (m - m[:, :1]) / unit, s / unit, n_groups) - np.log(unit[:, 0])
    return result


def _by_nodes(weights: Array, means: Array, stds: Array, n_groups: int) -> Array:
    """The integral of ``p log p`` over one output, for means and stds of shape (n, K).

    Each group has nodes ``m + a sinh(u)`` at equal steps h of u, which reach from its smallest standard
    deviation a to where no group is any more. A node stands for the part of the line up to the next; the
    nodes of all groups share it by how dense they are, so that none need resolve the peak of another.
    """
    n = len(weights)
    m, by_group = _groups_that_count(*(part.reshape(n, n_groups, -1) for part in (weights, means, stds)))
    a = by_group.min(axis=2)
    ends = m[:, :, None] + ENTROPY_REACH * by_group.max(axis=2)[:, :, None] * [-1.0, 1.0]
    reach = np.maximum(m - ends.min(axis=(1, 2))[:, None], ends.max(axis=(1, 2))[:, None] - m)
    h = np.arcsinh(reach / a) / ENTROPY_NODES
    steps = np.arange(-ENTROPY_NODES, ENTROPY_NODES + 1)
    y = (m[:, :, None] + a[:, :, None] * np.sinh(h[:, :, None] * steps)).reshape(n, -1)
    # nodes are at distances d = h sqrt(a^2 + (y - m)^2), and each group's share is d^-4 / sum of d^-4
    closeness, groups = np.empty((n_groups, *y.shape)), np.arange(n_groups)
    for g in groups:
        closeness[g] = 1.0 / (h[:, [g]] ** 2 * (a[:, [g]] ** 2 + (y - m[:, [g]]) ** 2))
    own = np.concatenate([closeness[g, :, g * len(steps) : (g + 1) * len(steps)] for g in groups], axis=1)
    lengths = own**1.5 / np.sum(closeness**2, axis=0)
    density = np.zeros_like(y)
    for w, mean, std in zip(weights.T[:, :, None], means.T[:, :, None], stds.T[:, :, None], strict=True):
        density += w / std * np.exp(-0.5 * ((y - mean) / std) ** 2)
    density /= np.sqrt(2 * np.pi)
    return np.sum(lengths * xlogy(density, density), axis=1)


def _groups_that_count(weights: Array, means: Array, stds: Array) -> tuple[Array, Array]:
    """Means (n, G) and standard deviations (n, G, C) of groups, with heavy components in place of negligible.

    All are of shape (n, G, C) before.
    """
    heaviest = np.argmax(weights, axis=2)[:, :, None]
    stds = np.where(weights > NEGLIGIBLE, stds, np.take_along_axis(stds, heaviest, axis=2))
    rows, of_group = np.arange(len(weights)), np.take_along_axis(weights, heaviest, axis=2)[:, :, 0]
    group, counts = np.argmax(of_group, axis=1), of_group > NEGLIGIBLE
    m = np.where(counts, means[:, :, 0], means[rows, group, 0][:, None])
    return m, np.where(counts[:, :, None], stds, stds[rows, group][:, None])


def _by_points(weights: Array, means: Array, stds: Array) -> Array:
    # E log p(y) = sum_k w_k E_{y ~ N_k} log p(y)
    n_components = weights.shape[1]
    n_pairs = max(MIN_ENTROPY_PAIRS, ENTROPY_PAIRS // max(n_components, 2))
    points = normal_points(2 * n_pairs, means.shape[2])
    result = np.zeros(len(weights))
    for z in points:
        for k in range(n_components):
            draws = means[:, k] + stds[:, k] * z
            result += weights[:, k] * log_density(draws, weights, means, stds)
    return result / len(points)


def responsibilities(y: Array, weights: Array, means: Array, stds: Array) -> Array:
    """Posterior probability of each component given y (n, P), of shape (n, K)."""
    return softmax(log_joint(y, weights, means, stds), axis=1)


def of_experts(weights: Array, n_experts: int) -> Array:
    """Sums of the weights (n, C) of each expert's components, one expert after another, of shape (n, K)."""
    return weights.reshape(len(weights), n_experts, -1).sum(axis=2)


def mean(weights: Array, means: Array) -> Array:
    """Mean, of shape (n, P)."""
    return np.einsum("nk,nkp->np", weights, means)


def std(weights: Array, means: Array, stds: Array) -> Array:
    """Standard deviation, spread between components included, of shape (n, P)."""
    # var = sum_k w_k (s_k^2 + (m_k - m)^2), which does not cancel as E[y^2] - m^2 would
    spread = means - mean(weights, means)[:, None]
    # in units of the largest deviation, whose square might overflow
    deviations = np.hypot(stds, spread)
    largest = deviations.max(axis=1, keepdims=True)
    return largest[:, 0] * np.sqrt(np.einsum("nk,nkp->np", weights, (deviations / largest) ** 2))


def cdf(y: Array, weights: Array, means: Array, stds: Array) -> Array:
    """Distribution function of each output at y (n, P), of shape (n, P)."""
    return np.einsum("nk,nkp->np", weights, ndtr((y[:, None] - means) / stds))


def quantile(q: float, weights: Array, means: Array, stds: Array) -> Array:
    """Quantile of each output, of shape (n, P), for a level q in (0, 1).

    By bisection, between the smallest and the largest of the components' own quantiles.
    """
    if q > 0.5:  # near 1, the distribution function has no digits for the tail
        return -quantile(1.0 - q, weights, -means, stds)
    own = means + stds * ndtri(q)
    relevant = weights[:, :, None] > 0
    low = np.min(np.where(relevant, own, np.inf), axis=1)
    high = np.max(np.where(relevant, own, -np.inf), axis=1)
    for _ in range(MAX_BISECTIONS):
        middle = 0.5 * (low + high)
        if np.all((middle <= low) | (middle >= high)):
            break
        below = cdf(middle, weights, means, stds) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high


def interval(tail: float, weights: Array, means: Array, stds: Array) -> tuple[Array, Array]:
    """Bounds, of shape (n, P), of each output's central interval, with a probability on each of its sides."""
    return quantile(tail, weights, means, stds), -quantile(tail, weights, -means, stds)


def probabilities(values: Any, name: str, *, max_ndim: int = 1) -> Array:
    """One probability or a list of them, strictly between 0 and 1, as an array of shape () or (n,).

    Raises
    ------
    ValueError
        If they are not, or are a list although ``max_ndim`` is 0; ``name`` is that of the argument.
    """
    result = np.asarray(values, dtype=object)  # as they are: text is no number, whatever it says
    if result.ndim > max_ndim or not all(
        isinstance(p, float | np.floating) and 0 < p < 1 for p in result.ravel()
    ):
        expected = "a number or a list of numbers" if max_ndim else "a number"
        raise ValueError(
            f"Expected {expected} strictly between 0 and 1 as {name}, got {values!r}; 90 % is 0.9."
        )
    return result.astype(float)


def tail(coverage: Any, *, max_ndim: int = 0) -> Any:
    """Probability on each side of a central interval, or of several; see :func:`probabilities`."""
    return (1.0 - probabilities(coverage, "coverage", max_ndim=max_ndim)) / 2.0


def sample(n_samples: int, weights: Array, means: Array, stds: Array, random_state: Any) -> Array:
    """Independent draws, of shape (n, P, n_samples)."""
    n = len(weights)
    edges = np.cumsum(weights, axis=1)
    edges /= edges[:, -1:]
    chosen = (random_state.uniform(size=(n, n_samples, 1)) > edges[:, None, :-1]).sum(axis=2)
    rows = np.arange(n)[:, None]
    noise = random_state.standard_normal((n, n_samples, means.shape[2]))
    return np.swapaxes(means[rows, chosen] + stds[rows, chosen] * noise, 1, 2)
