"""Rows as the model sees them: distinct, weighted and standardised."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, gen_batches
from sklearn.utils.random import sample_without_replacement

# Up to this many rows the whole data is used at once, and equal rows are merged.
WHOLE_DATA_ROWS = 20_000

# Rows that judge parameters where there are more than that.
EVALUATION_ROWS = 2048

# Rows that are read at once.
BLOCK_ROWS = 65_536

# Decimals of standardised rows.
DECIMALS = 12

# Inducing points in place of "auto", for one feature and for several. In trials 250 were not better than 100
# and took about twice as long.
ONE_FEATURE_POINTS, SEVERAL_FEATURES_POINTS = 50, 100

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


class Problem(NamedTuple):
    """What a mixture is fitted to.

    Attributes
    ----------
    scales : Scales
    sample : Rows
        Standardised, some of the rows or all, enough to look for a start.
    evaluation : Rows
        Standardised, some of the rows or all, enough to judge parameters by.
    held_out : Rows or None
        Standardised, rows that decide what is best and when to stop.
    draw : callable ``(first, size) -> Rows``
        Gives as many rows, standardised, for mini-batches that begin when ``first`` rows have been drawn. The
        last of a stream may be fewer; after them, it raises StopIteration.
    n_inducing : int
        M.
    n_rows : int
        Number of rows that are fitted.
    num_data : int
        Number of rows that they stand for.
    seed : int
        Of the search for a start.
    """

    scales: Scales
    sample: Rows
    evaluation: Rows
    held_out: Rows | None
    draw: Callable[[int, int], Rows]
    n_inducing: int
    n_rows: int
    num_data: int
    seed: int


def _take(rows, places, scales):
    """Rows of some numbers, standardised; read in their order, which is kinder to a disk."""
    order = np.argsort(places)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return scales.transform(Rows(*(part[places[order]][back] for part in rows)))


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


def make_problem(
    rows: Rows,
    scales: Scales,
    *,
    whole: bool,
    n_inducing: int | str,
    held_out_fraction: float,
    n_before: int,
    random_state,
) -> Problem:
    """Divide rows into those to fit and those to hold out, and draw samples of those to fit.

    Mini-batches are drawn with repetitions. They depend on ``random_state`` and on how many rows have been
    drawn before, but not on which.

    Parameters
    ----------
    rows : Rows
    scales : Scales
    whole : bool
        Whether all rows evaluate the parameters.
    n_inducing : int or "auto"
        M at most; no more than distinct inputs are used.
    held_out_fraction : float
        Zero holds out nothing; no more than 20 000 rows are held out.
    n_before : int
        Rows that an earlier fit has seen, which these only add to.
    random_state : numpy.random.RandomState

    Raises
    ------
    ValueError
        If the rows are too few to hold out some and fit the others.
    """
    n_rows, places, held_out = len(rows.X), None, None
    if held_out_fraction:
        size = min(round(held_out_fraction * n_rows), WHOLE_DATA_ROWS)
        if size < 1 or n_rows - size < 2:
            raise ValueError(
                f"Expected a validation_fraction that holds out some of {n_rows} distinct rows and "
                f"leaves enough to fit, got {held_out_fraction:g}; set early_stopping=False."
            )
        chosen = sample_without_replacement(n_rows, size, random_state=random_state)
        places = np.delete(np.arange(n_rows), chosen)
        held_out = _take(rows, np.sort(chosen), scales)

    n_fitted = n_rows if places is None else len(places)
    n_inducing = number_of_points(n_inducing, rows.X.shape[1])

    def take(chosen):
        return _take(rows, chosen if places is None else places[chosen], scales)

    def some(size):
        if size < n_fitted:
            chosen = np.sort(sample_without_replacement(n_fitted, size, random_state=random_state))
        else:
            chosen = np.arange(n_fitted)
        return take(chosen)

    sample = some(max(INITIAL_ROWS, 2 * n_inducing))
    evaluation = some(n_rows if whole else EVALUATION_ROWS)
    n_inducing = min(n_inducing, len(np.unique(sample.X, axis=0)))
    seed = random_state.randint(np.iinfo(np.int32).max)

    def draw(first, size):
        return take(np.random.default_rng([seed, first]).integers(n_fitted, size=size))

    return Problem(
        scales, sample, evaluation, held_out, draw, n_inducing, n_fitted, n_before + n_fitted, seed
    )


def number_of_points(n_inducing: int | str, n_features: int) -> int:
    """Number of inducing points; of ``"auto"``, for D features."""
    if n_inducing != "auto":
        return n_inducing
    return ONE_FEATURE_POINTS if n_features == 1 else SEVERAL_FEATURES_POINTS


def fit_scales(rows: Rows, normalize_y: bool) -> Scales:
    """Fit the scales of features and, if wanted, of outputs."""
    y_scaler = fit_scaler(rows.Y, rows.weight) if normalize_y else identity_scaler(rows.Y)
    return Scales(fit_scaler(rows.X, rows.weight), y_scaler)


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


def identity_scaler(values) -> Scaler:
    """A scaler that leaves columns (N, D) as they are."""
    return Scaler(np.zeros(values.shape[1]), np.ones(values.shape[1]))
