"""The marginals of sparse Gaussian processes at rows of data, all processes in one batch."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import gpflow
import tensorflow as tf

from .covariances import covariances
from .numerics import safe_sqrt
from .sparse_gp import SparseGP


class Marginals(NamedTuple):
    """Gaussian marginals of latent functions at N rows, with the variance in two parts.

    ``q(f_n) = N(mean, projected_variance + residual_variance)`` and
    ``p(f_n | u) = N(c(x_n) + A_n^T v, residual_variance)``: the projected variance is what is still unknown
    of the inducing variables, the residual variance what they leave open.

    Attributes
    ----------
    mean, projected_variance, residual_variance : tensors of shape (..., N)
    """

    mean: tf.Tensor
    projected_variance: tf.Tensor
    residual_variance: tf.Tensor

    @property
    def variance(self) -> tf.Tensor:
        """The whole variance, of shape (..., N)."""
        return self.projected_variance + self.residual_variance

    def project(self, points: tf.Tensor) -> tf.Tensor:
        """Values ``mean + sqrt(projected_variance) * points`` of the projections; points broadcast."""
        return self.mean + safe_sqrt(self.projected_variance) * points


class Projection(NamedTuple):
    """Latent functions with equally many inducing points, projected from their inducing variables to N rows.

    Attributes
    ----------
    gps : tuple of SparseGP
        With L latent functions in all.
    A : tensor of shape (L, M, N)
        ``chol(K_uu)^-1 K_uf``.
    prior_mean : tensor of shape (L, N)
        ``c(x)``.
    residual_variance : tensor of shape (L, N)
        ``k(x, x) - A^T A``, never negative.
    """

    gps: tuple[SparseGP, ...]
    A: tf.Tensor
    prior_mean: tf.Tensor
    residual_variance: tf.Tensor


def marginals(gps: Sequence[SparseGP], X: tf.Tensor, jitter=None) -> list[Marginals]:
    """Marginals of q(f) at X of several sparse GPs, computed together.

    Latent functions with the same number of inducing points go through one batched kernel evaluation, one
    Cholesky factorisation and one triangular solve; those that share a kernel and inducing variable share
    the factor.

    Parameters
    ----------
    gps : sequence of SparseGP
    X : tensor of shape (N, D)
    jitter : float or scalar tensor, default=None
        Added to the diagonal of ``K_uu``. None is GPflow's default.

    Returns
    -------
    list of Marginals
        One for each of ``gps``, of shape (L, N).
    """
    return projected_marginals(gps, project(gps, X, jitter))


def project(gps: Sequence[SparseGP], X: tf.Tensor, jitter=None) -> list[Projection]:
    """Whitened projections of sparse GPs at X: :func:`marginals` without q.

    Returns
    -------
    list of Projection
        One for each group of GPs that can be batched.
    """
    groups = defaultdict(list)
    for gp in gps:
        groups[gp.num_inducing, gp.q_diag].append(gp)
    jitter = gpflow.default_jitter() if jitter is None else jitter
    return [_project(tuple(group), X, jitter) for group in groups.values()]


def _project(gps, X, jitter):
    latents = [latent for gp in gps for latent in gp.latents]
    keys = [(id(kernel), id(variable)) for kernel, variable in latents]
    distinct = dict(zip(keys, latents, strict=True))
    Kuu, Kuf, Kff_diag = covariances([k for k, _ in distinct.values()], [z for _, z in distinct.values()], X)
    Kuu = tf.linalg.set_diag(Kuu, tf.linalg.diag_part(Kuu) + jitter)
    # A = L^-1 K_uf,  r = k(x, x) - A^T A
    A = tf.linalg.triangular_solve(tf.linalg.cholesky(Kuu), Kuf)
    residual = tf.maximum(Kff_diag - tf.reduce_sum(tf.square(A), -2), 0.0)
    if len(distinct) < len(latents):
        place = list(distinct)
        index = [place.index(key) for key in keys]
        A, residual = tf.gather(A, index), tf.gather(residual, index)
    return Projection(gps, A, tf.concat([_prior_mean(gp, X) for gp in gps], 0), residual)


def _prior_mean(gp, X):
    shape = [gp.num_latent_gps, tf.shape(X)[0]]
    if gp.mean_function is None:
        return tf.zeros(shape, X.dtype)
    return tf.broadcast_to(tf.transpose(gp.mean_function(X)), shape)


def projected_marginals(gps: Sequence[SparseGP], projections: Sequence[Projection]) -> list[Marginals]:
    """Marginals of q(f), one for each of ``gps``, from their projections."""
    results = {}
    for projection in projections:
        mean, variance = _moments(projection)
        sizes = [gp.num_latent_gps for gp in projection.gps]
        parts = [tf.split(part, sizes) for part in (mean, variance, projection.residual_variance)]
        results |= {id(gp): Marginals(*part) for gp, *part in zip(projection.gps, *parts, strict=True)}
    return [results[id(gp)] for gp in gps]


def _moments(projection):
    # mean = c + A^T m,  s = A^T S A = |R^T A|^2 column by column, with S = R R^T
    gps, A = projection.gps, projection.A
    q_mu = tf.concat([gp.q_mu for gp in gps], 1)
    mean = projection.prior_mean + tf.linalg.matvec(A, tf.transpose(q_mu), transpose_a=True)
    if gps[0].q_diag:
        root = tf.transpose(tf.concat([gp.q_sqrt for gp in gps], 1))[:, :, None] * A
    else:
        root = tf.matmul(tf.concat([gp.q_sqrt for gp in gps], 0), A, transpose_a=True)
    return mean, tf.reduce_sum(tf.square(root), -2)
