"""Columns of data in files: CSV and Parquet by Polars, NPZ by NumPy."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from ..descriptions.errors import ConfigurationError

SUFFIXES = (".csv", ".npz", ".parquet")


def read_columns(path) -> dict[str, np.ndarray]:
    """Read the columns of a table, or the arrays of an archive, by their names.

    Raises
    ------
    ConfigurationError
        If it is another kind of file.
    OSError
        If the file cannot be read.
    ValueError
        If the file is damaged.
    ImportError
        If it is a table, and Polars is not installed.
    """
    path = Path(path)
    suffix = check_suffix(path)
    if suffix == ".npz":
        with np.load(path) as archive:
            return dict(archive)
    with path.open("rb") as file:
        polars = _load_polars()
        try:
            table = polars.read_csv(file) if suffix == ".csv" else polars.read_parquet(file)
        except polars.exceptions.PolarsError as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
    return {name: table[name].to_numpy() for name in table.columns}


def write_columns(path, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns of numbers into a file of the kind that its name ends with.

    Raises
    ------
    ConfigurationError
        If it is another kind of file.
    ImportError
        If it is a table, and Polars is not installed.
    """
    suffix = check_suffix(path)
    if suffix == ".npz":
        np.savez(path, **columns)
        return
    table = _load_polars().DataFrame(dict(columns))
    if suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_parquet(path)


def take_columns(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Return columns side by side, as numbers; of a single array, the array as it is.

    Raises
    ------
    ConfigurationError
        If one is not there or holds no numbers.
    """
    parts = []
    for name in names:
        if name not in columns:
            raise ConfigurationError(f"expected some of the columns {list(columns)}, got {name!r}")
        part = columns[name]
        if part.dtype.kind not in "fiub":
            example = next(iter(part.ravel()), None)
            raise ConfigurationError(f"expected columns of numbers, got {name!r} with {example!r}")
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    try:
        return np.column_stack(parts)
    except ValueError as error:
        shapes = [part.shape for part in parts]
        raise ConfigurationError(f"expected columns of equal lengths, got shapes {shapes}") from error


def to_frame(columns: Mapping[str, np.ndarray], names: Sequence[str]):
    """A table of Polars with some of the columns."""
    return _load_polars().DataFrame({name: columns[name] for name in names})


def check_suffix(path) -> str:
    """Return how the name of a file ends, if it is a kind of file that is known.

    Raises
    ------
    ConfigurationError
        If it is not.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigurationError(f"expected a file that ends with one of {list(SUFFIXES)}, got {str(path)!r}")
    return suffix


def _load_polars():
    try:
        return import_module("polars")
    except ImportError as error:
        raise ImportError(
            'Expected Polars, for CSV and Parquet files; install it by pip install "sklearn-mogpe[command]".'
        ) from error
