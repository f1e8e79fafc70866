"""TOML files of tables, of which ``[estimator]`` holds an estimator's parameters by their names in Python.

The tables ``[data]``, ``[split]`` and ``[output]`` are for the command ``sklearn-mogpe train``, see
:mod:`sklearn_mogpe.command`.
"""

import inspect
import io
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tomli_w

from .errors import ConfigurationError, at, check_keys, check_table, make_at

SUFFIXES_OF_DATA = (".csv", ".parquet", ".npz")
TABLES = ("data", "estimator", "output", "split")


@contextmanager
def naming(path) -> Iterator[None]:
    """Name the file in errors of what is in it."""
    try:
        yield
    except (ConfigurationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{os.fspath(path)}: {error}") from error


def read_tables(path) -> dict[str, dict]:
    """Read a file's tables; those that are missing are empty.

    Raises
    ------
    ConfigurationError
        If the file is no TOML, data for one, or has anything else.
    OSError
        If it cannot be read.
    """
    if Path(path).suffix.lower() in SUFFIXES_OF_DATA:
        raise ConfigurationError(
            f'expected a TOML file, got data; try one with [data], path = "{os.fspath(path)}" and '
            'target = "...", see sklearn-mogpe example'
        )
    content = check_keys(tomllib.loads(Path(path).read_text(encoding="utf-8")), TABLES)
    return {name: make_at(check_table, content, name, {}) for name in TABLES}


def describe_estimator(estimator) -> dict:
    """The parameters of an estimator that differ from their defaults, as plain data.

    Raises
    ------
    ConfigurationError
        If one is of another kind, such as a function.
    """
    signature = inspect.signature(type(estimator).__init__).parameters
    table = {}
    for name, value in estimator.get_params(deep=False).items():
        default = signature[name].default
        if value is not default:
            with at(name):
                plain = plain_data(value)
            usual = list(default) if isinstance(default, tuple) else default
            if type(plain) is not type(usual) or plain != usual:
                table[name] = plain
    return table


def write_tables(path, tables: dict) -> None:
    """Write tables into a file, see :func:`replacing`."""
    with replacing(path) as new:
        new.write_text(tomli_w.dumps(tables), encoding="utf-8")


def write_arrays(path, **arrays) -> None:
    """Write arrays into an NPZ file, see :func:`replacing`."""
    content = io.BytesIO()  # a zip archive that a disk refuses complains once more, when it is deleted
    np.savez(content, **arrays)
    with replacing(path) as new:
        new.write_bytes(content.getvalue())


@contextmanager
def replacing(path) -> Iterator[Path]:
    """Where to write what then takes the place of a file, all at once: until then, that stays as it was."""
    path = Path(path)
    new = path.with_name(f"{os.getpid()}-{path.name}")
    try:
        yield new
        with new.open("rb+") as file:  # else the name might be on the disk before the content
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def plain_data(value):
    """Return a value with lists for arrays and tuples, and Python's numbers for NumPy's.

    Raises
    ------
    ConfigurationError
        If there is anything in it that a file cannot hold.
    """
    if isinstance(value, dict):
        return {str(key): make_at(plain_data, value, key) for key in value}
    if isinstance(value, np.ndarray | np.generic):
        return plain_data(value.tolist())
    if isinstance(value, list | tuple):
        parts = dict(enumerate(value))
        return [make_at(plain_data, parts, place) for place in parts]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str | bool | int | float):
        return value
    raise ConfigurationError(f"expected numbers, strings, lists and dicts, as files hold them, got {value!r}")
