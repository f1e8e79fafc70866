"""Rows as the model sees them: distinct, weighted and standardised."""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_consistent_length

# Up to this many rows the whole data is used at once, and equal rows are merged.
WHOLE_DATA_ROWS = 20_000

# Decimals of standardised rows.
DECIMALS = 12

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


class Problem(NamedTuple):
    """What a mixture is fitted to, standardised.

    Attributes
    ----------
    rows : Rows
    sample : Rows
        The same rows, or a part of them that is enough to look for a start.
    held_out : Rows or None
        Rows that decide what is best and when to stop.
    n_inducing : int
        M.
    num_data : int
        Number of rows that ``rows`` stand for.
    """

    rows: Rows
    sample: Rows
    held_out: Rows | None
    n_inducing: int
    num_data: int


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


def make_problem(
    rows: Rows, *, n_inducing: int, held_out_fraction: float, n_before: int, random_state
) -> Problem:
    """Divide standardised rows into those to fit and those to hold out, and draw a sample for the start.

    Parameters
    ----------
    rows : Rows
    n_inducing : int
        M at most; no more than distinct inputs are used.
    held_out_fraction : float
        Zero holds out nothing.
    n_before : int
        Rows that an earlier fit has seen, which these only add to.
    random_state : numpy.random.RandomState

    Raises
    ------
    ValueError
        If the rows are too few to hold out some and fit the others.
    """
    held_out = None
    if held_out_fraction:
        size = round(held_out_fraction * len(rows.X))
        if size < 1 or len(rows.X) - size < 2:
            raise ValueError(
                f"Expected a validation_fraction that holds out some of {len(rows.X)} distinct rows and "
                f"leaves enough to fit, got {held_out_fraction:g}; set early_stopping=False."
            )
        held_out, rows = split(rows, size, random_state)
    n_sample = max(INITIAL_ROWS, 2 * n_inducing)
    sample = rows if len(rows.X) <= n_sample else split(rows, n_sample, random_state)[0]
    n_inducing = min(n_inducing, len(np.unique(sample.X, axis=0)))
    return Problem(rows, sample, held_out, n_inducing, n_before + len(rows.X))


def fit_scales(rows: Rows, normalize_y: bool) -> Scales:
    """Fit the scales of features and, if wanted, of outputs."""
    y_scaler = fit_scaler(rows.Y, rows.weight) if normalize_y else identity_scaler(rows.Y)
    return Scales(fit_scaler(rows.X, rows.weight), y_scaler)


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
