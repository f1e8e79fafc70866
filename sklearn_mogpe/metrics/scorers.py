"""Scores of fitted estimators, for scikit-learn's searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..predictive import gaussian_mixture
from ..predictive.arrays import Array, Mixture
from .chains import End, follow, gives_intervals, knows_intervals, knows_mixture
from .scores import as_columns, average, check_mixture, crps, interval_coverage, interval_score, nlpd
from .targets import Target
from .transformed_crps import REACH, transformed_crps

BOUNDS = ("the lower bounds", "the upper bounds")


def neg_nlpd(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Scorer: the mean log predictive density, that is minus `nlpd`.

    Parameters
    ----------
    estimator : fitted estimator
        A `MoGPERegressor`; a regressor whose ``predict`` knows ``return_std``, taken as Gaussian with that
        standard deviation, which has to contain the noise; or a chain that ends in one of these, however
        nested: a pipeline, a search with ``refit``, a `StackingRegressor` with it as the final estimator, a
        `TransformedTargetRegressor`, a `FrozenEstimator`, one of skrub's learners, or another wrapper with an
        ``estimator_`` whose predictions it does not change.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Greater is better.

    Raises
    ------
    NotFittedError
        If the estimator was not fitted.
    TypeError
        If the estimator has no predictive density that is known here.
    ValueError
        If y was transformed for the fit by what is not monotone, has no inverse or no derivative, or mixes
        outputs.

    Notes
    -----
    Where y was transformed for the fit, ``z = t(y)``, the density is that of y by the change of variables,
    ``p(y | x) = p(z | x) |dz / dy|``. The derivative is exact for scalers and the usual functions, logarithms
    among them, and numerical for others. Probability of values that z never takes, such as those below 0 of a
    root, is lost.

    Examples
    --------
    >>> from sklearn.linear_model import BayesianRidge
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_mogpe.datasets import make_step
    >>> from sklearn_mogpe.metrics import neg_nlpd
    >>> X, y = make_step(random_state=0)
    >>> cross_val_score(BayesianRidge(), X, y, scoring=neg_nlpd, cv=3).round(2)
    array([-1.03, -1.04, -1.23])

    In units of y, whatever is fitted, so that a transformation shows what it is good for:

    >>> import numpy as np
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> in_logs = TransformedTargetRegressor(BayesianRidge(), func=np.log, inverse_func=np.exp)
    >>> for regressor in (BayesianRidge(), in_logs):
    ...     print(f"{cross_val_score(regressor, X, np.exp(y), scoring=neg_nlpd, cv=3).mean():.2f}")
    -1.90
    -1.02
    """
    target, mixture = _predictive_mixture(estimator, X)
    if not target.steps:
        return -nlpd(y, *mixture, sample_weight=sample_weight)
    y = as_columns(y, "y_true")
    z = target.transform(y, len(mixture[0]))
    check_mixture(z, *mixture)
    # log p(y) = log p(z) + log |dz / dy|
    log_slope = target.log_slope(y, z, gaussian_mixture.std(*mixture))
    return average(log_slope, sample_weight) - nlpd(z, *mixture, sample_weight=sample_weight)


def neg_crps(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Scorer: minus `crps`.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Greater is better.

    Notes
    -----
    Where y was transformed for the fit by more than a scaler, it is an integral over quantiles, with a
    relative error of less than 1e-6 for smooth transformations. Probability of values that the transformed y
    never takes is put at the end of those that it takes.
    """
    target, mixture = _predictive_mixture(estimator, X)
    if not target.steps:
        return -crps(y, *mixture, sample_weight=sample_weight)
    y = as_columns(y, "y_true")
    z = target.transform(y, len(mixture[0]))
    weights, means, stds = check_mixture(z, *mixture)[1:]
    ends = (means - REACH * stds).min(axis=1), (means + REACH * stds).max(axis=1)
    inverse = _inverse(target, z, *ends)
    return -average(transformed_crps(y, z, weights, means, stds, inverse), sample_weight)


def neg_interval_score(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    coverage: float = 0.9,
) -> float:
    """Scorer: minus the `interval_score` of central intervals.

    Another coverage is chosen by ``functools.partial(neg_interval_score, coverage=0.5)``.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None
    coverage : float, default=0.9
        Strictly between 0 and 1.

    Returns
    -------
    float
        Greater is better.
    """
    bounds = _predictive_interval(estimator, X, y, coverage)
    return -interval_score(y, *bounds, coverage=coverage, sample_weight=sample_weight)


def observed_coverage(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    coverage: float = 0.9,
) -> float:
    """Scorer: the part of y that lies in central intervals. To look at, not to search by.

    It should be near ``coverage``: greater is not better. Intervals that are the same at every input, and so
    of little use, can have it right. Another coverage is chosen by
    ``functools.partial(observed_coverage, coverage=0.5)``.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None
    coverage : float, default=0.9
        Strictly between 0 and 1.

    Returns
    -------
    float
        Between 0 and 1; the mean over outputs.
    """
    bounds = _predictive_interval(estimator, X, y, coverage)
    return interval_coverage(y, *bounds, sample_weight=sample_weight)


def _predictive_mixture(estimator: Any, X: Any) -> tuple[Target, Mixture]:
    """How y was transformed; weights (n, K), means and standard deviations (n, K, P) of the transformed y."""
    end = follow(estimator, X)
    target = Target(end.transformers)
    return target, target.take_scales(_mixture(end))


def _mixture(end: End) -> Mixture:
    if knows_mixture(end.regressor):
        weights, means, stds = map(np.asarray, end.regressor.predict_mixture(end.X))
        return (weights, means, stds) if means.ndim == 3 else (weights, means[..., None], stds[..., None])
    mean, std = (as_columns(part, "the prediction") for part in end.regressor.predict(end.X, return_std=True))
    return np.ones((len(mean), 1)), mean[:, None], std[:, None]


def _predictive_interval(estimator: Any, X: Any, y: Any, coverage: float) -> tuple[Array, Array]:
    """Bounds (n, P) of the central interval of each output."""
    tail = gaussian_mixture.tail(coverage)
    end = follow(estimator, X, knows_intervals)
    target = Target(end.transformers)
    if gives_intervals(end.regressor) and not knows_mixture(end.regressor):
        lower, upper = map(as_columns, end.regressor.predict_interval(end.X, coverage=coverage), BOUNDS)
    else:
        lower, upper = gaussian_mixture.interval(tail, *target.take_scales(_mixture(end)))
    if not target.steps:
        return lower, upper
    inverse = _inverse(target, target.transform(as_columns(y, "y_true"), len(lower)), lower, upper)
    bounds = inverse(lower), inverse(upper)
    return np.minimum(*bounds), np.maximum(*bounds)  # a falling transformation swaps them


def _inverse(target: Target, z: Array, lower: Array, upper: Array) -> Callable[[Array], Array]:
    """Of the transformation of y, from below the values z, lower and upper (n, P) to above."""
    ends = target.reach(np.minimum(z, lower).min(axis=0), np.maximum(z, upper).max(axis=0), z[0])
    return lambda values: target.inverse(values, *ends)
