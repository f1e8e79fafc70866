"""The rows that ``[data]`` and ``[split]`` of a file name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length

from .. import datasets
from ..descriptions.errors import ConfigurationError, at, check_count, check_keys, choose
from .cells import to_numbers
from .columns import check_suffix, read_archive, take_columns, to_frame
from .options import TABLE_KEYS, TEXT_KEYS, Options, read_options
from .sheets import read_sheet

# Names of the arrays of an archive that hold the features and the targets, unless others are named.
FEATURES, TARGET = "X", "y"

# Keys that name columns or arrays.
USED = ("features", "target", "sample_weight", "y_std")

MADE = {
    "step": datasets.make_step,
    "two_branches": datasets.make_two_branches,
    "two_regimes": datasets.make_two_regimes,
}
LOADED = {"motorcycle": datasets.load_motorcycle}

TEST_SIZE = 0.25


class Data(NamedTuple):
    """Rows, and the names by which they were taken from a file.

    Attributes
    ----------
    X : array or table of shape (n, D)
    y : array of shape (n,) or (n, P)
    sample_weight : array of shape (n,) or None
    y_std : array of shape (n,) or (n, P) or None
    features, target : list of str
    notes : list of str
        How they were read, for those who have the file.
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    y_std: np.ndarray | None
    features: list[str]
    target: list[str]
    notes: list[str]

    def take(self, places) -> tuple:
        """X, y, sample weights and known errors of the rows at some places."""
        optional = (None if part is None else part[places] for part in (self.sample_weight, self.y_std))
        return self.X[places], self.y[places], *optional


def read_data(config: dict) -> Data:
    """Read the rows that a table describes.

    Parameters
    ----------
    config : dict
        ``path`` of a file or name of a ``dataset``; ``features``, ``target``, ``sample_weight`` and
        ``y_std``, names of columns or arrays; for data that are made, ``n_samples`` and ``random_state``; for
        tables, how their cells are read, see :class:`Options`.

    Raises
    ------
    ConfigurationError
        If a key, a value or a cell is not as expected.
    """
    check_keys(config, ("path", "dataset", *USED, "n_samples", "random_state", *TABLE_KEYS))
    if ("path" in config) == ("dataset" in config):
        raise ConfigurationError(f"expected either path or dataset, got {sorted(config)}")
    _check_kind(config)
    if _is_table(config.get("path")):
        used, columns, notes = _read_table(config)
        X = to_frame(columns, used["features"])
    else:
        used, columns, notes = _read_arrays(config)
        with at("features"):
            X = take_columns(columns, used["features"])
    y, sample_weight, y_std = (_take(columns, used, key) for key in ("target", "sample_weight", "y_std"))
    check_consistent_length(X, y, sample_weight, y_std)
    return Data(X, y, sample_weight, y_std, used["features"], used["target"], notes)


def read_features(path, features: Sequence[str], options: Options) -> tuple[Any, list[str]]:
    """Read features from a file, each of whose rows is to be predicted.

    Parameters
    ----------
    path : path-like
    features : sequence of str
        Names of columns or arrays.
    options : Options
        How the cells of a table are read.

    Returns
    -------
    X : array or table of shape (n, D)
    notes : list of str
        How they were read.

    Raises
    ------
    ConfigurationError
        If a column is not there or a cell is no number.
    """
    if not _is_table(path):
        with at("features"):
            return take_columns(read_archive(path), features), []
    sheet = read_sheet(Path(path), options)
    columns, notes = to_numbers(sheet, {"features": features}, options, every_row=True)
    return to_frame(columns, features), [*sheet.notes, *notes]


