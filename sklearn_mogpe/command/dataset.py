"""The rows that ``[data]`` and ``[split]`` of a file name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length

from .. import datasets
from ..descriptions.errors import ConfigurationError, at, check_count, check_keys, choose
from .columns import check_suffix, read_columns, take_columns, to_frame

# Names of the arrays that hold the features and the targets, unless others are named.
FEATURES, TARGET = "X", "y"

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
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    y_std: np.ndarray | None
    features: list[str]
    target: list[str]

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
        ``y_std``, names of columns or arrays; for data that are made, ``n_samples`` and ``random_state``.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    check_keys(
        config,
        ("path", "dataset", "features", "target", "sample_weight", "y_std", "n_samples", "random_state"),
    )
    if ("path" in config) == ("dataset" in config):
        raise ConfigurationError(f"expected either path or dataset, got {sorted(config)}")
    columns = _read_file(config) if "path" in config else _make(config)
    target = _names(config, "target", [TARGET])
    weight, error = (_names(config, key, []) for key in ("sample_weight", "y_std"))
    rest = [name for name in columns if name not in (*target, *weight, *error)]
    features = _names(config, "features", [FEATURES] if FEATURES in columns else rest)
    X = read_features(config.get("path"), columns, features)
    with at("target"):
        y = take_columns(columns, target)
    with at("sample_weight"):
        sample_weight = take_columns(columns, weight) if weight else None
    with at("y_std"):
        y_std = take_columns(columns, error) if error else None
    check_consistent_length(X, y, sample_weight, y_std)
    return Data(X, y, sample_weight, y_std, features, target)


def read_features(path, columns: Mapping[str, np.ndarray], features: list[str]):
    """Take features out of columns that were read from a file, if any; of a table, with their names."""
    with at("features"):
        if not features:
            raise ConfigurationError(f"expected some of the columns {list(columns)}, got none")
        X = take_columns(columns, features)
    is_table = path is not None and check_suffix(path) != ".npz"
    return to_frame(columns, features) if is_table else X


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


def _read_file(config):
    for key in ("n_samples", "random_state"):
        if key in config:
            raise ConfigurationError("expected none for a file, whose rows are there", key)
    with at("path"):
        if not isinstance(config["path"], str):
            raise ConfigurationError(f"expected the name of a file, got {config['path']!r}")
        return read_columns(config["path"])


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
