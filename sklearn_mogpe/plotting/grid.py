"""Inputs on a line or a plane through the space of the features, and what an estimator says there."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..wrapped import last_step, unwrap

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
    """

    rows: object
    coordinates: tuple[np.ndarray, ...]
    features: list[int]
    names: list[str]

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Values of shape (n, ...) as (n1, ...) or (n1, n2, ...)."""
        return values.reshape(*map(len, self.coordinates), *values.shape[1:])


def make_grid(estimator, X, features=None, fixed=None, grid_resolution=None, margin=0.05) -> Grid:
    """Spread rows over the range of one or two features, the others held.

    Parameters
    ----------
    estimator
        Fitted; if it has feature names, so has the grid.
    X : array-like of shape (n_rows, n_features)
        Gives the ranges, and the medians.
    features : int, str or sequence of one or two of these, default=None
        Columns to draw over, by number or name. None is all, of which there must be one or two.
    fixed : dict of feature to float, default=None
        Values at which other features are held. Those not named are held at their median in X.
    grid_resolution : int, default=None
        Points along each drawn feature. None is 200 for one feature, 60 for two.
    margin : float, default=0.05
        How far the grid reaches beyond X on each side, as a part of the range of X.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If the features cannot be drawn over.
    """
    names = getattr(estimator, "feature_names_in_", None)
    values = np.asarray(X, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"Expected X of shape (n_rows, n_features), got shape {values.shape}.")
    D = values.shape[1]
    labels = [str(name) for name in names] if names is not None else default_names(D)
    features = _drawn_features(features, labels)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    for j in features:
        if not low[j] < high[j]:
            raise ValueError(
                f"Expected at least two distinct values of {labels[j]} in X, got {low[j]:g} only."
            )
    reach = margin * (high - low)
    n_points = RESOLUTIONS[len(features)] if grid_resolution is None else grid_resolution
    coordinates = tuple(np.linspace(low[j] - reach[j], high[j] + reach[j], n_points) for j in features)

    rows = np.tile(np.nanmedian(values, axis=0), (n_points ** len(features), 1))
    for feature, value in (fixed or {}).items():
        rows[:, _column(feature, labels)] = value
    for j, column in zip(features, np.meshgrid(*coordinates, indexing="ij"), strict=True):
        rows[:, j] = column.ravel()
    if names is not None:
        rows = table_like(X, rows, names)
    return Grid(rows, coordinates, features, [labels[j] for j in features])


def default_names(n_features: int) -> list[str]:
    """Names of features that have none."""
    return ["x"] if n_features == 1 else [f"x{j}" for j in range(n_features)]


def check_coordinates(coordinates, *values):
    """Arrays that a display is made of, once their shapes are found to fit.

    Parameters
    ----------
    coordinates : sequence of one or two array-likes, of shapes (n1,) and (n2,)
    *values : array-like of shape (n1, k) or (n1, n2, k)

    Returns
    -------
    coordinates : tuple of arrays
    *values : arrays

    Raises
    ------
    ValueError
        If a shape is another.
    """
    coordinates = tuple(np.asarray(part, dtype=float) for part in coordinates)
    if len(coordinates) not in (1, 2) or any(part.ndim != 1 for part in coordinates):
        raise ValueError(
            "Expected coordinates of one or two features, each of shape (n,), got "
            f"{len(coordinates)} of shapes {[part.shape for part in coordinates][:3]}; of one, pass (x,)."
        )
    values = [np.asarray(value, dtype=float) for value in values]
    shape = *map(len, coordinates), values[0].shape[-1]
    for value in values:
        if value.shape != shape:
            raise ValueError(f"Expected values of shape {shape} at the coordinates, got {value.shape}.")
    return coordinates, *values


def ask(estimator, method: str, X, *args, **kwargs):
    """Call a method of a mixture at X, which the earlier steps transform if the mixture ends a pipeline.

    Raises
    ------
    TypeError
        If the estimator lacks the method.
    """
    if not hasattr(regressor := last_step(estimator), method):
        raise TypeError(
            f"Expected a MoGPERegressor, a pipeline that ends with one, or a search over one with refit, got "
            f"{type(regressor).__name__}, which has no {method}; in place of a TransformedTargetRegressor, "
            "transform y before the fit."
        )
    return getattr(regressor, method)(unwrap(estimator, X)[1], *args, **kwargs)


def drawn_inducing_inputs(estimator, X, grid: Grid) -> list[np.ndarray]:
    """Inducing inputs of a mixture at the drawn features: those of each expert, then those of the gate.

    Raises
    ------
    ValueError
        If the mixture ends a pipeline that transforms X: its inducing inputs are in other units.
    """
    regressor, transformed = unwrap(estimator, X)
    if transformed is not X:
        raise ValueError(
            "Expected a MoGPERegressor without steps before it, to draw its inducing inputs in the units of "
            "X, got a pipeline; set inducing_points=False, or draw its last step and transformed rows."
        )
    return [Z[:, grid.features] for Z in regressor.inducing_inputs_]


def name_of_target(y) -> str:
    """Name of a column of a table, or ``"y"``."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) else "y"


def select_output(values: np.ndarray, n_leading: int, output: int) -> np.ndarray:
    """One output of values whose last axis is that of the outputs, or which have none.

    Parameters
    ----------
    values : array of shape (...) or (..., n_outputs)
    n_leading : int
        Number of axes before that of the outputs.
    output : int

    Raises
    ------
    ValueError
        If there is no such output.
    """
    values = np.asarray(values, dtype=float)
    values = values[..., None] if values.ndim == n_leading else values
    n_outputs = values.shape[-1]
    if not isinstance(output, Integral) or not 0 <= output < n_outputs:
        raise ValueError(f"Expected an output from 0 to {n_outputs - 1}, got {output!r}.")
    return values[..., output]


def _drawn_features(features, labels):
    """Columns of the features to draw over."""
    if features is None:
        features = range(len(labels))
    elif isinstance(features, str | Integral):
        features = [features]
    columns = [_column(feature, labels) for feature in features]
    if len(columns) not in (1, 2) or len(set(columns)) < len(columns):
        raise ValueError(
            f"Expected one feature or two different ones to draw over, got {[labels[j] for j in columns]}; "
            "choose by features, such as features=[0] or features=[0, 1]. The others are held at their "
            "medians, or where fixed says."
        )
    return columns


def table_like(X, rows, names):
    """Rows with names: in a table of the kind of X, or of pandas if X is none."""
    if hasattr(X, "columns"):
        kind = type(X)
    else:
        from pandas import DataFrame as kind
    return kind(dict(zip(names, rows.T, strict=True)))


def _column(feature, labels):
    """Column of a feature that is given by number or name."""
    if isinstance(feature, Integral) and 0 <= feature < len(labels):
        return int(feature)
    if feature in labels:
        return labels.index(feature)
    raise ValueError(f"Expected a feature from 0 to {len(labels) - 1} or one of {labels}, got {feature!r}.")
