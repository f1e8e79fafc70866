"""Gaussian mixtures of one output in numbers of 50 digits: density, quantiles, moments and CRPS."""

from typing import Any, NamedTuple

import numpy as np

from .exact import Phi, exact, exp, log, log_normal, mp, sqrt


class Mixture(NamedTuple):
    """N mixtures of C Gaussians, each of shape (C, N)."""

    weights: Any
    means: Any
    stds: Any

    @classmethod
    def of(cls, weights, means, stds):
        """Of the package's arrays (N, C), (N, C, 1) and (N, C, 1)."""
        return cls(*(exact(part.reshape(weights.shape).T) for part in (weights, means, stds)))

    def log_joint(self, y):
        return log(self.weights) + log_normal(y, self.means, self.stds**2)

    def log_density(self, y):
        return log(exp(self.log_joint(y)).sum(axis=0))

    def cdf(self, y):
        return (self.weights * Phi((y - self.means) / self.stds)).sum(axis=0)

    def above(self, y):
        """One less the distribution function, exact where that is small."""
        return (self.weights * Phi((self.means - y) / self.stds)).sum(axis=0)

    def mean(self):
        return (self.weights * self.means).sum(axis=0)

    def variance(self):
        # sum_k w_k (s_k^2 + (m_k - m)^2)
        return (self.weights * (self.stds**2 + (self.means - self.mean()) ** 2)).sum(axis=0)

    def quantile(self, q, start):
        """The y (N,) with ``cdf(y) = q``, by Newton's steps from near to it."""
        q, y = mp.mpf(q), exact(np.asarray(start, float))
        for _ in range(8):
            # of the smaller tail's logarithm, which is nearly a parabola
            tail, part, sign = (self.cdf(y), q, 1) if q < 0.5 else (self.above(y), 1 - q, -1)
            y = y - sign * (log(tail) - mp.log(part)) * tail / exp(self.log_density(y))
        assert np.all(abs(log(tail) - mp.log(part)) < mp.mpf(10) ** -40)
        return y

    def crps(self, y):
        # E |Y - y| - E |Y - Y'| / 2 (Grimit et al. 2006)
        w, m, s = self
        pairs = w[:, None] * w * mean_distance(m[:, None] - m, sqrt(s[:, None] ** 2 + s**2))
        return (w * mean_distance(y - m, s)).sum(axis=0) - pairs.sum(axis=(0, 1)) / 2


def mean_distance(mean, std):
    """``E |Z|`` of a Gaussian Z."""
    # m (2 Phi(m / s) - 1) + 2 s phi(m / s)
    density = exp(log_normal(mean, 0, std**2))
    return mean * (2 * Phi(mean / std) - 1) + 2 * std**2 * density
