"""What would pass for numbers but is none: dates, strings, elements under a mask, sparse matrices."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import numpy as np
from scipy.sparse import issparse

# Types of elements (pandas' own are among them, NaT too), NumPy's kinds of arrays, and how to make numbers.
REMEDIES = {
    "dates": (
        (date, time, np.datetime64),
        "M",
        "count from a day of your choice, for fit and predict alike: (when - start) / np.timedelta64(1, 'D')",
    ),
    "durations": (
        (timedelta, np.timedelta64),
        "m",
        "divide them by a unit of your choice, for fit and predict alike: duration / np.timedelta64(1, 'h')",
    ),
    "strings": (
        (str, bytes),
        "SU",
        'convert them by .astype(float), read decimal commas with decimal=",", or encode categories, see '
        "OneHotEncoder",
    ),
}


def check_numeric(values: Any, input_name: str) -> None:
    """Refuse what NumPy would make numbers of, but hardly those that are meant.

    Dates and durations are whole numbers in a unit that may change from one table to the next, strings are
    parsed, and masked arrays lose their masks.

    Parameters
    ----------
    values : array-like
        An array, a table or a list.
    input_name : str
        For the errors.

    Raises
    ------
    TypeError
        If it is sparse, or a query that has no values yet.
    ValueError
        If it holds dates, durations, strings or numbers beyond those of double precision, or if elements are
        masked.
    """
    if issparse(values):
        raise TypeError(
            f"Sparse data was passed for {input_name}, but dense data is required. "
            "Try .toarray(); or, where it comes from, OneHotEncoder(sparse_output=False) and "
            "ColumnTransformer(..., sparse_threshold=0)."
        )
    if hasattr(values, "collect"):
        raise TypeError(
            f"Expected values in {input_name}, got a lazy {type(values).__name__}; try .collect()."
        )
    for name, part in _parts(values):
        _check_part(part, input_name if name is None else f"{input_name}, column {name!r}")


def _parts(values: Any) -> Iterator[tuple[Any, Any]]:
    """The columns of a table by their names, the items of a list if there are masked ones, or all at once."""
    columns = getattr(values, "column_names", getattr(values, "columns", None))
    if columns is not None and hasattr(values, "__array__"):
        yield from ((name, values[name]) for name in columns)
    elif isinstance(values, (list, tuple)) and any(map(np.ma.isMaskedArray, values)):
        yield from ((None, item) for item in values)
    else:
        yield None, values


def _check_part(part: Any, where: str) -> None:
    if np.ma.isMaskedArray(part) and (n_masked := np.ma.count_masked(part)):
        raise ValueError(
            f"Input {where} contains {n_masked} masked values, which are missing. Try to leave out their "
            "rows, see np.ma.getmaskarray, or to impute them."
        )
    array = np.asarray(part)
    for kind, (types, letters, remedy) in REMEDIES.items():
        if array.dtype == object:
            found: Any = [item for item in array.flat if isinstance(item, types)]
        else:
            found = array.ravel() if array.dtype.kind in letters else []
        if len(found):
            raise ValueError(f"Expected numbers in {where}, got {kind} such as {found[0]!s}; {remedy}.")
    largest = float(np.finfo(float).max)  # Python's own compares with integers of any size
    if array.dtype == object and any(isinstance(item, int) and abs(item) > largest for item in array.flat):
        raise ValueError(f"Input {where} contains a value too large for dtype('float64'); try another unit.")
