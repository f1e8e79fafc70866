"""Functions whose derivatives stay finite, or cost fewer passes over memory than automatic ones.

Derivatives of higher order than the first are right for :func:`safe_sqrt` only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

# What a function under tf.custom_gradient returns, of which its caller gets the first.
WithGradient = tuple[Any, Callable[..., Any]]


def safe_sqrt(x: tf.Tensor) -> tf.Tensor:
    """Square root of x, of any shape, with derivative 0 at 0, where the true one is infinite."""
    return tf.sqrt(tf.maximum(x, 1e-36))


@tf.custom_gradient
def squared_norms(A: tf.Tensor) -> WithGradient:
    """Squared lengths of columns, of shape (..., N), of A (..., M, N)."""
    return tf.reduce_sum(tf.square(A), -2), lambda upstream: 2.0 * upstream[..., None, :] * A


def whiten(Kuu: tf.Tensor, Kuf: tf.Tensor, jitter: tf.Tensor) -> tf.Tensor:
    """``A = L^-1 K_uf`` with ``K_uu + (jitter + eps tr K_uu) I = L L^T``, eps the precision's.

    The larger a matrix, the more of it is lost by rounding; the last term makes up for that. What is of the
    size of K_uf may be in single precision, while what is of the size of K_uu is in double.

    Parameters
    ----------
    Kuu : tensor of shape (..., M, M)
    Kuf : tensor of shape (..., M, N)
    jitter : float or scalar tensor
        A constant.

    Returns
    -------
    tensor of shape (..., M, N)
    """
    eps = np.finfo(Kuu.dtype.as_numpy_dtype).eps

    @tf.custom_gradient
    def function(Kuu: tf.Tensor, Kuf: tf.Tensor) -> WithGradient:
        L = factor(Kuu, jitter)
        A = _solve(L, Kuf)

        def gradient(dA: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # With Phi the lower triangle with its diagonal halved (Murray 2016, "Differentiation of the
            # Cholesky decomposition"): dK_uf = L^-T dA,  dK_uu = -L^-T Phi(dA A^T) L^-1
            dKuf = _solve(L, dA, adjoint=True)
            outer = tf.cast(tf.matmul(dA, A, transpose_b=True), L.dtype)
            outer = tf.linalg.band_part(outer, -1, 0)
            phi = tf.linalg.set_diag(outer, 0.5 * tf.linalg.diag_part(outer))
            left = tf.linalg.triangular_solve(L, phi, adjoint=True)
            dKuu = tf.linalg.triangular_solve(L, tf.linalg.matrix_transpose(left), adjoint=True)
            dtrace = eps * tf.linalg.trace(dKuu)[..., None]
            return -tf.linalg.set_diag(dKuu, tf.linalg.diag_part(dKuu) + dtrace), dKuf

        return A, gradient

    return function(Kuu, Kuf)


def factor(Kuu: tf.Tensor, jitter: Any) -> tf.Tensor:
    """The factor L of :func:`whiten`, of the shape of Kuu."""
    rounding = np.finfo(Kuu.dtype.as_numpy_dtype).eps * tf.linalg.trace(Kuu)[..., None]
    diagonal = tf.linalg.diag_part(Kuu) + tf.convert_to_tensor(jitter, Kuu.dtype) + rounding
    return tf.linalg.cholesky(tf.linalg.set_diag(Kuu, diagonal))


def inverse_factor(Kuu: tf.Tensor, jitter: Any) -> tf.Tensor:
    """``L^-1`` of :func:`whiten`, of the shape of Kuu."""
    L = factor(Kuu, jitter)
    return tf.linalg.triangular_solve(L, identity_like(L))


def _solve(L: tf.Tensor, right: tf.Tensor, adjoint: bool = False) -> tf.Tensor:
    """``L^-1 right``, or ``L^-T right``; in another precision than L's as a product, which costs less."""
    if right.dtype == L.dtype:
        return tf.linalg.triangular_solve(L, right, adjoint=adjoint)
    inverse = tf.linalg.triangular_solve(L, identity_like(L))
    return tf.matmul(tf.cast(inverse, right.dtype), right, adjoint_a=adjoint)


def identity_like(matrices: tf.Tensor) -> tf.Tensor:
    """Identity matrices, as many and as large as some square ones."""
    return tf.linalg.diag(tf.ones_like(tf.linalg.diag_part(matrices)))


@tf.custom_gradient
def projected_moments(A: tf.Tensor, m: tf.Tensor, R: tf.Tensor) -> WithGradient:
    """Means and variances of ``A^T v`` with ``v ~ N(m, R R^T)``, column by column.

    Parameters
    ----------
    A : tensor of shape (G, M, N)
    m : tensor of shape (G, F, M)
        Of F functions for each A.
    R : tensor of shape (G, F, M, M)

    Returns
    -------
    mean, variance : tensors of shape (G, F, N)
    """
    F, M, N = tf.shape(m)[1], tf.shape(A)[1], tf.shape(A)[2]
    # mean = m^T A,  variance = |R^T A|^2; the functions of an A side by side are one matrix product
    columns = _side_by_side(R)  # [G, M, F M]
    W = tf.reshape(tf.matmul(columns, A, transpose_a=True), [-1, F, M, N])

    def gradient(dmean: tf.Tensor, dvariance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # dA = sum_f m dmean^T + 2 R (R^T A) diag(dvariance)
        V = tf.concat([2.0 * dvariance[:, :, None, :] * W, dmean[:, :, None, :]], 2)  # [G, F, M + 1, N]
        V = tf.reshape(V, [-1, F * (M + 1), N])
        both = _side_by_side(tf.concat([R, m[..., None]], 3))  # [G, M, F (M + 1)]
        dboth = tf.reshape(tf.matmul(A, V, transpose_b=True), [-1, M, F, M + 1])
        dboth = tf.transpose(dboth, [0, 2, 1, 3])
        return tf.matmul(both, V), dboth[..., -1], dboth[..., :-1]

    return (tf.matmul(m, A), tf.reduce_sum(tf.square(W), -2)), gradient


def _side_by_side(R: tf.Tensor) -> tf.Tensor:
    G, F, M, width = tf.unstack(tf.shape(R))
    return tf.reshape(tf.transpose(R, [0, 2, 1, 3]), [G, M, F * width])


def log_sum_exp(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Logarithm of the sum of exponentials of x, of any shape, along an axis, which is kept with length 1."""

    @tf.custom_gradient
    def function(x: tf.Tensor) -> WithGradient:
        largest = tf.reduce_max(x, axis, keepdims=True)
        terms = tf.exp(x - largest)
        total = tf.reduce_sum(terms, axis, keepdims=True)
        return largest + tf.math.log(total), lambda upstream: terms * (upstream / total)

    return function(x)


def log_softmax(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Logarithms, of the shape of x, of any shape, of the exponentials' parts in their sum along an axis."""

    @tf.custom_gradient
    def function(x: tf.Tensor) -> WithGradient:
        result = x - log_sum_exp(x, axis)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream - tf.exp(result) * tf.reduce_sum(upstream, axis, keepdims=True)

        return result, gradient

    return function(x)
