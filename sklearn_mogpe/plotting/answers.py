"""What an estimator says of inputs, and one output of it."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from ..predictive.arrays import Array, Mixture
from ..predictive.unwrap import last_step, unwrap
from .grid import Grid


def ask(estimator: Any, method: str, X: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a mixture at X, which the earlier steps transform if the mixture ends a pipeline.

    Raises
    ------
    TypeError
        If the estimator lacks the method.
    """
    if not hasattr(regressor := last_step(estimator), method):
        raise TypeError(
            f"Expected a MoGPERegressor, a pipeline that ends with one, or a search over one with refit, got "
            f"{type(regressor).__name__}; in place of a TransformedTargetRegressor, transform y before the "
            "fit."
        )
    return getattr(regressor, method)(unwrap(estimator, X)[1], *args, **kwargs)


def predict_mixture(estimator: Any, X: Any, output: int) -> Mixture:
    """Weights, means and standard deviations of one output at X, each of shape (n, n_experts)."""
    weights, means, stds = ask(estimator, "predict_mixture", X)
    return weights, select_output(means, 2, output), select_output(stds, 2, output)


def drawn_inducing_inputs(estimator: Any, X: Any, grid: Grid) -> tuple[list[Array], list[Array]]:
    """Inducing inputs at the drawn features, as two lists: those of each expert, and those of the gate.

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
    drawn = [Z[:, grid.features] for Z in regressor.inducing_inputs_]
    return drawn[: regressor.n_experts_], drawn[regressor.n_experts_ :]


def select_output(values: Any, n_leading: int, output: int) -> Array:
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


def select_target(y: Any, output: int) -> tuple[Array | None, str]:
    """One output of y, of shape (m,) or None if y is, and its name: that of its column, or ``"y"``."""
    if y is None:
        return None, "y"
    values = select_output(y, 1, output)
    name = y.columns[output] if hasattr(y, "columns") else getattr(y, "name", None)
    return values, name if name and isinstance(name, str) else "y"
