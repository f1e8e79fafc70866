"""Gaussian q in natural parameters."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import tensorflow as tf

from ...gps import SparseGP, assign_concatenated, joint_q
from ...gps.numerics import identity_like
from ...mixture_of_experts import MixtureOfSVGPExperts

Parts = TypeVar("Parts", bound=NamedTuple)


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
    q_mu, R = joint_q(model.gps)
    # P = R^-T R^-1
    inverse = tf.linalg.triangular_solve(R, identity_like(R))
    P = tf.matmul(inverse, inverse, transpose_a=True)
    return Naturals(tf.linalg.matvec(P, tf.transpose(q_mu)), P)


def assign_naturals(gps: Sequence[SparseGP], naturals: Naturals) -> tf.Tensor:
    """Give sparse GPs the q of some natural parameters, if it is finite; return whether it is."""
    # With the order of rows reversed, a Cholesky factor is an upper triangular root U: P = U U^T, and P^-1 =
    # U^-T U^-1 has the lower triangular root U^-T.
    U = tf.reverse(tf.linalg.cholesky(tf.reverse(naturals.precision, [-2, -1])), [-2, -1])
    roots = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(U, identity_like(U), lower=False))
    means = tf.linalg.matvec(roots, tf.linalg.matvec(roots, naturals.linear, transpose_a=True))
    finite = tf.reduce_all(tf.math.is_finite(means)) & tf.reduce_all(tf.math.is_finite(roots))
    sizes = [gp.num_latent_gps for gp in gps]
    for gp, mean in zip(gps, tf.split(means, sizes), strict=True):
        variable = gp.q_mu.unconstrained_variable
        variable.assign(tf.where(finite, tf.transpose(mean), variable))
    assign_concatenated([gp.q_sqrt for gp in gps], roots, finite)
    return finite


def mean_of(C: tf.Tensor, linear: tf.Tensor) -> tf.Tensor:
    """``m = P^-1 (P m)`` of shape (..., M), with ``P = C C^T``."""
    return tf.linalg.cholesky_solve(C, linear[..., None])[..., 0]


def move(old: Parts, new: Parts, step_size) -> Parts:
    """The average ``(1 - g) old + g new`` of tensors, part by part, for a step of length g."""
    parts = ((1.0 - step_size) * a + step_size * b for a, b in zip(old, new, strict=True))
    # Loops ask for the shapes that they began with, which a single latent function has partly fixed.
    return old._make(tf.ensure_shape(part, a.shape) for part, a in zip(parts, old, strict=True))
