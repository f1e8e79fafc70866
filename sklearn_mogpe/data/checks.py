"""What users say of their rows, besides X and y: what is right, and what is likely."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from .numeric import check_numeric

# Mean weights of rows that need no second look.
USUAL_WEIGHTS = 0.1, 10.0


def check_sample_weight(sample_weight, X) -> np.ndarray:
    """Validate weights of the rows of X.

    Parameters
    ----------
    sample_weight : array-like of shape (N,), number or None
        A number is every row's weight, None is 1.
    X : array of shape (N, D)

    Returns
    -------
    array of shape (N,)

    Raises
    ------
    ValueError
        If a weight is negative or not finite, if all are zero, or if their number is not that of the rows.
    """
    if sample_weight is None:
        return np.broadcast_to(1.0, len(X))  # of no size in memory
    check_numeric(sample_weight, "sample_weight")
    if np.isscalar(sample_weight):
        sample_weight = np.full(len(X), sample_weight)
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got an array of shape {weight.shape}.")
    check_consistent_length(X, weight)
    if np.any(weight < 0):
        raise ValueError(
            f"Negative values in sample_weight, the smallest is {weight.min():g}; expected none."
        )
    if not np.any(weight):
        raise ValueError("Sample weights are all zero; expected at least one row with a positive weight.")
    return weight


def check_y_std(y_std: Any, Y: Any) -> np.ndarray:
    """Validate known errors of the rows of Y.

    Parameters
    ----------
    y_std : array-like of shape (N,) or (N, P), number or None
        Standard deviations. One of a row is that of all its outputs, a number that of all rows, None is 0.
    Y : array of shape (N, P)

    Returns
    -------
    array of shape (N, P)

    Raises
    ------
    ValueError
        If one is negative or not finite, or if their shape is another.
    """
    if y_std is None:
        return np.broadcast_to(0.0, Y.shape)  # of no size in memory
    check_numeric(y_std, "y_std")
    if np.ndim(y_std) == 0:
        y_std = np.broadcast_to(y_std, len(Y))
    std = check_array(y_std, ensure_2d=False, dtype=(np.float64, np.float32), input_name="y_std")
    if std.shape not in (Y.shape, Y.shape[:1]):
        raise ValueError(
            f"Expected y_std, a standard deviation of each row's y, of shape {Y.shape[:1]} or {Y.shape}, or "
            f"a number, got shape {std.shape}; try np.broadcast_to(y_std, y.shape)."
        )
    if np.any(std < 0):
        raise ValueError(
            f"Negative values in y_std, the smallest is {std.min():g}; expected standard deviations, and 0 "
            "for rows without a known error."
        )
    return np.broadcast_to(std if std.ndim == 2 else std[:, None], Y.shape)


def warn_of_weights(weight: np.ndarray) -> None:
    """Warn of sample weights that hardly count rows: far from 1, and broken or all the same."""
    mean = np.sum(weight) / np.count_nonzero(weight)
    if USUAL_WEIGHTS[0] <= mean <= USUAL_WEIGHTS[1]:
        return
    positive = weight[weight > 0]
    if np.any(positive % 1) or (len(positive) > 1 and np.ptp(positive) == 0):
        warnings.warn(
            "Expected sample_weight to count rows (a weight of 2 is a row that stands twice), got weights of "
            f"{mean:.3g} on average, by which {len(positive)} rows count as {np.sum(positive):.3g}. If they "
            "are 1 / sigma^2 of known errors, hand in y_std=sigma in place of them; if only their ratios "
            "matter, divide them by their mean.",
            UserWarning,
            stacklevel=2,
        )
