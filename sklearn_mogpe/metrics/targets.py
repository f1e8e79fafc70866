"""Densities of y from those of a transformed y, by the change of variables."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.differentiate import derivative
from scipy.special import logit
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from ..data.isolation import isolated
from ..predictive.arrays import Array, Mixture

# log |dz / dy| of z = t(y). What is not here has a numerical derivative.
LOG_SLOPES: dict[Any, Callable[[Array], Array]] = {
    np.log: lambda y: -np.log(y),
    np.log2: lambda y: -np.log(y * np.log(2.0)),
    np.log10: lambda y: -np.log(y * np.log(10.0)),
    np.log1p: lambda y: -np.log1p(y),
    np.exp: lambda y: y,
    np.expm1: lambda y: y,
    np.sqrt: lambda y: -0.5 * np.log(4.0 * y),
    np.square: lambda y: np.log(2.0 * np.abs(y)),
    np.arcsinh: lambda y: -np.log(np.hypot(1.0, y)),
    logit: lambda y: -np.log(y) - np.log1p(-y),
}

# How far there and back again may miss, as parts of the value and of the largest one.
MISS, MISS_OF_LARGEST = 1e-6, 1e-9

# First steps of numerical derivatives, in standard deviations, and the relative errors that they aim at and
# that are let pass.
STEPS, AIM, LET_PASS = (0.5, 0.05, 0.005, 50.0), 1e-10, 1e-6

# Points at which a transformation is looked at from one end to the other, and halvings to find an end.
LOOKS, HALVINGS = 201, 60

# The last part of the way to an end: what is infinite there goes most of its way in this part.
LAST_PART = 1e-3

REMEDY = (
    "try PowerTransformer(), or a strictly monotone func with its inverse_func for all y that may come, such "
    "as func=np.log1p, inverse_func=np.expm1 for y above -1"
)


class Target:
    """What a chain did to y before the regressor at its end saw it: z = t(y), each output by itself.

    Parameters
    ----------
    transformers : sequence of fitted transformers
        Of columns, in the order in which they act on y.
    """

    def __init__(self, transformers: Sequence[Any]):
        self.steps = [step for transformer in transformers for step in _steps(transformer)]

    def take_scales(self, mixture: Mixture) -> Mixture:
        """The mixture before the last steps that only shift and scale, which this target then no longer has.

        Parameters
        ----------
        mixture : arrays of shape (n, K), (n, K, P) and (n, K, P)

        Returns
        -------
        arrays of the same shapes
        """
        weights, means, stds = mixture
        while self.steps and (slope := _constant_slope(self.steps[-1])) is not None:
            step = self.steps.pop()
            # z = a y + b: mean_y = t^-1(mean_z), std_y = std_z / |a|
            means = _columns(step.inverse_transform(means.reshape(-1, means.shape[2]))).reshape(means.shape)
            stds = stds / np.abs(slope)
        return weights, means, stds

    @isolated
    def transform(self, y: Array, n_rows: int) -> Array:
        """Transformed y, of shape (n, P) as y.

        Raises
        ------
        ValueError
            If there are not as many rows or outputs as there should be, if y cannot be regained from what it
            is transformed to, or if an output depends on another one.
        """
        _, n_outputs = y.shape
        expected = n_rows, getattr(self.steps[0], "n_features_in_", n_outputs)
        if y.shape != expected:
            raise ValueError(
                f"Expected y_true of shape (n, P), that is {expected}, got {y.shape}. Try to predict at the "
                "rows of y_true."
            )
        z = self._forward(y)
        if z.shape != y.shape:
            raise ValueError(f"Expected a transformed y of shape {y.shape}, got {z.shape}; {REMEDY}.")
        if not np.all(finite := np.isfinite(z)):
            raise ValueError(
                "Expected a transformation of y that is finite, got one that takes "
                f"{y[~finite][0]:g} to {z[~finite][0]:g}; {REMEDY}."
            )
        again = self._inverse(z)
        if np.any(bad := ~_close(again, y)):
            raise ValueError(
                "Expected a transformation of y that is one-to-one and undone by its inverse, got one that "
                f"takes {y[bad][0]:g} to {z[bad][0]:g}, and this to {again[bad][0]:g}; {REMEDY}."
            )
        for p in range(n_outputs):
            others = 0.999 * y
            others[:, p] = y[:, p]
            if not np.allclose(self._forward(others)[:, p], z[:, p], rtol=1e-9, atol=1e-12):
                raise ValueError(f"Expected a transformation of each output by itself, got a mix; {REMEDY}.")
            _check_monotone(y[:, p], z[:, p])
        return z

    @isolated
    def log_slope(self, y: Array, z: Array, stds: Array) -> Array:
        """``log |dz / dy|`` at y, the sum over outputs, of shape (n,).

        In closed form if all steps have one, or else by differences, with an estimated relative error of at
        most 1e-6, and of 1e-10 where the transformation is smooth.

        Parameters
        ----------
        y, z : arrays of shape (n, P)
            Before and after the transformation.
        stds : array of shape (n, P)
            Over which the inverse is smooth: standard deviations of z.

        Raises
        ------
        ValueError
            If there is no derivative.
        """
        slopes = np.zeros(y.shape)
        for step in self.steps:
            known = _closed_form(step, y)
            if known is None:
                return np.sum([self._numerical(p, z, stds[:, p]) for p in range(z.shape[1])], axis=0)
            slopes, y = slopes + known, _columns(step.transform(y))
        return slopes.sum(axis=1)

    @isolated
    def inverse(self, z: Array, low: Array, high: Array) -> Array:
        """Values of y for transformed ones, those beyond the reach of the transformation moved to its end.

        Parameters
        ----------
        z : array of shape (..., P)
        low, high : arrays of shape (P,)
            As :meth:`reach` returns them.

        Returns
        -------
        array of shape (..., P)
        """
        return self._inverse(np.clip(z, low, high).reshape(-1, z.shape[-1])).reshape(z.shape)

    @isolated
    def reach(self, low: Array, high: Array, inside: Array) -> tuple[Array, Array]:
        """The part between two values of each transformed output that some y is transformed to.

        Parameters
        ----------
        low, high : arrays of shape (P,)
        inside : array of shape (P,)
            Values between, to which some y is transformed.

        Returns
        -------
        low, high : arrays of shape (P,)

        Raises
        ------
        ValueError
            If the transformation is not monotone in this part.
        """
        ends = [self._reach(p, inside, low[p], high[p]) for p in range(len(inside))]
        return np.array([end[0] for end in ends]), np.array([end[1] for end in ends])

    def _reach(self, p: int, inside: Array, low: float, high: float) -> tuple[float, float]:
        grid = np.unique(np.append(np.linspace(low, high, LOOKS), inside[p]))
        reached = self._is_reached(p, grid, inside)
        here = int(np.searchsorted(grid, inside[p]))
        first, last = here, here
        while first > 0 and reached[first - 1]:
            first -= 1
        while last < len(grid) - 1 and reached[last + 1]:
            last += 1
        low = low if first == 0 else self._end(p, inside, grid[first], grid[first - 1])
        high = high if last == len(grid) - 1 else self._end(p, inside, grid[last], grid[last + 1])
        grid = np.concatenate([[low], grid[first : last + 1], [high]])
        _check_monotone(grid, self._one_inverse(p, grid, inside))
        return low, high

    def _end(self, p: int, inside: Array, reached: float, beyond: float) -> float:
        """The last value that is reached, by bisection; y has to be finite there."""
        for _ in range(HALVINGS):
            middle = 0.5 * (reached + beyond)
            if self._is_reached(p, np.array([middle]), inside)[0]:
                reached = middle
            else:
                beyond = middle
        near = reached - LAST_PART * (reached - inside[p])
        start, before, end = self._one_inverse(p, np.array([inside[p], near, reached]), inside)
        if abs(end - before) > 0.5 * abs(end - start):
            raise ValueError(
                "Expected a transformation of y that is finite where the model sees probability, got one "
                f"whose inverse is infinite at {reached:g}, and with it this score; try neg_nlpd; or func="
                "np.log, inverse_func=np.exp for y above 0, and np.arcsinh and np.sinh for any y."
            )
        return reached

    def _is_reached(self, p: int, z: Array, inside: Array) -> Array:
        """Whether some y is transformed to each of the values (m,) of an output."""
        y = self._one_inverse(p, z, inside)
        result = np.isfinite(y)
        rows = np.tile(self._inverse(inside[None]), (len(y), 1))
        rows[result, p] = y[result]
        try:
            back = self._forward(rows)[:, p]
        except ValueError:  # of a transformer that says no to some value
            if len(z) == 1:
                return np.array([False])
            return np.concatenate([self._is_reached(p, value, inside) for value in z[:, None]])
        return result & np.isclose(back, z, rtol=1e-6, atol=1e-6 * np.abs(z - inside[p]).max(initial=1e-300))

    def _numerical(self, p: int, z: Array, stds: Array) -> Array:
        """``-log |dy / dz|`` of an output at its z, of shape (n,)."""
        slope, error = np.full(len(z), np.nan), np.full(len(z), np.inf)
        for step in STEPS:
            left = ~(error <= LET_PASS * np.abs(slope))
            if not np.any(left):
                break
            found = derivative(
                lambda values: self._one_inverse(p, values.ravel(), z[0]).reshape(values.shape),
                z[left, p],
                initial_step=step * stds[left],
                tolerances={"rtol": AIM, "atol": 0.0},
            )
            slope[left], error[left] = found.df, found.error
        if np.any(bad := ~((error <= LET_PASS * np.abs(slope)) & (slope != 0.0))):
            raise ValueError(
                "Expected a transformation of y with a derivative, got one that has none where y is "
                f"transformed to {z[bad, p][0]:g}; try neg_crps, which needs none, or a smooth one, such as "
                "PowerTransformer()."
            )
        return -np.log(np.abs(slope))

    def _one_inverse(self, p: int, values: Array, others: Array) -> Array:
        """Of values (m,) of one output, beside values (P,) of the others, which do not matter."""
        z = np.tile(others, (len(values), 1))
        z[:, p] = values
        return self._inverse(z)[:, p]

    def _forward(self, y: Array) -> Array:
        with _quiet():
            for step in self.steps:
                y = _columns(step.transform(y))
        return y

    def _inverse(self, z: Array) -> Array:
        with _quiet():
            for step in reversed(self.steps):
                z = _columns(step.inverse_transform(z))
        return z


@contextmanager
def _quiet() -> Iterator[None]:
    """For values that may be out of reach, which is looked at afterwards."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _steps(transformer: Any) -> Iterator[Any]:
    """What it does, one after another."""
    if isinstance(transformer, FrozenEstimator):
        yield from _steps(transformer.estimator)
    elif isinstance(transformer, Pipeline):
        for _, step in transformer.steps:
            yield from _steps(step)
    elif transformer not in ("passthrough", None):
        yield transformer


