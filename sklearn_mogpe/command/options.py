"""What a file says of how the cells of a table are read, where that is not plain."""

import codecs
from typing import NamedTuple

from ..descriptions.errors import ConfigurationError, at, check_bool

# Keys of text alone, and of every table.
TEXT_KEYS = ("separator", "decimal", "comment", "encoding")
TABLE_KEYS = (*TEXT_KEYS, "missing", "drop_missing")

# How programs mark a missing value, in small letters.
MISSING = (
    *("", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "-nan", "nat"),
    *("null", "none", "nil", "missing", "-", "--", "---", "?", ".", "*"),
)


class Options(NamedTuple):
    """How the cells of a table are read.

    Attributes
    ----------
    separator : str or None
        Of cells, ``" "`` for any number of spaces and tabs; None to find it.
    decimal : {".", ","} or None
        The decimal mark of columns in which it is not plain.
    missing : tuple of str
        Marks of missing values, beside the usual ones.
    comment : str or None
        How lines begin that are no rows; None for the usual marks, an empty one for none.
    drop_missing : bool
        Whether rows with missing values are left out.
    encoding : str or None
        Of the text, None to find it.
    """

    separator: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    comment: str | None = None
    drop_missing: bool = False
    encoding: str | None = None


def read_options(config: dict) -> Options:
    """Read how a table's cells are to be read; other keys are left alone.

    Raises
    ------
    ConfigurationError
        If a value is not as expected.
    """
    separator, decimal, comment, encoding = (_text(config, key) for key in TEXT_KEYS)
    if separator is not None and (len(separator) != 1 or not separator.isascii() or separator in '"\n\r'):
        raise ConfigurationError(f'expected one character, such as ";", got {separator!r}', "separator")
    if decimal not in (None, ".", ","):
        raise ConfigurationError(f'expected "." or ",", got {decimal!r}', "decimal")
    if encoding is not None:
        with at("encoding"):
            _check_encoding(encoding)
    missing = config.get("missing", [])
    missing = missing if isinstance(missing, list) else [missing]
    if not all(isinstance(mark, str | int | float) and not isinstance(mark, bool) for mark in missing):
        raise ConfigurationError(
            f"expected a mark of missing values or a list of them, got {missing}", "missing"
        )
    marks = tuple(str(mark).strip() for mark in missing)
    return Options(separator, decimal, marks, comment, check_bool(config, "drop_missing", False), encoding)


def _text(config, key):
    value = config.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"expected a string, got {value!r}", key)
    return value


def _check_encoding(name):
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ConfigurationError(
            f'expected an encoding, such as "utf-8" or "cp1252", got {name!r}'
        ) from error
