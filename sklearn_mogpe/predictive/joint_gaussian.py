"""Draws of Gaussian vectors, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.lapack import dpstrf

from .arrays import Array

# Variances below this part of the largest one are left out of draws: 1e-5 of its standard deviation.
NEGLIGIBLE = 1e-10


def sample(n_samples: int, mean: Array, covariance: Array, random_state: Any) -> Array:
    """Independent draws of (K, P) Gaussian vectors of length n.

    Parameters
    ----------
    n_samples : int
    mean : array of shape (n, K, P)
    covariance : array of shape (K, P, n, n)
    random_state : RandomState

    Returns
    -------
    array of shape (n, K, P, n_samples)
    """
    draws = np.empty((*mean.shape, n_samples))
    for k, p in np.ndindex(mean.shape[1:]):
        root = square_root(covariance[k, p])
        # n numbers, whatever the rank, which may depend on rounding
        noise = random_state.standard_normal(draws[:, k, p].shape)[: root.shape[1]]
        draws[:, k, p] = mean[:, k, p, None] + root @ noise
    return draws


def square_root(covariance: Array) -> Array:
    """B (n, r) with ``B B^T = covariance`` (n, n), which may be singular, of rank r.

    By Cholesky's factorisation that goes on with the row of the largest variance, and ends when what is left
    is negligible. So it needs no jitter, and the smoother the function, the earlier it ends.
    """
    largest = max(covariance.diagonal().max(initial=0.0), 0.0)
    factor, pivots, rank, _ = dpstrf(covariance, tol=NEGLIGIBLE * largest, lower=1)
    root = np.empty((len(covariance), rank))
    root[pivots - 1] = np.tril(factor)[:, :rank]
    return root
