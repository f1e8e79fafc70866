"""Rows as the model sees them: distinct, weighted and standardised."""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_consistent_length

# Up to this many rows the whole data is used at once, and equal rows are merged.
WHOLE_DATA_ROWS = 20_000

# Rows that the search for a start looks at: enough to see the structure, few enough for seconds.
INITIAL_ROWS = 1000


class Rows(NamedTuple):
    """Data in rows.

    Attributes
    ----------
    X : array of shape (N, D)
    Y : array of shape (N, P)
    weight : array of shape (N,)
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray


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
    if sample_weight is None or np.isscalar(sample_weight):
        sample_weight = np.full(len(X), 1.0 if sample_weight is None else sample_weight)
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


def split(rows: Rows, size: int, random_state) -> tuple[Rows, Rows]:
    """Divide rows at random: ``size`` of them and the rest, both in order."""
    first, second = train_test_split(np.arange(len(rows.X)), train_size=size, random_state=random_state)
    return tuple(Rows(*(part[np.sort(chosen)] for part in rows)) for chosen in (first, second))


def fit_scaler(values, weight) -> Scaler:
    """Weighted mean and standard deviation of columns (N, D); a constant column keeps the scale 1."""
    # Divided by their largest magnitude first, so that squares can neither overflow nor vanish.
    largest = np.max(np.abs(values), axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    unit = values / largest
    mean = np.average(unit, axis=0, weights=weight)
    std = np.sqrt(np.average((unit - mean) ** 2, axis=0, weights=weight))
    constant = std <= 10 * np.finfo(float).eps
    return Scaler(mean * largest, np.where(constant, 1.0, std * largest))


def identity_scaler(values) -> Scaler:
    """A scaler that leaves columns (N, D) as they are."""
    return Scaler(np.zeros(values.shape[1]), np.ones(values.shape[1]))
