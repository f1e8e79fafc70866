"""Covariance matrices of many kernels, batched where the kernels allow it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gpflow
import numpy as np
import tensorflow as tf
from gpflow import kernels as gk
from gpflow.inducing_variables import InducingPoints, InducingVariables

from .numerics import WithGradient, safe_sqrt
from .stacking import stacked

# Largest input, as a part of the root of the largest number: the rest is for lengthscales and for sums.
FARTHEST = 1e-6


class Correlation(NamedTuple):
    """Correlation of a stationary kernel (Rasmussen and Williams 2006, chapter 4.2).

    Attributes
    ----------
    value : callable
        Of the squared scaled distance r2.
    log_slope : callable
        The derivative of the value's logarithm, of r2; a number where it is the same everywhere.
    """

    value: Callable[[tf.Tensor], tf.Tensor]
    log_slope: Callable[[tf.Tensor], Any]


def _rbf(r2: tf.Tensor) -> tf.Tensor:
    return tf.exp(-0.5 * r2)


def _rbf_log_slope(r2: tf.Tensor) -> float:
    return -0.5


def _matern12(r2: tf.Tensor) -> tf.Tensor:
    return tf.exp(-safe_sqrt(r2))


def _matern12_log_slope(r2: tf.Tensor) -> tf.Tensor:
    # which is infinite at 0; there r2 has the derivative 0 by the inputs
    return -0.5 * tf.math.divide_no_nan(tf.ones_like(r2), tf.sqrt(r2))


def _matern32(r2: tf.Tensor) -> tf.Tensor:
    a = safe_sqrt(3.0 * r2)
    return (1.0 + a) * tf.exp(-a)


def _matern32_log_slope(r2: tf.Tensor) -> tf.Tensor:
    return -1.5 / (1.0 + safe_sqrt(3.0 * r2))


def _matern52(r2: tf.Tensor) -> tf.Tensor:
    a = safe_sqrt(5.0 * r2)
    return (1.0 + a + tf.square(a) / 3.0) * tf.exp(-a)


def _matern52_log_slope(r2: tf.Tensor) -> tf.Tensor:
    a = safe_sqrt(5.0 * r2)
    return -5.0 / 6.0 * (1.0 + a) / (1.0 + a + tf.square(a) / 3.0)


CORRELATIONS = {
    gk.SquaredExponential: Correlation(_rbf, _rbf_log_slope),
    gk.Matern12: Correlation(_matern12, _matern12_log_slope),
    gk.Matern32: Correlation(_matern32, _matern32_log_slope),
    gk.Matern52: Correlation(_matern52, _matern52_log_slope),
}


def covariances(
    kernels: Sequence[gk.Kernel], variables: Sequence[InducingVariables], X: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Prior covariances of G Gaussian processes at their inducing variables and at X.

    Kernels of one stationary class over all inputs are evaluated in one batch; any other set of GPflow
    kernels and inducing variables one by one, through GPflow's dispatch.

    Parameters
    ----------
    kernels : list of G gpflow kernels
    variables : list of G inducing variables, M points each
    X : tensor of shape (N, D)
        In the precision of the parameters; or, where kernels are evaluated in one batch, in single precision.

    Returns
    -------
    Kuu : tensor of shape (G, M, M), without jitter
    Kuf : tensor of shape (G, M, N)
        In the precision of X, as the next.
    Kff_diag : tensor of shape (G, N)
    """
    X = _within_reach(X)
    if _can_batch(kernels, variables):
        return _batched(kernels, variables, X)
    pairs = list(zip(kernels, variables, strict=True))
    return (
        tf.stack([gpflow.covariances.Kuu(z, k, jitter=0.0) for k, z in pairs]),
        tf.stack([gpflow.covariances.Kuf(z, k, X) for k, z in pairs]),
        tf.stack([k(X, full_cov=False) for k, _ in pairs]),
    )


def _within_reach(X: tf.Tensor) -> tf.Tensor:
    """X, but no farther out than squares of scaled distances can be computed."""
    reach = FARTHEST * np.sqrt(np.finfo(tf.as_dtype(X.dtype).as_numpy_dtype).max)
    return tf.clip_by_value(X, -reach, reach)


def _can_batch(kernels: Sequence[gk.Kernel], variables: Sequence[InducingVariables]) -> bool:
    (kind, *others) = {type(kernel) for kernel in kernels}
    return (
        not others
        and kind in CORRELATIONS
        and all(takes_all_columns(kernel) for kernel in kernels)
        and all(type(variable) is InducingPoints for variable in variables)
    )


def takes_all_columns(kernel: gk.Kernel) -> bool:
    """Whether a kernel is over all inputs."""
    return isinstance(kernel.active_dims, slice) and kernel.active_dims == slice(None)


