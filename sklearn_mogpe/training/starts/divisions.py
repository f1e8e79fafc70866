"""Proposals of how the rows might be divided among the experts, from the data alone."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from ...data.isolation import unrecorded

# Neighbours that a local level of noise is averaged over: a twentieth of the rows, five at least.
NEIGHBOUR_SHARE, MIN_NEIGHBOURS = 0.05, 5

# No start is sure: this share of each row's responsibility goes to all experts alike.
DOUBT = 0.1

# The ladders' ratios of noise variance and of lengthscale between the first expert and the last.
LADDERS = {"ladder": (1e-2, 4.0), "steep_ladder": (1e-3, 4.0), "low_ladder": (1e-1, 1.0)}


class Start(NamedTuple):
    """Where a mixture may begin, relative to the single Gaussian process of the same data.

    Attributes
    ----------
    responsibilities : array of shape (K, N)
    noise_factor, lengthscale_factor : arrays of shape (K,)
        Each expert's noise variance and lengthscales, as parts of the single GP's.
    """

    responsibilities: np.ndarray
    noise_factor: np.ndarray
    lengthscale_factor: np.ndarray


def starts(X, Y, residuals, n_experts: int, random_state: np.random.RandomState) -> dict[str, Start]:
    """Propose starts of several kinds.

    Parameters
    ----------
    X : array of shape (N, D)
        In units of the single GP's lengthscales.
    Y : array of shape (N, P)
    residuals : array of shape (N, P)
        Of the single GP's mean, in units of its noise.
    n_experts : int
        K, at least 2.
    random_state : numpy.random.RandomState
        For the clusterings' own starts.

    Returns
    -------
    dict of Start
        By name: ``kmeans`` (regions of the input), ``noise`` (levels of local noise), ``residual``
        (branches above and below the mean), ``mixture`` (Gaussian components of (x, y) together), and
        ladders, in which the experts begin with different noise and smoothness and share all rows alike.
    """
    K, N = n_experts, len(X)
    kmeans = KMeans(K, n_init=5, random_state=random_state)
    branch = np.argsort(np.argsort(_first_direction(residuals), kind="stable"), kind="stable") * K // N
    joint = np.column_stack([X, Y])
    with unrecorded(), warnings.catch_warnings():
        # A division into fewer groups than experts, or one that is not final, is a start as well.
        warnings.simplefilter("ignore", ConvergenceWarning)
        local_noise = np.log(_local_mean(X, np.mean(residuals**2, axis=1)) + np.finfo(float).tiny)
        divisions = {
            "kmeans": np.eye(K)[kmeans.fit_predict(X)],
            "noise": np.eye(K)[kmeans.fit_predict(local_noise[:, None])],
            "residual": np.eye(K)[branch],
            "mixture": GaussianMixture(K, reg_covar=1e-4, random_state=random_state)
            .fit(joint)
            .predict_proba(joint),
        }
    proposals = {name: _from_division(division.T, residuals) for name, division in divisions.items()}
    rung = np.arange(K) / (K - 1)
    for name, (noise, lengthscale) in LADDERS.items():
        proposals[name] = Start(np.full((K, N), 1.0 / K), noise ** (1.0 - rung), lengthscale ** (0.5 - rung))
    return proposals


def _from_division(responsibilities, residuals):
    r = (1.0 - DOUBT) * responsibilities + DOUBT / len(responsibilities)
    return Start(r, r @ np.mean(residuals**2, axis=1) / r.sum(axis=1), np.ones(len(r)))


def _local_mean(X, values):
    size = min(len(X), max(MIN_NEIGHBOURS, int(NEIGHBOUR_SHARE * len(X))))
    neighbours = NearestNeighbors(n_neighbors=size).fit(X).kneighbors(X, return_distance=False)
    return values[neighbours].mean(axis=1)


def _first_direction(residuals):
    direction = np.linalg.svd(residuals, full_matrices=False)[2][0]
    return residuals @ (direction * np.sign(direction[np.argmax(np.abs(direction))]))


def spread_points(X, num_points: int, n_given: int = 0) -> np.ndarray:
    """Choose rows of X that cover it, by greedy conditional variance (Burt, Rasmussen, van der Wilk 2020).

    Each next row is the one whose value the rows so far say least about, under a Gaussian process with an
    exponential kernel of unit lengthscale; a rough kernel, so that the conditional variances do not vanish.
    Deterministic, and indifferent to repeated rows.

    Parameters
    ----------
    X : array of shape (N, D)
        In units of the lengthscales.
    num_points : int
        M, at most the number of distinct rows.
    n_given : int, default=0
        The first rows, so many, are chosen in any case.

    Returns
    -------
    array of shape (M,)
        Indices of rows.
    """
    variance = np.ones(len(X))
    factor = np.empty((num_points, len(X)))  # rows of the partial Cholesky factor
    chosen = []
    for m in range(num_points):
        new = m if m < n_given else int(np.argmax(variance))
        chosen.append(new)
        covariance = np.exp(-np.linalg.norm(X - X[new], axis=1))
        # A given row that others determine has nothing to say.
        known = covariance - factor[:m].T @ factor[:m, new]
        factor[m] = known / np.sqrt(variance[new]) if variance[new] > 0.0 else 0.0
        variance = np.maximum(variance - factor[m] ** 2, 0.0)
        variance[chosen] = 0.0
    return np.array(chosen)
