"""What a mixture is fitted to: rows to fit, to judge by, to hold out and to draw from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.utils.random import sample_without_replacement

from .rows import WHOLE_DATA_ROWS, Rows, Scales, fit_scales
from .stream import Stream

# Rows that judge parameters where all are too many.
EVALUATION_ROWS = 2048

# Inducing points of the search for a start, for one feature and for several.
ONE_FEATURE_POINTS, SEVERAL_FEATURES_POINTS = 50, 100

# Inducing points in place of "auto" for rows that are many: as a multiple of the root of their number, and at
# most; and at most where only some of the rows are used at once.
POINTS_BY_ROOT, MAX_POINTS, MAX_POINTS_OF_MANY = 6.5, 220, 300

# Rows that are few, for which "auto" is as many as in the search; of what is described it always is.
FEW = 0

# Share of the rows that have their y in common with others, up to which that is chance.
TIED_SHARE = 0.05

# Smallest variance of noise, as a part of that of y, where many rows have their y in common with others.
MIN_NOISE_OF_TIES = 1e-6

# Rows that the search for a start looks at: enough to see the structure, few enough for seconds. Where rows
# are many, there is time for more: in a trial, 1000 did not show that two experts are better than one.
MANY_ROWS = 2000
INITIAL_ROWS, INITIAL_ROWS_OF_MANY = 1000, 2000

# Rows on which all but q is learnt, where there are more than can be used at once: in steps on all of them q
# follows the kernels, which it does not in mini-batches.
SETTLING_ROWS = 9000


@dataclass(frozen=True)
class Problem:
    """What a mixture is fitted to.

    Attributes
    ----------
    scales : Scales
    own_scales : Scales
        Of all rows, whatever they are scaled by, as by those of an earlier fit: a change in any row changes
        them.
    sample : Rows
        Standardised, some of the rows or all, enough to look for a start.
    evaluation : Rows
        Standardised, some of the rows or all, enough to judge parameters by.
    settling : Rows or None
        Standardised, rows to train on before mini-batches of all; None unless these are many, and if an
        earlier fit goes on. Others than those of the evaluation, which they would flatter.
    held_out : Rows or None
        Standardised, rows that decide what is best and when to stop.
    draw : callable ``(first, size) -> Rows``
        Gives as many rows, standardised, for mini-batches that begin when ``first`` rows have been drawn. The
        last of a stream may be fewer; after them, it raises StopIteration.
    tied_noise : array of shape (P,)
        Variance that noise seems to have at least, since so many values of y are equal; 0 if few are.
    n_inducing : int
        M.
    n_search : int
        Inducing points in the search for a start, M or fewer.
    n_rows : int
        Number of rows that are fitted.
    num_data : int
        Number of rows that they stand for.
    seed : int
        Of the search for a start.
    """

    scales: Scales
    own_scales: Scales
    sample: Rows
    evaluation: Rows
    settling: Rows | None
    held_out: Rows | None
    draw: Callable[[int, int], Rows]
    tied_noise: np.ndarray
    n_inducing: int
    n_search: int
    n_rows: int
    num_data: int
    seed: int


def make_problem(
    rows: Rows,
    *,
    whole: bool,
    n_inducing: int,
    random_state: np.random.RandomState,
    normalize_y: bool = True,
    held_out_fraction: float = 0.0,
    scales: Scales | None = None,
    n_before: int = 0,
    stream: Stream | None = None,
) -> Problem:
    """Divide rows into those to fit and those to hold out, and draw samples of those to fit.

    Mini-batches are drawn with repetitions. They depend on ``random_state`` and on how many rows have been
    drawn before, but not on which.

    Parameters
    ----------
    rows : Rows
    whole : bool
        Whether all rows evaluate the parameters.
    n_inducing : int
        M at most; no more than distinct inputs are used, unless an earlier fit has used them.
    random_state : numpy.random.RandomState
    normalize_y : bool, default=True
        Whether outputs are standardised.
    held_out_fraction : float, default=0.0
        Zero holds out nothing; no more than 20 000 rows are held out.
    scales : Scales, default=None
        Of an earlier fit, from which this one goes on. None fits them to the rows.
    n_before : int, default=0
        Rows that an earlier fit has seen, which these only add to.
    stream : Stream, default=None
        Whose head the rows are, and which mini-batches come from.

    Raises
    ------
    ValueError
        If the rows are too few to hold out some and fit the others.
    """
    own_scales, goes_on = fit_scales(rows), scales is not None
    if scales is None:
        scales = own_scales if normalize_y else own_scales.without_y()
    places, held_out = _divide(len(rows.X), held_out_fraction, random_state)

    n_fitted = len(rows.X) if places is None else len(places)

    def take(chosen):
        return _take(rows, chosen if places is None else places[chosen], scales)

    def some(size):
        if size >= n_fitted:
            return take(np.arange(n_fitted))
        return take(np.sort(sample_without_replacement(n_fitted, size, random_state=random_state)))

    initial_rows = INITIAL_ROWS if n_fitted < MANY_ROWS else INITIAL_ROWS_OF_MANY
    sample = some(max(initial_rows, 2 * n_inducing))
    if not goes_on:
        n_inducing = min(n_inducing, len(np.unique(sample.X, axis=0)))
    n_rows = n_fitted if stream is None else stream.n_rows
    settling = None
    if not whole and not goes_on and n_rows > WHOLE_DATA_ROWS:
        judges, settlers = _two_samples(n_fitted, EVALUATION_ROWS, SETTLING_ROWS, random_state)
        evaluation, settling = take(judges), take(settlers)
    else:
        evaluation = some(n_fitted if whole else EVALUATION_ROWS)
    seed = random_state.randint(np.iinfo(np.int32).max)

    def draw(first, size):
        if stream is not None:
            return scales.transform(stream.draw(first, size))
        return take(np.random.default_rng([seed, first]).integers(n_fitted, size=size))

    return Problem(
        scales=scales,
        own_scales=own_scales,
        sample=sample,
        evaluation=evaluation,
        settling=settling,
        held_out=None if held_out is None else _take(rows, held_out, scales),
        draw=draw,
        tied_noise=_tied_noise(evaluation.Y),
        n_inducing=n_inducing,
        n_search=min(n_inducing, search_points(rows.X.shape[1])),
        n_rows=n_rows,
        num_data=n_before + n_rows,
        seed=seed,
    )


def _two_samples(n_rows, first, second, random_state):
    """Numbers of rows, in ascending order, for two samples that have none in common."""
    chosen = sample_without_replacement(n_rows, first + second, random_state=random_state)
    chosen = random_state.permutation(chosen)
    return np.sort(chosen[:first]), np.sort(chosen[first:])


def _tied_noise(Y):
    # A value that was rounded to multiples of h is off by a variance of h^2 / 12.
    steps = np.array([resolution(column) for column in Y.T])
    return np.where(steps > 0.0, np.maximum(steps**2 / 12.0, MIN_NOISE_OF_TIES), 0.0)


def resolution(y: np.ndarray) -> float:
    """How finely values (N,) tell one another apart: how far those that occur again are from the next value.

    The median over the rows with such values, but no more than the median distance of neighbouring values;
    zero if such rows are few. Of rounded values it is what they were rounded to. Of values among which one
    stands out, such as the zeros of a sensor that is clipped, it is how near the others come to that one.
    Noise that is smaller could not be told from the data.
    """
    values, counts = np.unique(y, return_counts=True)
    is_tied = counts > 1
    if len(values) == 1 or counts[is_tied].sum() <= TIED_SHARE * len(y):
        return 0.0
    gaps = np.diff(values)
    nearest = np.minimum(np.append(np.inf, gaps), np.append(gaps, np.inf))
    of_rows = np.repeat(nearest[is_tied], counts[is_tied])
    return float(min(np.median(of_rows), np.median(gaps)))


def _divide(n_rows, held_out_fraction, random_state):
    """Numbers of the rows to fit, or None for all, and of those to hold out, if any."""
    if not held_out_fraction:
        return None, None
    size = min(round(held_out_fraction * n_rows), WHOLE_DATA_ROWS)
    if size < 1 or n_rows - size < 2:
        raise ValueError(
            f"Expected a validation_fraction that holds out some of {n_rows} distinct rows and "
            f"leaves enough to fit, got {held_out_fraction:g}; set early_stopping=False."
        )
    held_out = np.sort(sample_without_replacement(n_rows, size, random_state=random_state))
    return np.delete(np.arange(n_rows), held_out), held_out


def _take(rows, places, scales):
    """Rows of some numbers, standardised; read in their order, which is kinder to a disk."""
    order = np.argsort(places)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return scales.transform(rows.part(places[order]).part(back))


def number_of_points(n_inducing: int | str, n_rows: int, n_features: int) -> int:
    """Number of inducing points; of ``"auto"``, for N rows of D features."""
    if not isinstance(n_inducing, str):
        return n_inducing
    fewest = search_points(n_features)
    if n_features == 1:
        return fewest
    most = MAX_POINTS if n_rows <= WHOLE_DATA_ROWS else MAX_POINTS_OF_MANY
    return max(fewest, min(most, round(POINTS_BY_ROOT * n_rows**0.5)))


def search_points(n_features: int) -> int:
    """Number of inducing points in the search for a start, for D features."""
    return ONE_FEATURE_POINTS if n_features == 1 else SEVERAL_FEATURES_POINTS
