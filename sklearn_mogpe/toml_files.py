"""Estimators in TOML files: the table ``[estimator]`` holds the parameters, by their names in Python.

A file may also have the tables ``[data]``, ``[split]`` and ``[output]``, which the command
``sklearn-mogpe train`` reads, see :mod:`sklearn_mogpe.command`.
"""

import inspect
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tomli_w
from sklearn.utils._param_validation import validate_parameter_constraints

from .configuration import ConfigurationError, at, check_keys, check_table

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
        If the file is no TOML or has anything else.
    OSError
        If it cannot be read.
    """
    content = check_keys(tomllib.loads(Path(path).read_text(encoding="utf-8")), TABLES)
    tables = {}
    for name in TABLES:
        with at(name):
            tables[name] = check_table(content.get(name, {}))
    return tables


def make_estimator(cls: type, table: dict):
    """Make an estimator of a table of its parameters.

    Raises
    ------
    ConfigurationError
        If a key is unknown, or a value is none that a fit would take.
    """
    check_keys(table, cls._get_param_names())
    for name, value in table.items():
        constraints = cls._parameter_constraints[name]
        with at(name):
            if isinstance(value, bool) and not {"boolean", "verbose"} & set(map(str, constraints)):
                raise ConfigurationError(f"expected no true or false, got {value!r}")
            validate_parameter_constraints({name: constraints}, {name: value}, cls.__name__)
    estimator = cls(**table)

    from .training.check import check_model  # imports TensorFlow, which takes seconds

    check_model(estimator)
    return estimator


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
                plain = _plain(value)
            if type(plain) is not type(default) or plain != default:
                table[name] = plain
    return table


def write_tables(path, tables: dict) -> None:
    """Write tables into a file, at once: who is stopped while writing leaves no part of it."""
    path = Path(path)
    new = path.with_name(f"{os.getpid()}-{path.name}")
    new.write_text(tomli_w.dumps(tables), encoding="utf-8")
    new.replace(path)


class TomlMixin:
    """An estimator that can be read from TOML files, and written."""

    @classmethod
    def from_toml(cls, path):
        """Make an estimator, not fitted, of the table ``[estimator]`` in a TOML file.

        Other tables are for the command ``sklearn-mogpe train``.

        Parameters
        ----------
        path : path-like
            Of a file in which the table has parameters by their names; those that are missing have their
            defaults. Experts are described one by one in tables ``[[estimator.experts]]``, the gate in
            ``[estimator.gating_network]``.

        Returns
        -------
        estimator

        Raises
        ------
        sklearn_mogpe.configuration.ConfigurationError
            A ValueError that names the file, the key, and what is allowed, if a key is unknown or a value is
            not as expected. What only data can tell, such as the number of lengthscales, is left to ``fit``.
        OSError
            If the file cannot be read.
        """
        with naming(path):
            tables = read_tables(path)
            with at("estimator"):
                return make_estimator(cls, tables["estimator"])

    def to_toml(self, path):
        """Write the parameters that differ from their defaults into a TOML file, for ``from_toml``.

        Parameters
        ----------
        path : path-like
            A file that is there already is replaced.

        Returns
        -------
        self

        Raises
        ------
        sklearn_mogpe.configuration.ConfigurationError
            A ValueError, if a parameter is no plain data, such as a function or a RandomState.
        """
        write_tables(path, {"estimator": describe_estimator(self)})
        return self


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str | bool | int | float):
        return value
    raise ConfigurationError(
        f"expected numbers, strings, lists and dicts, which can be written into a file, got {value!r}"
    )
