"""Covariance matrices of many kernels, batched where the kernels allow it."""

import gpflow
import tensorflow as tf
from gpflow import kernels as gk
from gpflow.inducing_variables import InducingPoints, InducingVariables

from .numerics import safe_sqrt

# Correlation as a function of the squared scaled distance r2 (Rasmussen and Williams 2006, chapter 4.2).
CORRELATIONS = {
    gk.SquaredExponential: lambda r2: tf.exp(-0.5 * r2),
    gk.Matern12: lambda r2: tf.exp(-safe_sqrt(r2)),
    gk.Matern32: lambda r2: _matern32(safe_sqrt(3.0 * r2)),
    gk.Matern52: lambda r2: _matern52(safe_sqrt(5.0 * r2)),
}


def _matern32(a):
    return (1.0 + a) * tf.exp(-a)


def _matern52(a):
    return (1.0 + a + tf.square(a) / 3.0) * tf.exp(-a)


def covariances(
    kernels: list[gk.Kernel], variables: list[InducingVariables], X: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Prior covariances of G Gaussian processes at their inducing variables and at X.

    Kernels of one stationary class over all inputs are evaluated in one batch; any other set of GPflow
    kernels and inducing variables one by one, through GPflow's dispatch.

    Parameters
    ----------
    kernels : list of G gpflow kernels
    variables : list of G inducing variables, M points each
    X : tensor of shape (N, D)

    Returns
    -------
    Kuu : tensor of shape (G, M, M), without jitter
    Kuf : tensor of shape (G, M, N)
    Kff_diag : tensor of shape (G, N)
    """
    if _can_batch(kernels, variables):
        return _batched(kernels, variables, X)
    pairs = list(zip(kernels, variables, strict=True))
    return (
        tf.stack([gpflow.covariances.Kuu(z, k, jitter=0.0) for k, z in pairs]),
        tf.stack([gpflow.covariances.Kuf(z, k, X) for k, z in pairs]),
        tf.stack([k(X, full_cov=False) for k, _ in pairs]),
    )


def _can_batch(kernels, variables):
    (kind, *others) = {type(kernel) for kernel in kernels}
    return (
        not others
        and kind in CORRELATIONS
        and all(_takes_all_columns(kernel) for kernel in kernels)
        and all(type(variable) is InducingPoints for variable in variables)
    )


def _takes_all_columns(kernel):
    return isinstance(kernel.active_dims, slice) and kernel.active_dims == slice(None)


def _batched(kernels, variables, X):
    D = tf.shape(X)[-1]
    lengthscales = tf.stack([tf.broadcast_to(kernel.lengthscales, [D]) for kernel in kernels])[:, None, :]
    variance = tf.stack([tf.convert_to_tensor(kernel.variance) for kernel in kernels])[:, None]
    Z = tf.stack([tf.convert_to_tensor(variable.Z) for variable in variables]) / lengthscales  # [G, M, D]
    X = X[None] / lengthscales  # [G, N, D]
    correlation = CORRELATIONS[type(kernels[0])]
    Kuu = variance[:, None] * correlation(_squared_distance(Z, Z))
    Kuf = variance[:, None] * correlation(_squared_distance(Z, X))
    return Kuu, Kuf, tf.broadcast_to(variance, tf.shape(X)[:2])


def _squared_distance(A, B):
    # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b, which rounding can push below zero
    a2 = tf.reduce_sum(tf.square(A), -1)
    b2 = tf.reduce_sum(tf.square(B), -1)
    return tf.maximum(a2[:, :, None] + b2[:, None, :] - 2.0 * tf.matmul(A, B, transpose_b=True), 0.0)
