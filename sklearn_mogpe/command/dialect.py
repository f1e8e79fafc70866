"""The dialect of a CSV file: its encoding, separator, comments and names, found in its first lines."""

import codecs
import csv
import re
from collections.abc import Iterable
from itertools import islice
from statistics import mode
from typing import Any, NamedTuple

from ..descriptions.errors import ConfigurationError
from .options import MISSING, Options

# In order of preference. Spaces come last: they are often beside another separator.
SEPARATORS = (",", ";", "\t", "|", " ")
SAMPLE_LINES = 100

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_EXCEL_SEPARATOR = re.compile(r'\s*"?sep=(.)"?[;,\t]*(?=\n)', re.IGNORECASE)
# Excel's errors are values, not comments.
_COMMENT = r"#(?!N/A|NA\b|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)|%"
_NUMBER = re.compile(
    r"[+-]?([0-9]+([.,][0-9]+)*\.?|[.,][0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?", re.IGNORECASE
)


class Dialect(NamedTuple):
    """How a text is divided into cells.

    Attributes
    ----------
    separator : str
        Of cells, ``" "`` for any number of spaces and tabs.
    names : list of str
        Of columns, empty for those that have none.
    begin : int
        The place in the text at which the rows begin.
    notes : list of str
        What was found that a reader of the file may have meant otherwise.
    """

    separator: str
    names: list[str]
    begin: int
    notes: list[str]


def decode(raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Make a text of bytes, with line feeds alone at the ends of its lines.

    Parameters
    ----------
    raw : bytes
    encoding : str, default=None
        None to find it: by a byte order mark, UTF-8 if the bytes are such, otherwise that of Windows.

    Returns
    -------
    text, encoding : str

    Raises
    ------
    ConfigurationError
        If the bytes are of another encoding.
    """
    if encoding is None:
        encoding = next((name for bom, name in _BOMS if raw.startswith(bom)), None) or _guess(raw)
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"expected text in {encoding}, got {error}; set encoding in [data] to that of the file"
        ) from error
    if "\0" in text:
        raise ConfigurationError(
            f'expected text, got zero bytes in {encoding}; set encoding in [data], such as "utf-16-le"'
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def find_dialect(text: str, options: Options) -> tuple[str, Dialect]:
    """Find how a text is divided into cells, by its first lines.

    Returns
    -------
    text : str
        With spaces in place of what is no row, so that all else is where it was.
    dialect : Dialect

    Raises
    ------
    ConfigurationError
        If there is no row.
    """
    whole = text
    said = _EXCEL_SEPARATOR.match(text)
    if said:
        text = " " * said.end() + text[said.end() :]
    text, n_comments = _blank_comments(text, options.comment)
    lines = list(islice(_LINE.finditer(text), SAMPLE_LINES))
    if not lines:
        raise ConfigurationError("expected rows, got none")
    sample = [line[0] for line in lines]
    separator = options.separator or (said[1] if said else _best_separator(sample))
    head = whole[said.end() if said else 0 : lines[0].start()]
    comments = [line.strip() for line in head.split("\n") if line.strip()]
    names, has_header, notes = _find_names(list(records(sample, separator)), separator, comments)
    if n_comments:
        notes.append(f"comment lines, those that begin with {options.comment or '# or %'}: {n_comments}")
    begin = lines[0].start()
    if has_header:
        header = records(sample, separator)
        next(header)
        begin = lines[header.line_num].start() if header.line_num < len(lines) else len(text)
    return text, Dialect(separator, names, begin, notes)


def records(lines: Iterable[str], separator: str) -> Any:
    """Rows of cells as strings, of lines of a text; the reader knows how many lines it has taken."""
    if separator == " ":
        lines = (collapse_spaces(line) for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def collapse_spaces(text: str) -> str:
    """One space for any number of spaces and tabs, none at the ends of lines."""
    return re.sub(r"(?m)^ | $", "", re.sub(r"[ \t]+", " ", text))


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number, with any decimal mark."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def _guess(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"  # Latin-1, with letters in place of characters that nobody writes
    return "utf-8"


def _blank_comments(text, comment):
    if comment == "":
        return text, 0
    pattern = rf"(?m)^[ \t]*(?:{_COMMENT if comment is None else re.escape(comment)}).*$"
    return re.subn(pattern, lambda found: " " * len(found[0]), text)


def _best_separator(sample):
    """That which divides most lines into the same number of cells, most of them numbers."""
    scores = {separator: _score(sample, separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: scores[separator])  # the first of the best


def _score(sample, separator):
    rows = list(records(sample, separator))
    counts = [len(row) for row in rows]
    width = mode(counts)
    # With spaces, a row with a cell less has lost its place.
    if width == 1 or (separator == " " and not {*counts[1:]} <= {width}):
        return 0.0, 0.0
    same = counts.count(width) / len(rows)
    cells = [cell.strip() for row in rows[1:] or rows for cell in row]
    n_numbers = sum(is_number(cell) or (cell != "" and cell.lower() in MISSING) for cell in cells)
    return same * n_numbers / len(cells), same


def _find_names(rows, separator, comments):
    """Names of columns, whether the first row holds them, and what there is to say of that."""
    first = [cell.strip() for cell in rows[0]]
    if not _is_data(first):
        return (["", *first] if _has_row_names(rows, separator) else first), True, []
    width = mode(len(row) - (row[-1].strip() == "") for row in rows)
    if comments:  # as numpy.savetxt writes them
        names = [cell.strip() for cell in next(records([comments[-1].lstrip("#%!/ \t")], separator), [])]
        if len(names) == width and not any(map(is_number, names)):
            return names, False, [f"names of the columns: from the comment {comments[-1]!r}"]
    names = [f"column_{place + 1}" for place in range(width)]
    return names, False, [f"no header: the columns are {names[0]} to {names[-1]}"]


def _is_data(cells):
    """Whether cells are no header; but an empty one before numbers, such as years, is that of an index."""
    numbers = [is_number(cell) for cell in cells]
    missing = [cell.lower() in MISSING for cell in cells]
    return any(numbers) and all(map(max, numbers, missing)) and cells[0] != ""


def _has_row_names(rows, separator):
    """Whether the rows have a cell more than the header, their names, as R writes them.

    Not with commas, which may be decimal; and only if the names are no numbers, or count the rows.
    """
    body = rows[1:]
    if separator == "," or {len(row) for row in body} != {len(rows[0]) + 1}:
        return False
    names = [row[0].strip() for row in body]
    are_names = names == [str(place + 1) for place in range(len(names))] or not any(map(is_number, names))
    return are_names and any(row[-1].strip() for row in body)
