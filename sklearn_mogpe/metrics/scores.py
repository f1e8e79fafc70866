"""Scores of predictive densities and intervals that are given as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import scoringrules
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from ..data.checks import check_sample_weight
from ..data.isolation import isolated
from ..data.numeric import check_numeric
from ..predictive import gaussian_mixture
from ..predictive.arrays import Array

# How far from one the weights of a row may sum: well above the rounding of single precision.
WEIGHT_TOLERANCE = 1e-4


@isolated
def nlpd(
    y_true: ArrayLike,
    weights: ArrayLike,
    means: ArrayLike,
    stds: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Negative log predictive density: the mean of ``-log p(y | x)``, the outputs jointly.

    The logarithmic score [1]_ (section 4.1). Smaller is better, and the true density is the best on average.
    It looks only at where y fell, and severely: one row that was thought impossible can decide it.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, P)
    weights : array-like of shape (n, K)
        Rows sum to one.
    means, stds : array-like of shape (n, K, P), or (n, K) for one output
        The outputs are independent given the component.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        In nats, for y in its own units: in units c times as large it is smaller by ``P log c``.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation.
       Journal of the American Statistical Association, 102(477), 359-378.
    """
    mixture = check_mixture(y_true, weights, means, stds)
    return average(-gaussian_mixture.log_density(*mixture), sample_weight)


@isolated
def crps(
    y_true: ArrayLike,
    weights: ArrayLike,
    means: ArrayLike,
    stds: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Continuous ranked probability score, the mean over rows and outputs.

    The integral of ``(F(t) - 1[t >= y])^2`` over t, with F the distribution function of an output: of a
    certain prediction it is the absolute error. Smaller is better, and the true density is the best on
    average [1]_ (section 4.2). Rows far from all predictions count by their distance only, so it is milder
    than `nlpd`.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, P)
    weights : array-like of shape (n, K)
        Rows sum to one.
    means, stds : array-like of shape (n, K, P), or (n, K) for one output
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        In units of y. Several outputs should share one unit, or the largest rules; how they depend on each
        other does not matter.

    Notes
    -----
    The closed form of [2]_, as the package scoringrules computes it, needs memory for ``n K^2 P`` numbers.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation.
       Journal of the American Statistical Association, 102(477), 359-378.
    .. [2] E. P. Grimit, T. Gneiting, V. J. Berrocal, N. A. Johnson (2006). The continuous ranked probability
       score for circular variables and its application to mesoscale forecast ensemble verification.
       Quarterly Journal of the Royal Meteorological Society, 132, 2925-2942.
    """
    y, weights, means, stds = check_mixture(y_true, weights, means, stds)
    components_last = (np.moveaxis(part, 1, -1) for part in (means, stds))
    # its own backend, as the active one may return tensors
    scores = scoringrules.crps_mixnorm(y, *components_last, weights[:, None], backend="numpy")
    return average(scores, sample_weight)


@isolated
def pit(y_true: ArrayLike, weights: ArrayLike, means: ArrayLike, stds: ArrayLike) -> Array:
    """Probability integral transform: the probability that was predicted for values up to y.

    If the prediction is right, the values are uniform on [0, 1] [1]_. A histogram that is high at both ends
    tells of densities too narrow, a hump in the middle of densities too wide.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, P)
    weights : array-like of shape (n, K)
        Rows sum to one.
    means, stds : array-like of shape (n, K, P), or (n, K) for one output

    Returns
    -------
    array of shape (n,) or (n, P), as y_true
        Of each output by itself.

    References
    ----------
    .. [1] T. Gneiting, F. Balabdaoui, A. E. Raftery (2007). Probabilistic forecasts, calibration and
       sharpness. Journal of the Royal Statistical Society, series B, 69(2), 243-268.
    """
    return gaussian_mixture.cdf(*check_mixture(y_true, weights, means, stds)).reshape(np.shape(y_true))


@isolated
def interval_coverage(
    y_true: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Part of the values that lie in their intervals, bounds included.

    Parameters
    ----------
    y_true, lower, upper : array-like of shape (n,) or (n, P)
        The last two as ``predict_interval`` returns them.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Between 0 and 1; the mean over outputs, each of which has its own intervals.
    """
    y, lower, upper = _check_interval(y_true, lower, upper)
    return average((lower <= y) & (y <= upper), sample_weight)


