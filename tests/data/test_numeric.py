"""What passes for numbers, in arrays, lists and tables of each kind."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from sklearn_mogpe.data.numeric import check_numeric

DAYS = np.arange("2024-01-01", "2024-01-04", dtype="datetime64[D]")
STEPS = np.array([1, 2, 3], "timedelta64[h]")
A_DAY, A_STEP = date(2024, 1, 1), timedelta(hours=1)
PANDAS_DAYS = pd.Series(DAYS)

DATES = {
    "array": DAYS,
    "array of columns": DAYS[:, None],
    "array of objects": np.array([[1.0, A_DAY]], dtype=object),
    "list": [[A_DAY], [A_DAY]],
    "list of mixed rows": [[1.0, A_DAY], [2.0, A_DAY]],
    "list of NumPy's": list(DAYS),
    "missing": np.array(["NaT"], "datetime64[ns]"),
    "with a time zone": np.array([datetime(2024, 1, 1, tzinfo=UTC)]),
    "times of a day": np.array([time(12)]),
    "pandas": pd.DataFrame({"a": [1.0, 2.0, 3.0], "when": PANDAS_DAYS}),
    "pandas, in seconds": pd.DataFrame({"when": PANDAS_DAYS.astype("datetime64[s]")}),
    "pandas, with a time zone": pd.DataFrame({"when": PANDAS_DAYS.dt.tz_localize("Europe/Berlin")}),
    "pandas, missing only": pd.DataFrame({"when": [pd.NaT, pd.NaT]}),
    "pandas, objects": pd.DataFrame({"when": PANDAS_DAYS.astype(object)}),
    "pandas, categories": pd.DataFrame({"when": PANDAS_DAYS.astype("category")}),
    "pandas, one name twice": pd.DataFrame([[1.0, A_DAY]], columns=["when", "when"]),
    "pandas, a series": PANDAS_DAYS,
    "polars": pl.DataFrame({"a": [1.0, 2.0, 3.0], "when": DAYS}),
    "polars, with a time zone": pl.DataFrame({"when": [datetime(2024, 1, 1, tzinfo=UTC)]}),
    "polars, times of a day": pl.DataFrame({"when": [time(12), None]}),
    "polars, a series": pl.Series("when", DAYS),
}
DURATIONS = {
    "array": STEPS,
    "list": [A_STEP, A_STEP],
    "mixed": np.array([[A_STEP, 1.0]], dtype=object),
    "pandas": pd.DataFrame({"a": [1.0, 2.0, 3.0], "since": STEPS}),
    "pandas, a series": pd.Series(STEPS),
    "polars": pl.DataFrame({"a": [1.0, 2.0, 3.0], "since": [A_STEP] * 3}),
    "polars, a series": pl.Series([A_STEP, None]),
}
STRINGS = {
    "numbers as strings": np.array(["1.5", "2"]),
    "underscores": [["1_000"], ["2"]],
    "bytes": np.array([b"1"]),
    "mixed": np.array([[1.0, "2"]], dtype=object),
    "pandas": pd.DataFrame({"a": [1.0, 2.0], "level": ["1", "2"]}),
    "polars": pl.DataFrame({"a": [1.0, 2.0], "level": ["1", "2"]}),
    "polars, categories": pl.DataFrame({"level": pl.Series(["1", "2"], dtype=pl.Categorical)}),
}
NUMBERS = {
    "floats": np.ones((2, 1)),
    "integers": [[1], [2]],
    "truth values": np.array([True, False]),
    "objects": np.array([[1.0, 2], [True, None]], dtype=object),
    "exact": [Decimal("0.5"), Fraction(1, 3)],
    "a number": 2.0,
    "none": np.ones((0, 2)),
    "an empty list": [],
    "half": np.ones(2, np.float16),
    "not masked": np.ma.array([1.0, 2.0]),
    "none of it masked": np.ma.array([1.0, 2.0], mask=[False, False]),
    "pandas": pd.DataFrame({"a": [1, 2], "b": pd.array([1, None], "Int64"), "c": [True, False]}),
    "pandas, categories": pd.DataFrame({"a": pd.Categorical([1, 2])}),
    "polars": pl.DataFrame({"a": [1, None], "b": [True, False]}),
    "an empty table": pd.DataFrame(),
}
MASKED = {
    "array": np.ma.array([1.0, -9999.0], mask=[False, True]),
    "columns": np.ma.masked_less([[1.0, -9999.0], [2.0, 3.0]], 0),
    "list of arrays": [np.ma.array([1.0, 2.0]), np.ma.array([1.0, 2.0], mask=[False, True])],
    "list with one": [1.0, np.ma.masked],
}


def by_name(cases):
    return pytest.mark.parametrize("values", cases.values(), ids=cases)


@by_name(DATES)
def test_dates(values):
    with pytest.raises(ValueError, match=r"Expected numbers in X.*, got dates such as .*count from a day"):
        check_numeric(values, "X")


@by_name(DURATIONS)
def test_durations(values):
    with pytest.raises(ValueError, match=r"in y.*, got durations such as .*divide them by a unit"):
        check_numeric(values, "y")


@by_name(STRINGS)
def test_strings(values):
    with pytest.raises(ValueError, match=r"in X.*, got strings such as .*by \.astype\(float\)"):
        check_numeric(values, "X")


@by_name(NUMBERS)
def test_numbers(values):
    check_numeric(values, "X")


@by_name(MASKED)
def test_masked(values):
    with pytest.raises(ValueError, match=r"Input y contains 1 masked values, which are missing"):
        check_numeric(values, "y")


def test_the_column_is_named():
    for table in (DATES["pandas"], DATES["polars"]):
        with pytest.raises(ValueError, match="in X, column 'when', got dates such as 2024-01-01"):
            check_numeric(table, "X")


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.coo_array], ids=["matrix", "array"])
def test_sparse(make):
    with pytest.raises(TypeError, match=r"Sparse data.*for X, but dense.*sparse_output=False"):
        check_numeric(make(np.eye(2)), "X")


def test_values_beyond_double_precision():
    check_numeric([[10**308, None], [-(10**300), 1.5]], "X")
    with pytest.raises(ValueError, match=r"Input X contains a value too large for dtype\('float64'\)"):
        check_numeric([[10**309], [1]], "X")


def test_queries_without_values_yet():
    lazy = pl.DataFrame({"a": [1.0, 2.0]}).lazy()
    with pytest.raises(TypeError, match=r"got a lazy LazyFrame; try \.collect\(\)"):
        check_numeric(lazy, "X")


def test_tables_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    check_numeric(arrow.table({"a": [1.0, 2.0]}), "X")
    for values in (
        arrow.table({"a": [1.0, 2.0], "when": [A_DAY, A_DAY]}),
        pd.Series([A_DAY], dtype="date32[pyarrow]"),
    ):
        with pytest.raises(ValueError, match="got dates"):
            check_numeric(values, "X")
