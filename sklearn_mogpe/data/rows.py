"""Rows as the model sees them: distinct, weighted and standardised."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, gen_batches

# Up to this many rows the whole data is used at once, and equal rows are merged.
WHOLE_DATA_ROWS = 20_000

# Rows that are read at once.
BLOCK_ROWS = 65_536

# Decimals of standardised rows.
DECIMALS = 12


class Rows(NamedTuple):
    """Data in rows: NumPy's arrays, or TensorFlow's tensors on a device.

    Attributes
    ----------
    X : array of shape (N, D)
    Y : array of shape (N, P)
    weight : array of shape (N,)
    """

    X: Any
    Y: Any
    weight: Any

    def part(self, places) -> "Rows":
        """Some of the rows, by a slice or by their numbers."""
        return Rows(*(values[places] for values in self))


class Scaler(NamedTuple):
    """Standardises columns.

    Attributes
    ----------
    mean, scale : arrays of shape (D,)
    """

    mean: np.ndarray
    scale: np.ndarray

    def transform(self, values: np.ndarray) -> np.ndarray:
        """``(values - mean) / scale``."""
        return (values - self.mean) / self.scale

    def inverse_transform(self, values: np.ndarray) -> np.ndarray:
        """``values * scale + mean``."""
        return values * self.scale + self.mean


class Scales(NamedTuple):
    """Standardises rows.

    Attributes
    ----------
    X, Y : Scaler
    """

    X: Scaler
    Y: Scaler

    def transform(self, rows: Rows) -> Rows:
        """Standardise, and round, so that a change of units, whose last bits differ, leads nowhere else."""
        X, Y = self.X.transform(rows.X).round(DECIMALS), self.Y.transform(rows.Y).round(DECIMALS)
        return Rows(X, Y, rows.weight)

    def without_y(self) -> "Scales":
        """The same for features, but outputs as they are."""
        return Scales(self.X, Scaler(np.zeros_like(self.Y.mean), np.ones_like(self.Y.scale)))


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


def distinct_rows(rows: Rows) -> Rows:
    """Sort the rows and merge equal ones, adding their weights; leave out rows of weight zero.

    A model of the result cannot depend on the order of the rows, nor distinguish a weight of 2 from a row
    that stands twice.
    """
    X, Y, weight = rows
    used = weight > 0
    joint, place = np.unique(np.column_stack([X, Y])[used], axis=0, return_inverse=True)
    D = X.shape[1]
    # Added in ascending order, so that rounding does not depend on the order of the rows either.
    order = np.argsort(weight[used], kind="stable")
    summed = np.bincount(place.ravel()[order], weights=weight[used][order])
    return Rows(joint[:, :D], joint[:, D:], summed)


def fit_scales(rows: Rows) -> Scales:
    """Fit the scales of features and outputs."""
    return Scales(fit_scaler(rows.X, rows.weight), fit_scaler(rows.Y, rows.weight))


def fit_scaler(values, weight) -> Scaler:
    """Weighted mean and standard deviation of columns (N, D); a constant column keeps the scale 1."""
    # Block by block, since the rows may be on disk. Divided by their largest magnitude first, so that squares
    # can neither overflow nor vanish.
    blocks = list(gen_batches(len(values), BLOCK_ROWS))
    largest = np.max([np.max(np.abs(values[block]), axis=0) for block in blocks], axis=0)
    largest = np.where(largest > 0, largest, 1.0)

    def average(function):
        return sum(weight[b] @ function(values[b] / largest) for b in blocks) / np.sum(weight)

    mean = average(lambda unit: unit)
    std = np.sqrt(average(lambda unit: (unit - mean) ** 2))
    constant = std <= 10 * np.finfo(float).eps
    return Scaler(mean * largest, np.where(constant, 1.0, std * largest))
