"""Inputs on a line or a plane through the space of the features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from numbers import Integral, Number
from typing import Any, NamedTuple

import numpy as np

from ..predictive.arrays import Array

# Points along each drawn feature, for one and for two of them.
RESOLUTIONS = {1: 200, 2: 60}


class Grid(NamedTuple):
    """Rows to predict at.

    Attributes
    ----------
    rows : array or table of shape (n, n_features)
        The last of the drawn features changes fastest.
    coordinates : tuple of one or two arrays
        Values of the drawn features, of shapes (n1,) and (n2,), with n1 n2 = n.
    features : list of one or two int
        Their columns.
    names : list of str
        Their names.
    drawn : array of shape (m, 1) or (m, 2)
        Their values in the data.
    held : dict of str to value
        The other features, by name, and what they are held at.
    """

    rows: Any
    coordinates: tuple[Array, ...]
    features: list[int]
    names: list[str]
    drawn: Array
    held: dict[str, Any]

    def shaped(self, values: Array) -> Array:
        """Values of shape (n, ...) as (n1, ...) or (n1, n2, ...)."""
        return values.reshape(*map(len, self.coordinates), *values.shape[1:])


def make_grid(
    estimator: Any,
    X: Any,
    features: Any = None,
    fixed: Mapping[Any, Any] | None = None,
    grid_resolution: int | None = None,
    margin: float = 0.05,
) -> Grid:
    """Spread rows over the range of one or two features, the others held.

    Parameters
    ----------
    estimator
        Fitted; if it has feature names, so has the grid.
    X : array-like of shape (n_rows, n_features)
        Gives the ranges, and what other features are held at.
    features, fixed, grid_resolution, margin
        As of the displays.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If the features cannot be drawn over, or one of them is held.
    """
    columns = _columns(X)
    labels = _labels(estimator, len(columns))
    features = _drawn_features(features, columns, labels)
    held = {_column(feature, labels): value for feature, value in (fixed or {}).items()}
    for j in features:
        if j in held:
            raise ValueError(
                f"Expected features that are not drawn in fixed, got {labels[j]}, which is; leave it out, or "
                "choose others by features."
            )
    drawn = np.column_stack([columns[j].astype(float) for j in features])
    low, high = np.nanmin(drawn, axis=0), np.nanmax(drawn, axis=0)
    for j, least, greatest in zip(features, low, high, strict=True):
        if not least < greatest:
            raise ValueError(
                f"Expected at least two distinct values of {labels[j]} in X, got {least:g} only."
            )
    reach = margin * (high - low)
    n_points = RESOLUTIONS[len(features)] if grid_resolution is None else grid_resolution
    coordinates = tuple(np.linspace(low - reach, high + reach, n_points, axis=-1))

    n_rows = n_points ** len(features)
    held |= {j: _middle(columns[j]) for j in range(len(columns)) if j not in held and j not in features}
    meshes = dict(zip(features, np.meshgrid(*coordinates, indexing="ij"), strict=True))
    rows = [np.full(n_rows, held[j]) if j in held else meshes[j].ravel() for j in range(len(columns))]
    if hasattr(estimator, "feature_names_in_"):
        table = table_like(X, rows, estimator.feature_names_in_)
    else:
        numeric = all(np.can_cast(values.dtype, float) for values in rows)
        table = np.stack(rows, axis=1, dtype=float if numeric else object)
    names = [labels[j] for j in features]
    return Grid(table, coordinates, features, names, drawn, {labels[j]: held[j] for j in sorted(held)})


def varying_features(
    estimator: Any, X: Any, fixed: Iterable[Any] | None = None, at_most: int | None = 2
) -> list[int]:
    """Columns of the first features that are numbers, vary in X and are not held.

    Parameters
    ----------
    estimator
        Fitted.
    X : array-like of shape (n_rows, n_features)
    fixed : dict of feature to value, default=None
        The features that are held.
    at_most : int, default=2
        Number of features after which to stop. None is all.
    """
    columns = _columns(X)
    labels = _labels(estimator, len(columns))
    held = {_column(feature, labels) for feature in fixed or ()}
    varying = (
        j
        for j, column in enumerate(columns)
        if j not in held and _is_numeric(column) and np.nanmin(column) < np.nanmax(column)
    )
    return list(islice(varying, at_most))


def default_names(n_features: int) -> list[str]:
    """Names of features that have none."""
    return ["x"] if n_features == 1 else [f"x{j}" for j in range(n_features)]


def _drawn_features(features: Any, columns: Sequence[Array], labels: list[str]) -> list[int]:
    """Columns of the features to draw over."""
    if features is None:
        features = range(len(labels))
    elif isinstance(features, str | Integral):
        features = [features]
    features = [_column(feature, labels) for feature in features]
    if len(features) not in (1, 2) or len(set(features)) < len(features):
        raise ValueError(
            f"Expected one feature or two different ones to draw over, got {[labels[j] for j in features]}; "
            "choose by features, such as features=[0] or features=[0, 1]. The others are held at their "
            "medians, or where fixed says."
        )
    for j in features:
        if columns[j].dtype != bool and not _is_numeric(columns[j]):
            raise ValueError(
                f"Expected numbers in {labels[j]} to draw over, got values such as {columns[j][0]!r}; choose "
                "others by features."
            )
    return features


def table_like(X: Any, columns: Iterable[Any], names: Iterable[Any]) -> Any:
    """Columns with names, in a table of the kind of X, or of pandas if X is none."""
    if hasattr(X, "columns"):
        kind = type(X)
    else:
        import pandas

        kind = pandas.DataFrame
    return kind(dict(zip(names, columns, strict=True)))


def _columns(X: Any) -> list[Array]:
    """Columns of a table or an array, each of its own type."""
    if hasattr(X, "columns"):
        return [np.asarray(X[name]) for name in X.columns]
    # A list may hold numbers and words side by side: NumPy would make words of all.
    values = np.asarray(X, dtype=None if hasattr(X, "dtype") else object)
    if values.ndim != 2:
        raise ValueError(f"Expected X of shape (n_rows, n_features), got shape {values.shape}.")
    return list(values.T)


def _is_numeric(column: Array) -> bool:
    """Whether a column holds numbers and nothing else, whatever its type."""
    return np.issubdtype(column.dtype, np.number) or all(isinstance(value, Number) for value in column)


def _middle(column: Array) -> Any:
    """The median of numbers, the most frequent of other values."""
    if _is_numeric(column):
        return np.nanmedian(column.astype(float))
    return Counter(column).most_common(1)[0][0]


def _labels(estimator: Any, n_features: int) -> list[str]:
    """What the features are called."""
    names = getattr(estimator, "feature_names_in_", None)
    return default_names(n_features) if names is None else [str(name) for name in names]


def _column(feature: Any, labels: list[str]) -> int:
    """Column of a feature that is given by number or name."""
    if isinstance(feature, Integral) and 0 <= int(feature) < len(labels):
        return int(feature)
    if feature in labels:
        return labels.index(feature)
    raise ValueError(f"Expected a feature from 0 to {len(labels) - 1} or one of {labels}, got {feature!r}.")
