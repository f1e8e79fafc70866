"""Generators of data from known mixtures, so that a fitted density can be held against the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.utils import Bunch, check_array, check_random_state, check_scalar

# Weights, means and standard deviations, and what gives them at any inputs.
Mixture = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
Truth = Callable[[Any], Mixture]


def make_step(
    n_samples: int = 200,
    *,
    noise: ArrayLike = (0.05, 0.3),
    random_state: Any = None,
    return_truth: bool = False,
) -> tuple[Any, ...]:
    """Draw a curve that jumps at zero from smooth and quiet to rough and noisy.

    The inputs are uniform on [-3, 3]. At every input the target is Gaussian::

        x < 0:   mean -1 + 0.5 sin(x),   standard deviation noise[0]
        x >= 0:  mean  1 + 0.6 sin(5 x), standard deviation noise[1]

    so a single stationary Gaussian process, with one lengthscale and one noise, suits neither half.

    Parameters
    ----------
    n_samples : int, default=200
        Number of rows to draw.
    noise : array-like of shape (2,), default=(0.05, 0.3)
        Standard deviation of the noise to the left and to the right of zero, in the target's units.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data at every call.
    return_truth : bool, default=False
        Return the true density too.

    Returns
    -------
    X : ndarray of shape (n_samples, 1)
        Inputs.
    y : ndarray of shape (n_samples,)
        Targets.
    truth : Bunch
        Only with ``return_truth=True``. The true density as a mixture of K = 1 Gaussian:

        weights : ndarray of shape (n_samples, 1)
            Mixing weights at X, all of them one.
        means, stds : ndarray of shape (n_samples, 1)
            Mean and standard deviation at X.
        labels : ndarray of shape (n_samples,)
            Index of the component each row was drawn from, here always 0.
        density : callable
            ``density(X) -> (weights, means, stds)`` at any inputs.

    Raises
    ------
    ValueError
        If ``n_samples`` or a standard deviation is not positive.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_step
    >>> X, y, truth = make_step(100, random_state=0, return_truth=True)
    >>> X.shape, y.shape, truth.means.shape
    ((100, 1), (100,), (100, 1))
    >>> weights, means, stds = truth.density([[-1.0], [1.0]])
    >>> stds
    array([[0.05],
           [0.3 ]])
    """
    density = partial(_step_density, noise=_check_noise(noise))
    return _draw(density, 3.0, 1, n_samples, random_state, return_truth)


def make_two_branches(
    n_samples: int = 300,
    *,
    noise: ArrayLike = (0.1, 0.2),
    random_state: Any = None,
    return_truth: bool = False,
) -> tuple[Any, ...]:
    """Draw a target that follows one of two branches, both of them likely in the middle.

    The inputs are uniform on [-3, 3]. A row belongs to the upper branch with the probability
    ``1 / (1 + exp(3 x))``: nearly always on the left, nearly never on the right, and by chance in
    between, where the target is bimodal::

        upper:  mean  1 + 0.4 sin(2 x),  standard deviation noise[0]
        lower:  mean -1 + 0.3 x,         standard deviation noise[1]

    Parameters
    ----------
    n_samples : int, default=300
        Number of rows to draw.
    noise : array-like of shape (2,), default=(0.1, 0.2)
        Standard deviation of the noise on the upper and on the lower branch, in the target's units.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data at every call.
    return_truth : bool, default=False
        Return the true density too.

    Returns
    -------
    X : ndarray of shape (n_samples, 1)
        Inputs.
    y : ndarray of shape (n_samples,)
        Targets.
    truth : Bunch
        Only with ``return_truth=True``. The true mixture of K = 2 Gaussians, upper branch first:

        weights : ndarray of shape (n_samples, 2)
            Mixing weights at X; rows sum to one.
        means, stds : ndarray of shape (n_samples, 2)
            Means and standard deviations of the branches at X.
        labels : ndarray of shape (n_samples,)
            Index of the branch each row was drawn from.
        density : callable
            ``density(X) -> (weights, means, stds)`` at any inputs.

    Raises
    ------
    ValueError
        If ``n_samples`` or a standard deviation is not positive.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_two_branches
    >>> X, y, truth = make_two_branches(100, random_state=0, return_truth=True)
    >>> X.shape, y.shape, truth.means.shape
    ((100, 1), (100,), (100, 2))
    >>> weights, means, stds = truth.density([[0.0]])
    >>> weights, means
    (array([[0.5, 0.5]]), array([[ 1., -1.]]))
    """
    density = partial(_two_branches_density, noise=_check_noise(noise))
    return _draw(density, 3.0, 1, n_samples, random_state, return_truth)


def make_two_regimes(
    n_samples: int = 500,
    *,
    n_outputs: int = 2,
    noise: ArrayLike = (0.05, 0.4),
    random_state: Any = None,
    return_truth: bool = False,
) -> tuple[Any, ...]:
    """Draw several outputs over a plane with a calm region and a region of turbulence.

    The inputs are uniform on [-2, 2] x [-2, 2]. A row is turbulent with the probability
    ``1 / (1 + exp(-10 (x2 - 0.7 sin(1.5 x1))))``: turbulence lies above the curve
    ``x2 = 0.7 sin(1.5 x1)``, and the two regions blend over a narrow band around it. All outputs of a
    row are in the same regime. Given the regime, output p = 0, 1, ... is Gaussian and independent of the
    others::

        calm:       mean 0.5 x1 cos(p) + 0.5 sin(x2 + p),  standard deviation noise[0]
        turbulent:  mean sin(4 x1 + p) cos(3 x2 - p),      standard deviation noise[1]

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows to draw.
    n_outputs : int, default=2
        Number P of outputs.
    noise : array-like of shape (2,), default=(0.05, 0.4)
        Standard deviation of the noise in the calm and in the turbulent regime, in the targets' units.
    random_state : int, RandomState instance or None, default=None
        Source of the random numbers; an int gives the same data at every call.
    return_truth : bool, default=False
        Return the true density too.

    Returns
    -------
    X : ndarray of shape (n_samples, 2)
        Inputs.
    y : ndarray of shape (n_samples, n_outputs), or (n_samples,) for one output
        Targets.
    truth : Bunch
        Only with ``return_truth=True``. The true mixture of K = 2 Gaussians, calm regime first:

        weights : ndarray of shape (n_samples, 2)
            Mixing weights at X; rows sum to one.
        means, stds : ndarray of shape (n_samples, 2, n_outputs), or (n_samples, 2) for one output
            Means and standard deviations of the regimes at X.
        labels : ndarray of shape (n_samples,)
            Index of the regime each row was drawn from.
        density : callable
            ``density(X) -> (weights, means, stds)`` at any inputs.

    Raises
    ------
    ValueError
        If ``n_samples``, ``n_outputs`` or a standard deviation is not positive.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_two_regimes
    >>> X, y, truth = make_two_regimes(100, random_state=0, return_truth=True)
    >>> X.shape, y.shape, truth.weights.shape, truth.means.shape
    ((100, 2), (100, 2), (100, 2), (100, 2, 2))
    >>> weights, means, stds = truth.density([[0.0, -1.0], [0.0, 1.0]])
    >>> weights.round(2)
    array([[1., 0.],
           [0., 1.]])
    """
    n_outputs = check_scalar(n_outputs, "n_outputs", Integral, min_val=1)
    density = partial(_two_regimes_density, n_outputs=n_outputs, noise=_check_noise(noise))
    return _draw(density, 2.0, 2, n_samples, random_state, return_truth)


def _step_density(X: ArrayLike, noise: tuple[float, float]) -> Mixture:
    """Weights, means and standard deviations of `make_step` at X, each of shape (n, 1)."""
    x = _check_inputs(X, 1)
    means = np.where(x < 0, -1 + 0.5 * np.sin(x), 1 + 0.6 * np.sin(5 * x))
    return np.ones_like(means), means, np.where(x < 0, *noise)


def _two_branches_density(X: ArrayLike, noise: tuple[float, float]) -> Mixture:
    """Weights, means and standard deviations of `make_two_branches` at X, each of shape (n, 2)."""
    x = _check_inputs(X, 1)
    weights = np.hstack([expit(-3 * x), expit(3 * x)])
    means = np.hstack([1 + 0.4 * np.sin(2 * x), -1 + 0.3 * x])
    return weights, means, np.tile(noise, (len(x), 1))


def _two_regimes_density(X: ArrayLike, n_outputs: int, noise: tuple[float, float]) -> Mixture:
    """Weights (n, 2), and means and standard deviations (n, 2, P), of `make_two_regimes` at X."""
    x1, x2 = np.split(_check_inputs(X, 2), 2, axis=1)
    height = 10 * (x2 - 0.7 * np.sin(1.5 * x1))
    weights = np.hstack([expit(-height), expit(height)])
    p = np.arange(n_outputs)
    calm = 0.5 * x1 * np.cos(p) + 0.5 * np.sin(x2 + p)
    turbulent = np.sin(4 * x1 + p) * np.cos(3 * x2 - p)
    means = np.stack([calm, turbulent], axis=1)
    stds = np.broadcast_to(np.reshape(noise, (2, 1)), means.shape).copy()
    if n_outputs == 1:
        means, stds = means[..., 0], stds[..., 0]
    return weights, means, stds


def _draw(
    density: Truth, half_width: float, n_features: int, n_samples: int, random_state: Any, return_truth: bool
) -> tuple[Any, ...]:
    """Draw uniform inputs on a cube, then the component of each row, then its targets."""
    n_samples = check_scalar(n_samples, "n_samples", Integral, min_val=1)
    rng = check_random_state(random_state)
    X = rng.uniform(-half_width, half_width, size=(n_samples, n_features))
    weights, means, stds = density(X)
    thresholds = np.cumsum(weights, axis=1)[:, :-1]
    labels = (rng.uniform(size=(n_samples, 1)) >= thresholds).sum(axis=1)
    rows = np.arange(n_samples)
    y = rng.normal(means[rows, labels], stds[rows, labels])
    if not return_truth:
        return X, y
    return X, y, Bunch(weights=weights, means=means, stds=stds, labels=labels, density=density)


def _check_inputs(X: Any, n_features: int) -> NDArray[Any]:
    """Return X as a finite array of shape (n, n_features)."""
    X = check_array(X, dtype=np.float64, input_name="X")
    if X.shape[1] != n_features:
        raise ValueError(
            f"X must have {n_features} column(s), as the generated inputs do; got shape {X.shape}. "
            "Pass inputs of shape (n_samples, n_features)."
        )
    return X


def _check_noise(noise: ArrayLike) -> tuple[float, float]:
    """Return the two standard deviations as a tuple of positive floats."""
    values = np.asarray(noise, dtype=float)
    if values.shape != (2,) or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(
            f"noise must hold two positive, finite standard deviations; got {noise!r}. Try noise=(0.1, 0.1)."
        )
    return values[0], values[1]
