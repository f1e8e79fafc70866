"""Fixed quasi-random points of a standard normal distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, roots_hermitenorm
from scipy.stats import qmc

from .arrays import Array

# Points that stand for what is not known of a noise that varies, so many components of each expert's density:
# of log variances with a standard deviation of 1, log densities are right to 0.05 up to five standard
# deviations of y, and to 0.09 up to eight.
NOISE_POINTS = 7

SEED = 20210718  # one sequence for everybody, so that bounds can be compared between models and machines


def normal_points(num_points: int, dim: int) -> Array:
    """Points whose average stands for an expectation under ``N(0, I)``.

    A Sobol sequence (1967), scrambled as in Matousek (1998) and mapped through the normal quantile function,
    with each point's mirror image, scaled to unit variance in each coordinate. Averages over the points are
    therefore exact for sums of one-dimensional quadratics, such as the log density of a single Gaussian
    expert.

    Parameters
    ----------
    num_points : int
        S, an even number, at least 2.
    dim : int
        Number of coordinates.

    Returns
    -------
    array of shape (S, dim)

    Raises
    ------
    ValueError
        If ``num_points`` is odd or below 2.
    """
    if num_points < 2 or num_points % 2:
        raise ValueError(f"Expected an even number of sample points, at least 2, got {num_points}.")
    half = num_points // 2
    sobol = qmc.Sobol(max(dim, 1), scramble=True, rng=np.random.default_rng(SEED))
    points = ndtri(sobol.random_base2(int(np.ceil(np.log2(half))))[:half, :dim])
    points = np.concatenate([points, -points])
    return points / np.sqrt(np.mean(points**2, axis=0))


def symmetric_points(dim: int) -> Array:
    """Return ``+- sqrt(dim) e_i``: few points, exact for cubics, that treat all coordinates alike.

    The spherical-radial rule of degree three (Stroud 1971). Averages over the points stand for expectations
    under ``N(0, I)``.

    Parameters
    ----------
    dim : int

    Returns
    -------
    array of shape (2 * dim, dim)
    """
    axes = np.sqrt(dim) * np.eye(dim)
    return np.concatenate([axes, -axes])


def gauss_hermite(num_points: int) -> tuple[Array, Array]:
    """Points and weights that stand for an expectation under ``N(0, 1)``, exact for polynomials.

    Gauss and Hermite's rule (Abramowitz and Stegun 1964, 25.4.46).

    Parameters
    ----------
    num_points : int
        J; of a degree up to 2 J - 1.

    Returns
    -------
    points, weights : arrays of shape (J,)
    """
    points, weights = roots_hermitenorm(num_points)
    return points, weights / np.sum(weights)


def noise_rule(is_varying: bool) -> tuple[Array, Array]:
    """Points and weights, each of shape (J,), for the log of a noise; of a constant one J is 1."""
    return gauss_hermite(NOISE_POINTS if is_varying else 1)
