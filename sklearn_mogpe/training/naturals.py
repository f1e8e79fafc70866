"""Gaussian q in natural parameters."""

from typing import NamedTuple

import tensorflow as tf

from ..mixture_of_experts import MixtureOfSVGPExperts


class Naturals(NamedTuple):
    """Natural parameters of ``q(v) = N(m, P^-1)`` of the L latent functions of a mixture, experts first.

    Attributes
    ----------
    linear : tensor of shape (L, M)
        ``P m``.
    precision : tensor of shape (L, M, M)
        ``P``.
    """

    linear: tf.Tensor
    precision: tf.Tensor


def naturals_of_q(model: MixtureOfSVGPExperts) -> Naturals:
    """Natural parameters of a model's q; its GPs have equally many inducing points."""
    m = tf.transpose(tf.concat([gp.q_mu for gp in model.gps], 1))
    R = tf.concat([gp.q_sqrt for gp in model.gps], 0)
    # P = R^-T R^-1
    inverse = tf.linalg.triangular_solve(R, _eye(R))
    P = tf.matmul(inverse, inverse, transpose_a=True)
    return Naturals(tf.linalg.matvec(P, m), P)


def assign_naturals(model: MixtureOfSVGPExperts, naturals: Naturals) -> tf.Tensor:
    """Give the model the q of some natural parameters, if it is finite; return whether it is."""
    # With the order of rows reversed, a Cholesky factor is an upper triangular root U: P = U U^T, and P^-1 =
    # U^-T U^-1 has the lower triangular root U^-T.
    U = tf.reverse(tf.linalg.cholesky(tf.reverse(naturals.precision, [-2, -1])), [-2, -1])
    roots = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(U, _eye(U), lower=False))
    means = tf.linalg.matvec(roots, tf.linalg.matvec(roots, naturals.linear, transpose_a=True))
    finite = tf.reduce_all(tf.math.is_finite(means)) & tf.reduce_all(tf.math.is_finite(roots))
    sizes = [gp.num_latent_gps for gp in model.gps]
    for gp, mean, root in zip(model.gps, tf.split(means, sizes), tf.split(roots, sizes), strict=True):
        gp.q_mu.assign(tf.where(finite, tf.transpose(mean), gp.q_mu))
        gp.q_sqrt.assign(tf.where(finite, root, gp.q_sqrt))
    return finite


def mean_of(C: tf.Tensor, linear: tf.Tensor) -> tf.Tensor:
    """``m = P^-1 (P m)`` of shape (..., M), with ``P = C C^T``."""
    half = tf.linalg.triangular_solve(C, linear[..., None])
    return tf.linalg.triangular_solve(C, half, adjoint=True)[..., 0]


def _eye(matrices):
    L, M = tf.shape(matrices)[0], tf.shape(matrices)[1]
    return tf.eye(M, batch_shape=[L], dtype=matrices.dtype)
