"""Rows as the model sees them: distinct, weighted and standardised."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import gen_batches

# Up to this many rows the whole data is used at once, and equal rows are merged.
WHOLE_DATA_ROWS = 20_000

# Rows that are read at once.
BLOCK_ROWS = 65_536

# Decimals of standardised rows.
DECIMALS = 12

# Known errors of standardised rows at most: such rows say nothing, and squares can still be computed with.
LARGEST_ERROR = 1e9

# How often the scale of outputs with known errors is fitted anew, at most.
SCALE_ROUNDS = 10


class _Rows(NamedTuple):
    X: Any
    Y: Any
    weight: Any
    error: Any


class Rows(_Rows):
    """Data in rows: NumPy's arrays, or TensorFlow's tensors on a device.

    Attributes
    ----------
    X : array of shape (N, D)
    Y : array of shape (N, P)
    weight : array of shape (N,)
    error : array of shape (N, P)
        Standard deviations of the known errors of Y; zeros unless given.
    """

    __slots__ = ()

    def __new__(cls, X: Any, Y: Any, weight: Any, error: Any = None) -> "Rows":
        """Make rows, by default of no known error."""
        if error is None:
            error = np.broadcast_to(0.0, Y.shape)  # of no size in memory
        return super().__new__(cls, X, Y, weight, error)

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
        return Rows(X, Y, rows.weight, _relative(rows.error, self.Y.scale).round(DECIMALS))

    def without_y(self) -> "Scales":
        """The same for features, but outputs as they are."""
        return Scales(self.X, Scaler(np.zeros_like(self.Y.mean), np.ones_like(self.Y.scale)))


def distinct_rows(rows: Rows) -> Rows:
    """Sort the rows and merge equal ones, adding their weights; leave out rows of weight zero.

    A model of the result cannot depend on the order of the rows, nor distinguish a weight of 2 from a row
    that stands twice.
    """
    X, Y, weight, error = rows
    used = weight > 0
    joint, place = np.unique(np.column_stack([X, Y, error])[used], axis=0, return_inverse=True)
    first_y, first_error = X.shape[1], X.shape[1] + Y.shape[1]
    # Added in ascending order, so that rounding does not depend on the order of the rows either.
    order = np.argsort(weight[used], kind="stable")
    summed = np.bincount(place.ravel()[order], weights=weight[used][order])
    return Rows(joint[:, :first_y], joint[:, first_y:first_error], summed, joint[:, first_error:])


def fit_scales(rows: Rows) -> Scales:
    """Fit the scales of features and outputs.

    An output counts the less, the larger its known error is, lest one that is hardly known sets the scale.
    """
    Y, weight, error = rows.Y, rows.weight, rows.error
    scaler = fit_scaler(Y, weight)
    for _ in range(SCALE_ROUNDS if np.any(error) else 0):
        # weight (v / (v + error^2))^2, as in the likelihood of v, the variance, which is what is being fitted
        columns = [
            fit_scaler(Y[:, p : p + 1], weight / (1.0 + _relative(error[:, p], scale) ** 2) ** 2)
            for p, scale in enumerate(scaler.scale)
        ]
        last, scaler = scaler, Scaler(*map(np.concatenate, zip(*columns, strict=True)))
        if np.allclose(scaler.scale, last.scale, rtol=0.01, atol=0.0):
            break
    return Scales(fit_scaler(rows.X, weight), scaler)


def _relative(error, scale):
    with np.errstate(over="ignore"):
        return np.minimum(error / scale, LARGEST_ERROR)


def fit_scaler(values, weight) -> Scaler:
    """Weighted mean and standard deviation of columns (N, D); a constant column keeps the scale 1."""
    # Block by block, since the rows may be on disk. Divided by their largest magnitude first, so that squares
    # can neither overflow nor vanish; and in double precision, for single loses columns far from zero.
    blocks = list(gen_batches(len(values), BLOCK_ROWS))
    largest = np.max([np.max(np.abs(values[block]), axis=0) for block in blocks], axis=0)
    largest = np.where(largest > 0, largest, 1.0).astype(float)

    def average(function):
        return sum(weight[b] @ function(values[b] / largest) for b in blocks) / np.sum(weight)

    mean = average(lambda unit: unit)
    std = np.sqrt(average(lambda unit: (unit - mean) ** 2))
    constant = std <= 10 * np.finfo(float).eps
    return Scaler(mean * largest, np.where(constant, 1.0, std * largest))
