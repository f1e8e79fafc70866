"""Numbers of the cells of a table, or an error that says which cell is none and what to do."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np

from ..descriptions.errors import ConfigurationError, at
from .numerals import READINGS, cast, fitting, has_marks, no_numbers
from .options import MISSING, Options
from .sheets import Sheet, load_polars

_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}\b.*|\d{4}[-/]\d{2}|\d{1,2}:\d{2}\b.*")
_TRUTH = {"true": "1", "false": "0"}
# As many cells that are no numbers does an error list.
_SHOWN = 5


def to_numbers(
    sheet: Sheet, used: Mapping[str, Sequence[str]], options: Options, *, every_row: bool = False
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Make numbers of some columns of a table.

    Parameters
    ----------
    sheet : Sheet
    used : mapping of str to sequence of str
        Names of columns by the keys that ask for them, which errors name.
    options : Options
    every_row : bool, default=False
        Whether no row may be left out, whatever the options say.

    Returns
    -------
    columns : dict of str to array of shape (n,)
    notes : list of str
        What was found and done.

    Raises
    ------
    ConfigurationError
        If a column is not there; if a cell is no number, is infinite or may mean two numbers; if one is
        missing in a row that may not be left out.
    """
    keys = {name: key for key, names in used.items() for name in names}
    columns = {}
    for name, key in keys.items():
        with at(key):
            columns[name] = _read_column(sheet, name, key, options.missing)
    notes = _cast_strings(sheet, columns, keys, options.decimal) if sheet.is_text else []
    for name, key in keys.items():
        with at(key):
            columns[name] = _check_numbers(sheet, columns[name], options.missing)
    is_missing = np.any([column.is_null().to_numpy() for column in columns.values()], axis=0)
    if is_missing.any():
        if every_row or not options.drop_missing or is_missing.all():
            _refuse_missing(sheet, columns, keys, is_missing, every_row)
        counts = ", ".join(f"{n} in {name!r}" for name in columns if (n := columns[name].null_count()))
        notes.append(f"{is_missing.sum()} of {len(is_missing)} rows left out, with missing values: {counts}")
    kept = load_polars().Series(~is_missing)
    return {name: column.filter(kept).to_numpy() for name, column in columns.items()}, notes


def _read_column(sheet, name, key, marks):
    """A column of numbers, or of strings without spaces around them, where null is what is missing."""
    if name not in sheet.cells.columns:
        how = "; ".join(sheet.notes)
        raise ConfigurationError(f"expected a column {name!r}, got {sheet.cells.columns}; {how}")
    column = sheet.cells[name]
    if not sheet.is_text:
        if column.dtype.is_numeric():
            return column
        if column.dtype != load_polars().Boolean and column.is_not_null().any():
            _refuse_text(sheet, name, key, column.is_not_null())
        return column.cast(load_polars().Int64)
    column = column.str.strip_chars().fill_null("")
    small = column.str.to_lowercase()
    is_missing = small.is_in(list(MISSING)) | column.is_in(list(marks))
    is_truth = small.is_in(list(_TRUTH))
    if is_truth.any() and (is_truth | is_missing).all():
        column = small.replace(_TRUTH)
    return column.set(is_missing, None)


def _cast_strings(sheet, columns, keys, decimal):
    """Make numbers of columns of strings, in their place; tell how they are written."""
    readings = {}
    for name, key in keys.items():
        with at(key):
            readings[name] = fitting(columns[name])
            if not readings[name]:
                _refuse_strings(sheet, key, columns[name])
    # What is plain in some columns tells what is meant in the others.
    plain = {fits[0].decimal for fits in readings.values() if len({fit.decimal for fit in fits}) == 1}
    written = {}
    for name, key in keys.items():
        with at(key):
            reading = _choose(sheet, columns[name], readings[name], decimal, plain)
        if has_marks(columns[name]):
            written.setdefault(reading.title, []).append(name)
        columns[name] = cast(columns[name], reading)
    if len(written) == 1:
        return list(written)
    return [f"{title} in {', '.join(map(repr, names))}" for title, names in written.items()]


