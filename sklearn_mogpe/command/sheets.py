"""Tables in files, read by Polars: their cells as they are, and where each of them is."""

import csv
import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from ..descriptions.errors import ConfigurationError
from .dialect import Dialect, collapse_spaces, decode, find_dialect, records
from .options import Options

# pandas calls columns so that have no name.
_UNNAMED = re.compile(r"Unnamed: \d+")


class Sheet(NamedTuple):
    """A table as it is in a file.

    Attributes
    ----------
    path : Path
    cells : polars.DataFrame
        Of a text, columns of strings.
    is_text : bool
    unnamed : list of str
        The columns that have no name in the file.
    notes : list of str
        How the file was read.
    row : callable
        Tells where a row is, as ``"line 7"``.
    """

    path: Path
    cells: Any
    is_text: bool
    unnamed: list[str]
    notes: list[str]
    row: Callable[[int], str]

    def place(self, row: int, name: str) -> str:
        """Where a cell is, for errors."""
        return f"{self.path}, {self.row(row)}, column {name!r}"


def read_sheet(path: Path, options: Options) -> Sheet:
    """Read a CSV or a Parquet file.

    Raises
    ------
    ConfigurationError
        If it is damaged, or its rows or names are not as expected.
    OSError
        If it cannot be read.
    ImportError
        If Polars is not installed.
    """
    polars = load_polars()
    raw = path.read_bytes()
    if path.suffix.lower() == ".csv":
        sheet = _read_text(path, raw, options)
    else:
        try:
            cells = polars.read_parquet(BytesIO(raw))
        except polars.exceptions.PolarsError as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
        sheet = Sheet(path, cells, False, [], [f"{path}: {cells.height} rows"], _count_row)
    if not sheet.cells.height:
        raise ConfigurationError(f"{path} cannot be read: expected rows, got none")
    unnamed = [name for name in sheet.cells.columns if name in sheet.unnamed or _UNNAMED.fullmatch(name)]
    return sheet._replace(unnamed=unnamed)


def load_polars():
    """Polars, which takes a while to import, and need not be there.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        return import_module("polars")
    except ImportError as error:
        raise ImportError(
            'Expected Polars, for CSV and Parquet files; install it by pip install "sklearn-mogpe[command]".'
        ) from error


def _read_text(path, raw, options):
    try:
        text, encoding = decode(raw, options.encoding)
        text, dialect = find_dialect(text, options)
    except (ConfigurationError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    cells = _divide(path, text, dialect)
    row = partial(_line, text, dialect)
    _check_widths(path, cells, dialect, row)
    # Columns without a name are those of empty cells, after a separator at the end of lines, or an index.
    names = {
        str(place): name or f"column_{place + 1}"
        for place, name in enumerate(dialect.names)
        if name or _is_filled(cells[str(place)]).any()
    }
    several = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    if several:
        raise ConfigurationError(
            f"{path}: expected columns of different names, got several {several}; rename them"
        )
    unnamed = [name for place, name in names.items() if not dialect.names[int(place)]]
    how = f"{path}: {cells.height} rows, separator {dialect.separator!r}, encoding {encoding}"
    return Sheet(path, cells.select(list(names)).rename(names), True, unnamed, [how, *dialect.notes], row)


def _divide(path, text, dialect):
    """Cells as strings, in columns that are numbered, with one more for what is too much."""
    polars = load_polars()
    separator, around = dialect.separator, re.escape(dialect.separator)
    blank = "[ ]*" if separator == "\t" else r"[ \t]*"
    body = re.sub(rf"\n(?:{blank}\n)+", "\n", f"{text[dialect.begin :]}\n").rstrip("\n")
    if separator == " ":
        body = collapse_spaces(body)
    quote = None
    if '"' in body:
        # Spaces around quotation marks: Polars would take both for the value.
        body = re.sub(rf'(?m)(^|{around})[ ]+(?=")', r"\1", body)
        body = re.sub(rf'(?m)"[ ]+(?={around}|$)', '"', body)
        # Inches and seconds are no quotation marks, which begin a cell.
        quote = '"' if re.search(rf'(?m)(?:^|{around})"', body) else None
    header = separator.join(map(str, range(len(dialect.names) + 1)))
    try:
        cells = polars.read_csv(
            BytesIO(f"{header}\n{body}".encode()),
            separator=separator,
            quote_char=quote,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
        n_rows = sum(1 for _ in records(body.split("\n"), separator)) if quote else cells.height
    except (polars.exceptions.PolarsError, csv.Error) as error:
        odd = (number for number, line in enumerate(text.split("\n"), 1) if line.count('"') % 2)
        raise ConfigurationError(
            f"{path} cannot be read: {str(error).splitlines()[0]}; expected quotation marks around cells, "
            f"the first line with an odd number of them is {next(odd, None)}"
        ) from error
    if cells.height != n_rows:  # some versions of Polars lose rows where cells are in quotation marks
        raise ConfigurationError(
            f"{path} cannot be read: expected {n_rows} rows, got {cells.height} by Polars "
            f"{polars.__version__}; update it, or write the file without quotation marks"
        )
    return cells


def _check_widths(path, cells, dialect, row):
    """That no row has too many cells, nor less where it cannot be seen which is missing."""
    separator, width = dialect.separator, len(dialect.names)
    beyond = _is_filled(cells[str(width)])
    if beyond.any():
        first = beyond.arg_max()
        raise ConfigurationError(
            f"{path}, {row(first)}, column {width + 1}: expected no more cells than the first line has, got "
            f"{cells[str(width)][first]!r} ({beyond.sum()} of {len(beyond)} rows); the separator is taken to "
            f"be {separator!r}: set separator in [data] to another, put quotation marks around decimal "
            "commas, or set comment to how lines begin that are no rows"
        )
    short = ~_is_filled(cells[str(width - 1)])
    if separator == " " and short.any():
        raise ConfigurationError(
            f"{path}, {row(short.arg_max())}, column {width}: expected a cell, got none ({short.sum()} of "
            f"{len(short)} rows); set separator in [data] if it is not spaces, or mark missing values by NA"
        )


def _is_filled(column):
    return column.str.strip_chars().fill_null("") != ""


def _line(text: str, dialect: Dialect, row: int) -> str:
    first = text.count("\n", 0, dialect.begin) + 1
    reader = records(text[dialect.begin :].split("\n"), dialect.separator)
    before = 0
    for cells in reader:
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            if row == 0:
                break
            row -= 1
        before = reader.line_num
    return f"line {first + before}"


def _count_row(row):
    return f"row {row + 1}"