def _constant_slope(step: Any) -> Any:
    """Slope of a transformer that only shifts and scales, a number or of shape (P,); None of any other."""
    if type(step) is FunctionTransformer and step.func is None and step.inverse_func is None:
        return 1.0
    if type(step) not in (StandardScaler, RobustScaler, MaxAbsScaler, MinMaxScaler) or getattr(
        step, "clip", False
    ):
        return None
    scale = 1.0 if step.scale_ is None else step.scale_
    return scale if type(step) is MinMaxScaler else 1.0 / scale


def _closed_form(step: Any, y: Array) -> Any:
    """``log |dz / dy|`` at y (n, P); None if it is not known."""
    if (slope := _constant_slope(step)) is not None:
        return np.log(np.abs(slope))
    if type(step) is FunctionTransformer and not step.kw_args and step.func in LOG_SLOPES:
        return LOG_SLOPES[step.func](y)
    return None


def _check_monotone(x: Array, values: Array) -> None:
    """Refuse values (m,) that both rise and fall, by more than rounding, with ascending x (m,)."""
    steps = np.diff(values[np.argsort(x)])
    least = 1e-9 * np.abs(steps).max(initial=0.0)
    if np.any(steps > least) and np.any(steps < -least):
        raise ValueError(f"Expected a monotone transformation of y, got one that rises and falls; {REMEDY}.")


def _close(found: Array, expected: Array) -> Array:
    return np.abs(found - expected) <= MISS * np.abs(expected) + MISS_OF_LARGEST * np.abs(expected).max(
        axis=0
    )


def _columns(values: Any) -> Array:
    """An array (n, P) of floats, of what may be a table or one-dimensional."""
    values = np.asarray(values, dtype=np.float64)
    return values.reshape(len(values), -1)