def _choose(sheet, column, readings, decimal, plain):
    """The reading of a column; several may fit, as 1,234 is written for two numbers."""
    if len({reading.decimal for reading in readings}) == 1 or not has_marks(column):
        return readings[0]
    has_commas = column.str.contains(",", literal=True).any()
    if decimal is None and not has_commas and "," not in plain:
        decimal = "."
    elif decimal is None and has_commas and plain == {","}:
        decimal = ","
    elif decimal is None:
        unclear = column.str.contains("[.,]").fill_null(False)
        remedy = 'set decimal = "," or decimal = "." in [data]: the other mark is then one between thousands'
        _refuse(sheet, column.name, unclear, "a plain decimal mark", remedy)
    return next(reading for reading in readings if reading.decimal == decimal)


def _check_numbers(sheet, column, marks):
    """A column of numbers, all of them finite, where null is what is missing."""
    polars = load_polars()
    if column.dtype.is_decimal():
        column = column.cast(polars.Float64)
    if numbers := _as_numbers(marks):
        column = column.set(column.cast(polars.Float64).is_in(numbers).fill_null(False), None)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        is_infinite = column.is_infinite().fill_null(False)
        if is_infinite.any():
            _refuse(sheet, column.name, is_infinite, "a finite number", "mend the file, or leave out the row")
    return column


def _as_numbers(marks):
    """Those of some marks that are numbers: by -999, -999.0 is meant too."""
    numbers = []
    for mark in marks:
        with suppress(ValueError):
            numbers.append(float(mark))
    return numbers


def _refuse(sheet, name, cells, expected, remedy):
    """Raise an error of some cells of a column, of which it names the first."""
    first = cells.arg_max()
    value = sheet.cells[name][first]
    got = "an empty cell" if value is None else repr(str(value))
    raise ConfigurationError(
        f"{sheet.place(first, name)}: expected {expected}, got {got} ({cells.sum()} of {len(cells)} rows); "
        f"{remedy}"
    )


def _refuse_text(sheet, name, key, cells):
    is_date = _DATE.fullmatch(str(sheet.cells[name].filter(cells).first()).strip())
    kind, how = ("dates", ", such as days since the first,") if is_date else ("text", "")
    remedy = f"it is a column of {kind}: convert it to numbers{how} or name other columns by {key} in [data]"
    _refuse(sheet, name, cells, "a column of numbers", remedy)


def _refuse_strings(sheet, key, column):
    """Raise an error of the strings that are no numbers by the reading that fits most."""
    cells = min((no_numbers(column, reading) for reading in READINGS), key=lambda cells: cells.sum())
    if 2 * cells.sum() > len(column) - column.null_count():
        _refuse_text(sheet, column.name, key, cells)
    values = column.filter(cells).unique(maintain_order=True).to_list()
    marks = json.dumps(values[:_SHOWN] + ["..."] * (len(values) > _SHOWN), ensure_ascii=False)
    remedy = (
        f"if no number is known there, set missing = {marks} and drop_missing = true in [data]; otherwise "
        f"mend the file, or name other columns by {key}"
    )
    _refuse(sheet, column.name, cells, "a number", remedy)


def _refuse_missing(sheet, columns, keys, is_missing, every_row):
    name = next(name for name in columns if columns[name].null_count())
    key = keys[name]
    if every_row:
        remedy = "each row is to get its prediction: fill in the value, or leave the row out of the file"
    elif is_missing.all():
        remedy = f"no row is without missing values: name other columns by {key} in [data]"
    else:
        remedy = (
            "that is a missing value: set drop_missing = true in [data] to leave out all rows with such, "
            f"{is_missing.sum()} of {len(is_missing)}, or name other columns by {key}"
        )
    with at(key):
        _refuse(sheet, name, columns[name].is_null(), "a number", remedy)
