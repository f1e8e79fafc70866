"""Columns of numbers, side by side and into files: CSV and Parquet by Polars, NPZ by NumPy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..descriptions.errors import ConfigurationError
from ..descriptions.files import replacing, write_arrays
from .sheets import load_polars

SUFFIXES = (".csv", ".npz", ".parquet")


def read_archive(path) -> dict[str, np.ndarray]:
    """Read the arrays of an NPZ file by their names.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is damaged.
    """
    with np.load(path) as archive:
        return dict(archive)


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
        write_arrays(path, **columns)
        return
    table = load_polars().DataFrame(dict(columns))
    write = table.write_csv if suffix == ".csv" else table.write_parquet
    with replacing(path) as new:
        write(new)


def take_columns(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Return columns side by side, as numbers; of a single array, the array as it is.

    Raises
    ------
    ConfigurationError
        If one is not there or holds anything else than finite numbers.
    """
    parts = []
    for name in names:
        if name not in columns:
            raise ConfigurationError(f"expected a column {name!r}, got {list(columns)}")
        part = columns[name]
        if part.dtype.kind not in "fiub":
            example = next(iter(part.ravel()[:1].tolist()), None)
            raise ConfigurationError(f"expected columns of numbers, got {name!r} with {example!r}")
        if not np.isfinite(part).all():
            place = tuple(np.argwhere(~np.isfinite(part))[0].tolist())
            raise ConfigurationError(
                f"expected finite numbers, got {part[place]} in {name!r} at {list(place)}, leave out its row"
            )
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
    return load_polars().DataFrame({name: columns[name] for name in names})


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
