"""Cells that are no plain numbers: each is an error that says where it is and what to do, or is told."""

import datetime
import re

import numpy as np
import polars as pl
import pytest

from sklearn_mogpe.command.dataset import read_data, read_features
from sklearn_mogpe.command.options import Options
from sklearn_mogpe.descriptions.errors import ConfigurationError

HEADER = "day,rain,flow\n"
N = 120


def rows(rain=lambda day: day / 8, flow=lambda day: day / 4, day=lambda day: day * 2, header=HEADER):
    return header + "".join(f"{day(i)},{rain(i)},{flow(i)}\n" for i in range(N))


def one(value, place=110):
    """Numbers but for one cell."""
    return lambda day: value if day == place else day / 8


@pytest.fixture
def read(folder):
    """Write a file, and read its rows."""

    def read_rows(content, **config):
        (folder / "rows.csv").write_text(content)
        return read_data({"path": "rows.csv", "target": "flow", **config})

    return read_rows


ERRORS = {
    "limit": (
        rows(one(">4.9")),
        "features: rows.csv, line 112, column 'rain': expected a number, got '>4.9' (1 of 120 rows); ",
        'set missing = [">4.9"] and drop_missing = true',
    ),
    "unit": (
        rows(one("12 mm")),
        "line 112, column 'rain': expected a number, got '12 mm'",
        'missing = ["12 mm"]',
    ),
    "several": (
        rows(lambda day: day if day % 4 else f"<{day % 3}"),
        "line 2, column 'rain': expected a number, got '<0' (30 of 120 rows)",
        'missing = ["<0", "<1", "<2"]',
    ),
    "other_mark": (
        rows(one('"1,5"')),
        "line 112, column 'rain': expected a number, got '1,5'",
        "mend the file",
    ),
    "after_comments": (
        "# one\n\n" + rows(one("x"), header=HEADER + "# two\n").replace("\n6,", '\n\n"\n6",'),
        "line 117, column 'rain': expected a number, got 'x'",
        "missing",
    ),
    "na": (
        rows(one("NA")),
        "features: rows.csv, line 112, column 'rain': expected a number, got 'NA' (1 of 120 rows)",
        "drop_missing = true",
    ),
    "empty": (
        rows(lambda day: "" if day in (5, 9) else 1),
        "features: rows.csv, line 7, column 'rain': expected a number, got an empty cell (2 of 120 rows)",
        "drop_missing = true",
    ),
    "empty_target": (
        rows(flow=one("", 0)),
        "target: rows.csv, line 2, column 'flow': expected a number, got an empty cell (1 of 120 rows)",
        "drop_missing = true",
    ),
    "short_line": (
        rows().replace("\n8,0.5,1.0\n", "\n8,0.5\n"),
        "target: rows.csv, line 6, column 'flow': expected a number, got an empty cell",
        "drop_missing = true",
    ),
    "all_missing": (
        rows(lambda day: "NA"),
        "features: rows.csv, line 2, column 'rain'",
        "name other columns",
    ),
    "infinite": (rows(one("-inf")), "line 112, column 'rain': expected a finite number, got '-inf'", "mend"),
    "too_large": (
        rows(one("1e999")),
        "line 112, column 'rain': expected a finite number, got '1e999'",
        "mend",
    ),
    "ambiguous": (
        rows(lambda day: f'"{day % 9 + 1},234"'),
        "features: rows.csv, line 2, column 'rain': expected a plain decimal mark, got '1,234' (120 of ",
        'set decimal = "," or decimal = "."',
    ),
    "ambiguous_points": (
        rows(lambda day: f"{day % 9 + 1}.234", lambda day: f'"{day},5"'),
        "features: rows.csv, line 2, column 'rain': expected a plain decimal mark, got '1.234' (120 of ",
        'set decimal = "," or decimal = "."',
    ),
    "dates": (
        rows(day=lambda day: datetime.date(2020, 1, 1 + day % 28)),
        "features: rows.csv, line 2, column 'day': expected a column of numbers, got '2020-01-01'",
        "dates: convert it to numbers, such as days since the first, or name other columns by features",
    ),
    "text": (
        rows(day=lambda day: "ab"[day % 2]),
        "features: rows.csv, line 2, column 'day': expected a column of numbers, got 'a'",
        "text: convert it to numbers or name other columns by features",
    ),
    "units": (
        rows(lambda day: f"{day} mm"),
        "column 'rain': expected a column of numbers, got '0 mm'",
        "of text",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_tell_where_and_what_to_do(read, name):
    content, where, remedy = ERRORS[name]
    with pytest.raises(ConfigurationError, match=f"{re.escape(where)}.*{re.escape(remedy)}"):
        read(content)


def test_columns_that_are_not_used_may_hold_anything(read):
    data = read(rows(one(">4.9"), day=lambda day: day % 7), features=["day"])
    np.testing.assert_array_equal(data.X["day"].to_numpy(), np.arange(N) % 7)


@pytest.mark.parametrize("key", ["sample_weight", "y_std"])
def test_errors_of_weights_and_known_errors(read, key):
    with pytest.raises(ConfigurationError, match=f"^{key}: rows.csv, line 112, column 'rain'"):
        read(rows(one("")), **{key: "rain"})


MARKS = ["", "NA", "n/a", "NaN", "null", "NULL", "None", "#N/A", "-", "?", "<NA>", " "]


def test_rows_with_missing_values_are_left_out_and_told(read):
    marks = dict(enumerate(MARKS, 100))
    data = read(rows(lambda day: marks.get(day, day / 8), one("NA", 3)), drop_missing=True)
    kept = np.array([i for i in range(N) if i not in marks and i != 3])
    np.testing.assert_array_equal(data.X.to_numpy(), np.column_stack([kept * 2, kept / 8]))
    np.testing.assert_array_equal(data.y, kept / 8)
    told = f"{len(MARKS) + 1} of 120 rows left out, with missing values: {len(MARKS)} in 'rain', 1 in 'flow'"
    assert told in data.notes
    assert not any("left out" in note for note in read(rows()).notes)


@pytest.mark.parametrize("missing", [">4.9", [">4.9", "trace"], [">4.9", -999]])
def test_further_marks_of_missing_values(read, missing):
    """Numbers among them are meant as such: -999.0 and -999 are the same."""
    values = {50: ">4.9"} | ({} if missing == ">4.9" else {60: "trace" if "trace" in missing else "-999.0"})
    content = rows(lambda day: values.get(day, day / 8))
    with pytest.raises(ConfigurationError, match=r"line 52, column 'rain': .* drop_missing = true"):
        read(content, missing=missing)
    data = read(content, missing=missing, drop_missing=True)
    np.testing.assert_array_equal(data.y, [i / 4 for i in range(N) if i not in values])


@pytest.mark.parametrize(
    ("write", "config", "expected", "told"),
    [
        (
            lambda i: f'"{i % 9 + 1},234"',
            {"decimal": "."},
            lambda i: (i % 9 + 1) * 1000 + 234,
            "commas between",
        ),
        (
            lambda i: f'"{i % 9 + 1},234"',
            {"decimal": ","},
            lambda i: (i % 9 + 1) + 0.234,
            "decimal commas in 'rain'",
        ),
        (
            lambda i: f'"{i % 9 + 1},234.5"',
            {},
            lambda i: (i % 9 + 1) * 1000 + 234.5,
            "commas between thousands",
        ),
        (
            lambda i: f'"{i % 9 + 1}.234,5"',
            {},
            lambda i: (i % 9 + 1) * 1000 + 234.5,
            "points between thousands",
        ),
        (lambda i: f'"{i % 9},234"', {}, lambda i: i % 9 + 0.234, "decimal commas in 'rain'"),
        (lambda i: f'"{i + 1000},234"', {}, lambda i: i + 1000.234, "decimal commas in 'rain'"),
        (lambda i: f"{i % 9 + 1}.234", {}, lambda i: (i % 9 + 1) + 0.234, "decimal points"),
        (lambda i: f'"+{i},5E-1"', {}, lambda i: (i + 0.5) / 10, "decimal commas in 'rain'"),
        (lambda i: "TRUE" if i % 2 else "False", {}, lambda i: i % 2, "decimal points"),
    ],
)
def test_decimal_marks(read, write, config, expected, told):
    data = read(rows(write, lambda day: day + 0.25), **config)
    np.testing.assert_allclose(data.X["rain"].to_numpy(), [expected(i) for i in range(N)], rtol=1e-15)
    np.testing.assert_array_equal(data.y, np.arange(N) + 0.25)
    assert told in "\n".join(data.notes)


def test_plain_marks_tell_those_of_other_columns(read):
    content = "rain;flow\n" + "".join(f"{i % 9 + 1},234;{i},5\n" for i in range(N))
    np.testing.assert_array_equal(
        read(content).X["rain"].to_numpy(), [float(f"{i % 9 + 1}.234") for i in range(N)]
    )


@pytest.mark.parametrize("value", ["NA", "", ">4.9"])
def test_each_row_is_to_get_a_prediction(folder, value):
    (folder / "new.csv").write_text(rows(one(value)))
    options = Options(drop_missing=True, missing=(">4.9",))
    with pytest.raises(
        ConfigurationError, match=r"^features: new.csv, line 112, column 'rain': .* its prediction"
    ):
        read_features("new.csv", ["day", "rain"], options)
    X, notes = read_features("new.csv", ["day"], options)
    np.testing.assert_array_equal(X["day"].to_numpy(), np.arange(N) * 2)
    assert notes == ["new.csv: 120 rows, separator ',', encoding utf-8"]


def test_parquet(folder):
    days = [datetime.date(2020, 1, 1 + day) for day in range(4)]
    columns = {
        "day": days,
        "rain": [1.5, None, float("nan"), 3.0],
        "flow": [1, 2, 3, None],
        "wet": [True, False] * 2,
    }
    pl.DataFrame(columns).write_parquet("rows.parquet")
    config = {"path": "rows.parquet", "target": "flow"}
    with pytest.raises(ConfigurationError, match=r"row 1, column 'day': .* got '2020-01-01' .* dates"):
        read_data(config)
    config |= {"features": ["rain", "wet"]}
    with pytest.raises(
        ConfigurationError,
        match=r"^features: rows.parquet, row 2, column 'rain': .* \(2 of 4 rows\).*drop_missing",
    ):
        read_data(config)
    data = read_data(config | {"drop_missing": True})
    np.testing.assert_array_equal(data.X.to_numpy(), [[1.5, 1.0]])
    np.testing.assert_array_equal(data.y, [1])
    assert data.notes[-1] == "3 of 4 rows left out, with missing values: 2 in 'rain', 1 in 'flow'"