def split(config: dict, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows to train on, and of those that are held out.

    Parameters
    ----------
    config : dict
        ``test_size``, a part of the rows or their number, 0 for none; ``random_state``.
    data : Data

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    check_keys(config, ("test_size", "random_state"))
    everything = np.arange(len(data.y))
    test_size = config.get("test_size", TEST_SIZE)
    random_state = _random_state(config)
    if test_size == 0 and not isinstance(test_size, bool):
        return everything, everything[:0]
    with at("test_size"):
        if isinstance(test_size, bool):
            raise ConfigurationError(f"expected a number, got {test_size!r}")
        parts = train_test_split(everything, test_size=test_size, random_state=random_state)
    return np.sort(parts[0]), np.sort(parts[1])


def _read_table(config):
    options = read_options(config)
    with at("path"):
        sheet = read_sheet(Path(config["path"]), options)
    used = _name_columns(config, sheet.cells.columns)
    unnamed = [name for name in used["features"] if name in sheet.unnamed]
    if "features" not in config and unnamed:
        named = json.dumps([name for name in used["features"] if name not in unnamed], ensure_ascii=False)
        raise ConfigurationError(
            f"{sheet.path}: {unnamed[0]!r} has no name in the file, and may only count the rows; name the "
            f"columns to use, such as features = {named}",
            "features",
        )
    columns, notes = to_numbers(sheet, used, options)
    if "features" not in config:
        counting = [name for name in used["features"] if _counts_rows(columns[name], sheet.cells.height)]
        notes += [f"{name!r} counts the rows; if it is no feature, set features" for name in counting]
    return used, columns, [*sheet.notes, *notes]


def _read_arrays(config):
    """Of an archive, or made."""
    if "path" in config:
        with at("path"):
            columns = read_archive(config["path"])
        notes = [f"{config['path']}: arrays {', '.join(columns)}"]
    else:
        columns, notes = _make(config), []
    used = _name_columns(config, columns)
    others = [name for name in used["features"] if name != FEATURES]
    if "features" not in config and FEATURES in used["features"]:
        used["features"] = [FEATURES]
        notes += (
            [f"{FEATURES!r} holds the features, others are not used: {', '.join(others)}"] if others else []
        )
    return used, columns, notes


def _name_columns(config, names):
    """Names of columns by the keys that ask for them; the features are those that nothing else asks for."""
    used = {"target": _names(config, "target", [TARGET])}
    used |= {key: _names(config, key, []) for key in ("sample_weight", "y_std")}
    rest = [name for name in names if name not in {name for names in used.values() for name in names}]
    used = {"features": _names(config, "features", rest), **used}
    if not used["features"]:
        raise ConfigurationError(f"expected some of the columns {list(names)}, got none", "features")
    return used


def _take(columns, used, key):
    with at(key):
        return take_columns(columns, used[key]) if used[key] else None


def _counts_rows(column, n_rows):
    """Whether a column counts the rows of a file, some of which may have been left out."""
    steps = np.diff(column)
    return (
        len(steps) > 1 and (steps >= 1).all() and (column % 1 == 0).all() and column[-1] - column[0] < n_rows
    )


def _is_table(path):
    return path is not None and check_suffix(path) != ".npz"


def _check_kind(config):
    """That there are no keys of other kinds of data."""
    if "path" not in config:
        kind, foreign = "rows that are made", TABLE_KEYS
    else:
        with at("path"):
            if not isinstance(config["path"], str):
                raise ConfigurationError(f"expected the name of a file, got {config['path']!r}")
            suffix = check_suffix(config["path"])
        made = ("n_samples", "random_state")
        foreign = {".csv": made, ".parquet": (*made, *TEXT_KEYS), ".npz": (*made, *TABLE_KEYS)}[suffix]
        kind = f"a file that ends with {suffix}"
    for key in foreign:
        if key in config:
            raise ConfigurationError(f"expected none for {kind}", key)


def _make(config):
    with at("dataset"):
        name = choose(config["dataset"], (*MADE, *LOADED))
    options = {}
    if name in MADE:
        options = {"random_state": _random_state(config)}
        if "n_samples" in config:
            options["n_samples"] = check_count(config, "n_samples", 0)
        X, y = MADE[name](**options)
    else:
        X, y = LOADED[name](return_X_y=True)
    return {FEATURES: X, TARGET: y}


def _random_state(config):
    random_state = config.get("random_state", 0)
    if isinstance(random_state, bool) or not isinstance(random_state, int) or random_state < 0:
        raise ConfigurationError(f"expected an integer of 0 or more, got {random_state!r}", "random_state")
    return random_state


def _names(config, key, default):
    names = config.get(key, default)
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"expected a name or a list of names, got {names!r}", key)
    return names