def _batched(
    kernels: Sequence[Any], variables: Sequence[Any], X: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    D = tf.shape(X)[-1]
    lengthscales = stacked([_one_each(kernel.lengthscales, D) for kernel in kernels])
    variance = stacked([kernel.variance for kernel in kernels])
    Z = stacked([variable.Z for variable in variables])
    correlation = CORRELATIONS[type(kernels[0])]
    distances = _squared_distances(Z, X, lengthscales)
    if correlation is CORRELATIONS[gk.Matern12]:
        scaled = [part / tf.cast(lengthscales[:, None], part.dtype) for part in (Z, X)]
        distances = [
            _without_rounding(r2, scaled[0], part) for r2, part in zip(distances, scaled, strict=True)
        ]
    Kuu, Kuf = (_scaled_correlation(correlation, variance, r2) for r2 in distances)
    return Kuu, Kuf, tf.tile(tf.cast(variance, X.dtype)[:, None], [1, tf.shape(X)[0]])


def _one_each(lengthscales: Any, D: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(lengthscales, [D]) if lengthscales.shape in ([], [1]) else lengthscales


@tf.custom_gradient
def _squared_distances(Z: tf.Tensor, X: tf.Tensor, lengthscales: tf.Tensor) -> WithGradient:
    """Squared scaled distances of Z (G, M, D) to Z, (G, M, M), and to X (N, D), (G, M, N).

    The lengthscales are of shape (G, D).
    """
    lengthscales = tf.expand_dims(lengthscales, 1)
    A, B = Z / lengthscales, tf.expand_dims(X, 0) / tf.cast(lengthscales, X.dtype)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b as one matrix product
    a2, b2 = (tf.reduce_sum(tf.square(C), -1, keepdims=True) for C in (A, B))
    ones = tf.ones_like(a2)
    left = tf.concat([-2.0 * A, a2, ones], -1)
    to_A, to_B = tf.concat([A, ones, a2], -1), tf.concat([B, tf.ones_like(b2), b2], -1)

    def gradient(U: tf.Tensor, V: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # dA = 2 (diag((U + U') 1 + V 1) A - (U + U') A - V B),  dB = 2 (diag(V' 1) B - V' A),
        # dl = -(A' dA + B' dB) / l,  with B' dB = 2 (sum of (V' 1) B^2 - A' (V B))
        U += tf.linalg.matrix_transpose(U)
        V1, VB = (tf.cast(part, A.dtype) for part in (tf.reduce_sum(V, 2, keepdims=True), tf.matmul(V, B)))
        columns = tf.expand_dims(tf.reduce_sum(V, 1), 2)
        dA = 2.0 * ((tf.reduce_sum(U, 2, keepdims=True) + V1) * A - tf.matmul(U, A) - VB)
        of_B = tf.cast(tf.reduce_sum(columns * tf.square(B), 1), A.dtype) - tf.reduce_sum(A * VB, 1)
        slope = tf.reduce_sum(A * dA, 1) + 2.0 * of_B
        dB = 2.0 * (columns * B - tf.matmul(V, tf.cast(A, V.dtype), transpose_a=True))
        dX = tf.reduce_sum(dB / tf.cast(lengthscales, X.dtype), 0)
        return dA / lengthscales, dX, -slope / tf.squeeze(lengthscales, 1)

    to_X = tf.matmul(tf.cast(left, X.dtype), to_B, transpose_b=True)
    return (tf.matmul(left, to_A, transpose_b=True), to_X), gradient


def _without_rounding(r2: tf.Tensor, A: tf.Tensor, B: tf.Tensor) -> tf.Tensor:
    """Squared distances of A and B, but 0 where they may be nothing but rounding.

    Its root would not be small: 1e-8 in place of 0, for a kernel whose value falls by that.
    """
    a2, b2 = (tf.reduce_sum(tf.square(tf.cast(part, r2.dtype)), -1) for part in (A, B))
    rounding = 4.0 * np.finfo(r2.dtype.as_numpy_dtype).eps * (a2[:, :, None] + b2[:, None, :])
    return tf.where(r2 < rounding, tf.zeros_like(r2), r2)


def _scaled_correlation(correlation: Correlation, variance: tf.Tensor, r2: tf.Tensor) -> tf.Tensor:
    """``variance * correlation(max(r2, 0))``, as rounding can push r2 below zero.

    The variance is of shape (G,), r2 of shape (G, M, N), and the result in the precision of r2.
    """

    @tf.custom_gradient
    def function(variance: tf.Tensor, r2: tf.Tensor) -> WithGradient:
        clipped = tf.maximum(r2, 0.0)
        value = tf.cast(variance, r2.dtype)[:, None, None] * correlation.value(clipped)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_log = upstream * value
            by_variance = tf.cast(tf.reduce_sum(by_log, [1, 2]), variance.dtype) / variance
            return by_variance, by_log * correlation.log_slope(clipped)

        return value, gradient

    return function(variance, r2)