@isolated
def interval_score(
    y_true: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean width of central intervals, with a penalty for each value outside.

    With ``a = 1 - coverage``, an interval costs ``upper - lower``, and a value outside of it ``2 / a`` times
    its distance to the interval [1]_ (section 6.2). Smaller is better, and the true quantiles at ``a / 2``
    and ``1 - a / 2`` are the best on average.

    Parameters
    ----------
    y_true, lower, upper : array-like of shape (n,) or (n, P)
        The last two as ``predict_interval`` returns them.
    coverage : float, default=0.9
        That of the intervals, strictly between 0 and 1.
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        In units of y; the mean over outputs.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation.
       Journal of the American Statistical Association, 102(477), 359-378.
    """
    y, lower, upper = _check_interval(y_true, lower, upper)
    outside = np.maximum(lower - y, 0.0) + np.maximum(y - upper, 0.0)
    return average(upper - lower + outside / gaussian_mixture.tail(coverage), sample_weight)


def average(scores: Array, sample_weight: Any) -> float:
    """Weighted mean over rows of scores (n,), or (n, P) with all outputs alike."""
    weight = check_sample_weight(sample_weight, scores)
    return float(np.average(scores.reshape(len(scores), -1).mean(axis=1), weights=weight))


def check_mixture(y_true: Any, weights: Any, means: Any, stds: Any) -> tuple[Array, Array, Array, Array]:
    """Arrays (n, P), (n, K), (n, K, P) and (n, K, P) of floats."""
    y = as_columns(y_true, "y_true")
    weights = check_array(weights, dtype=np.float64, input_name="weights")
    means, stds = (
        check_array(part, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name=name)
        for part, name in ((means, "means"), (stds, "stds"))
    )
    if means.ndim == stds.ndim == 2:
        means, stds = means[:, :, None], stds[:, :, None]
    expected = (*weights.shape, y.shape[1])
    if len(y) != len(weights) or means.shape != expected or stds.shape != expected:
        raise ValueError(
            "Expected y_true of shape (n, P), weights (n, K), and means and stds (n, K, P), where one output "
            f"may go without P; got y_true {y.shape}, weights {weights.shape}, means {means.shape} and stds "
            f"{stds.shape}. Try to predict at the rows of y_true."
        )
    sums = weights.sum(axis=1)
    if weights.min() < 0 or np.abs(sums - 1.0).max() > WEIGHT_TOLERANCE:
        raise ValueError(
            "Expected weights that are not negative, in rows that sum to one; got a smallest of "
            f"{weights.min():g}, and sums from {sums.min():g} to {sums.max():g}. Try to clip at zero and "
            "to divide each row by its sum."
        )
    if stds.min() <= 0:
        raise ValueError(
            f"Expected positive standard deviations, got a smallest of {stds.min():g}. Try a model whose "
            "predictions contain noise."
        )
    return y, weights, means, stds


def _check_interval(y_true: Any, lower: Any, upper: Any) -> tuple[Array, Array, Array]:
    """Three arrays (n, P) of floats."""
    y, lower, upper = map(as_columns, (y_true, lower, upper), ("y_true", "lower", "upper"))
    if not y.shape == lower.shape == upper.shape:
        raise ValueError(
            f"Expected y_true, lower and upper of one shape, got {y.shape}, {lower.shape} and {upper.shape}. "
            "Try to predict at the rows of y_true."
        )
    if np.any(lower > upper):
        raise ValueError(
            f"Expected lower <= upper, got {np.sum(lower > upper)} where it is above. Try to swap the two."
        )
    return y, lower, upper


def as_columns(values: Any, name: str) -> Array:
    """A finite array (n, P), of one column if it was one-dimensional."""
    check_numeric(values, name)
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    return values.reshape(len(values), -1)
