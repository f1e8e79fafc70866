"""The marginals of sparse Gaussian processes at rows of data, all processes in one batch."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import gpflow
import tensorflow as tf

from .covariances import covariances
from .numerics import inverse_factor, projected_moments, safe_sqrt, squared_norms, whiten
from .sparse_gp import SparseGP, batches, joint_q
from .stacking import repeated


class Marginals(NamedTuple):
    """Gaussian marginals of latent functions at N rows, with the variance in two parts.

    ``q(f_n) = N(mean, projected_variance + residual_variance)`` and
    ``p(f_n | u) = N(c(x_n) + A_n^T v, residual_variance)``: the projected variance is what is still unknown
    of the inducing variables, the residual variance what they leave open.

    Attributes
    ----------
    mean, projected_variance, residual_variance : tensors of shape (..., N)
        Of an expert's functions, in units of Y and their squares; of the noise's and the gate's, in none.
    """

    mean: tf.Tensor
    projected_variance: tf.Tensor
    residual_variance: tf.Tensor

    @property
    def variance(self) -> tf.Tensor:
        """The whole variance, of shape (..., N)."""
        return self.projected_variance + self.residual_variance

    def project(self, points: tf.Tensor) -> tf.Tensor:
        """Values ``mean + sqrt(projected_variance) * points`` of the projections.

        Parameters
        ----------
        points : tensor of a shape that broadcasts with (..., N)

        Returns
        -------
        tensor of the shape of both
        """
        return self.mean + safe_sqrt(self.projected_variance) * points


class Posterior(NamedTuple):
    """What marginals of sparse GPs with equally many inducing points have in common at all rows.

    Attributes
    ----------
    inverse : tensor of shape (G, M, M)
        ``chol(K_uu)^-1`` of the G distinct pairs of a kernel and an inducing variable.
    q_mu, q_sqrt : tensors of shape (M, L) and (L, M, M), or (M, L) if diagonal
    """

    inverse: tf.Tensor
    q_mu: tf.Tensor
    q_sqrt: tf.Tensor


class Projection(NamedTuple):
    """Latent functions with equally many inducing points, projected from their inducing variables to N rows.

    Attributes
    ----------
    gps : tuple of SparseGP
        With L latent functions in all.
    A : tensor of shape (G, M, N)
        ``chol(K_uu)^-1 K_uf`` of the G distinct pairs of a kernel and an inducing variable, each of which
        L / G consecutive latent functions share.
    prior_mean : tensor of shape (L, N)
        ``c(x)``.
    residual_variance : tensor of shape (L, N)
        ``k(x, x) - A^T A``, never negative.
    """

    gps: tuple[SparseGP, ...]
    A: tf.Tensor
    prior_mean: tf.Tensor
    residual_variance: tf.Tensor

    @property
    def num_latent_gps(self) -> int:
        """Number of latent functions, L."""
        return sum(gp.num_latent_gps for gp in self.gps)

    @property
    def num_sharing(self) -> int:
        """Number of consecutive latent functions that share a part of ``A``, L / G."""
        return self.gps[0].num_sharing

    def marginals(self, mean: tf.Tensor, variance: tf.Tensor) -> list[Marginals]:
        """Marginals of each of ``gps``, from the means (less the prior's) and variances of ``A^T v``.

        Parameters
        ----------
        mean, variance : tensors of shape (G, L / G, N)

        Returns
        -------
        list of Marginals
            One for each of ``gps``, of shape (its latent functions, N).
        """
        shape, sizes = tf.shape(self.prior_mean), [gp.num_latent_gps for gp in self.gps]
        parts = [
            self.prior_mean + tf.reshape(mean, shape),
            tf.reshape(variance, shape),
            self.residual_variance,
        ]
        return [Marginals(*part) for part in zip(*(tf.split(part, sizes) for part in parts), strict=True)]


def marginals(
    gps: Sequence[SparseGP],
    X: tf.Tensor,
    jitter: Any = None,
    posteriors: Sequence[Posterior] | None = None,
) -> list[Marginals]:
    """Marginals of q(f) at X of several sparse GPs, computed together (Hensman, Matthews, Ghahramani 2015).

    Latent functions with the same number of inducing points go through one batched kernel evaluation, one
    Cholesky factorisation and one triangular solve; those of a GP that share a kernel and inducing variable
    share the factor.

    Parameters
    ----------
    gps : sequence of SparseGP
    X : tensor of shape (N, D)
        In the precision of the parameters, or in single precision, see :func:`project`.
    jitter : float or scalar tensor, default=None
        Added to the diagonal of ``K_uu``. None is GPflow's default, 1e-6.
    posteriors : sequence of Posterior, default=None
        What :func:`posteriors_of` gives, if it is known already; the jitter is not looked at then.

    Returns
    -------
    list of Marginals
        One for each of ``gps``, of shape (L, N).
    """
    if posteriors is None:
        projections = project(gps, X, jitter)
        moments = [q_moments(projection) for projection in projections]
    else:
        projections, moments = _known(gps, X, posteriors)
    return join_marginals(gps, projections, moments)


def _known(
    gps: Sequence[SparseGP], X: tf.Tensor, posteriors: Sequence[Posterior]
) -> tuple[list[Projection], list[tuple[tf.Tensor, tf.Tensor]]]:
    projections: list[Projection] = []
    moments: list[tuple[tf.Tensor, tf.Tensor]] = []
    for group, (inverse, *q) in zip(batches(gps), posteriors, strict=True):
        own = _project(group, X, partial(_by_inverse, inverse))
        projections += own
        moments += map(q_moments, own, _split_q(q, own))
    return projections, moments


def _by_inverse(inverse: tf.Tensor, Kuu: tf.Tensor, Kuf: tf.Tensor) -> tf.Tensor:
    return tf.matmul(inverse, Kuf)


def posteriors_of(gps: Sequence[SparseGP], X: tf.Tensor, jitter: Any = None) -> list[Posterior]:
    """What marginals at all X have in common, for each group of sparse GPs that can be batched.

    Who predicts a few rows at a time keeps it.

    Parameters
    ----------
    gps : sequence of SparseGP
    X : tensor of shape (N, D)
        Any rows, of which only the width and the precision matter.
    jitter : float or scalar tensor, default=None
        Added to the diagonal of ``K_uu``. None is GPflow's default, 1e-6.

    Returns
    -------
    list of Posterior
        One for each group.
    """
    jitter = gpflow.default_jitter() if jitter is None else jitter
    groups = batches(gps)
    return [Posterior(inverse_factor(_covariances(group, X)[0], jitter), *joint_q(group)) for group in groups]


def project(gps: Sequence[SparseGP], X: tf.Tensor, jitter: Any = None) -> list[Projection]:
    """Whitened projections of sparse GPs at X: :func:`marginals` without q.

    Where X is in single precision, so is all that is of its size, at a third of the cost; for kernels that
    are evaluated in one batch, and GPs without a mean function. What is of the size of ``K_uu`` keeps the
    precision of the parameters.

    Parameters
    ----------
    gps : sequence of SparseGP
    X : tensor of shape (N, D)
    jitter : float or scalar tensor, default=None
        Added to the diagonal of ``K_uu``. None is GPflow's default, 1e-6.

    Returns
    -------
    list of Projection
        One for each group of GPs that can be batched.
    """
    jitter = gpflow.default_jitter() if jitter is None else jitter
    parts = (_project(group, X, partial(whiten, jitter=jitter)) for group in batches(gps))
    return [projection for part in parts for projection in part]


def _covariances(gps: Sequence[SparseGP], X: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    kernels, variables = zip(*(factor for gp in gps for factor in gp.factors), strict=True)
    return covariances(kernels, variables, X)


def _project(
    gps: Sequence[SparseGP], X: tf.Tensor, whitened: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> list[Projection]:
    Kuu, Kuf, Kff_diag = _covariances(gps, X)
    # A = L^-1 K_uf,  r = k(x, x) - A^T A
    A = whitened(Kuu, Kuf)
    residual = tf.maximum(Kff_diag - squared_norms(A), 0.0)
    # in the order of the GPs
    alike = [tuple(group) for _, group in groupby(gps, key=lambda gp: gp.num_sharing)]
    sizes = [sum(len(gp.factors) for gp in group) for group in alike]
    parts = zip(alike, _split(A, sizes), _split(residual, sizes), strict=True)
    projections = []
    for group, A, r in parts:
        r = repeated(r, group[0].num_sharing)
        projections.append(Projection(group, A, _prior_mean(group, X, r), r))
    return projections


def _split(tensor: tf.Tensor, sizes: list[int], axis: int = 0) -> list[tf.Tensor]:
    return [tensor] if len(sizes) == 1 else tf.split(tensor, sizes, axis)


def _split_q(
    q: Sequence[tf.Tensor], projections: Sequence[Projection]
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    q_mu, q_sqrt = q
    sizes = [projection.num_latent_gps for projection in projections]
    is_diagonal = projections[0].gps[0].q_diag
    return zip(_split(q_mu, sizes, 1), _split(q_sqrt, sizes, 1 if is_diagonal else 0), strict=True)


def _prior_mean(gps: Sequence[SparseGP], X: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    if all(gp.mean_function is None for gp in gps):
        return tf.zeros_like(like)
    return tf.concat([_mean_of(gp, X) for gp in gps], 0)


def _mean_of(gp: SparseGP, X: tf.Tensor) -> tf.Tensor:
    shape = [gp.num_latent_gps, tf.shape(X)[0]]
    if gp.mean_function is None:
        return tf.zeros(shape, X.dtype)
    return tf.broadcast_to(tf.transpose(gp.mean_function(X)), shape)


def join_marginals(
    gps: Sequence[SparseGP],
    projections: Sequence[Projection],
    moments: Sequence[tuple[tf.Tensor, tf.Tensor]],
) -> list[Marginals]:
    """Marginals of each of ``gps``, from their projections and the moments of ``A^T v`` of each of these.

    Parameters
    ----------
    gps : sequence of SparseGP
    projections : sequence of Projection
        Of all of them.
    moments : sequence of pairs of tensors of shape (G, L / G, N)
        Mean and variance for each projection.

    Returns
    -------
    list of Marginals
        In the order of ``gps``, each of shape (L, N) with its own L.
    """
    results: dict[int, Marginals] = {}
    for projection, own in zip(projections, moments, strict=True):
        results |= zip(map(id, projection.gps), projection.marginals(*own), strict=True)
    return [results[id(gp)] for gp in gps]


def q_moments(projection: Projection, q: Sequence[tf.Tensor] | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """Means and variances of ``A^T v`` under q.

    Parameters
    ----------
    projection : Projection
    q : pair of tensors, of shapes (M, L) and (L, M, M), or (M, L) if diagonal, default=None
        What :func:`joint_q` gives, if it is known already.

    Returns
    -------
    mean, variance : tensors of shape (G, L / G, N)
        Of the latent functions less their prior means.
    """
    gps, A, F = projection.gps, projection.A, projection.num_sharing
    G, M, _ = tf.unstack(tf.shape(A))
    q_mu, q_sqrt = (tf.cast(part, A.dtype) for part in q or joint_q(gps))
    m = tf.reshape(tf.transpose(q_mu), [G, F, M])
    if gps[0].q_diag:
        # |diag(r) A|^2 = A^2 r^2
        r = tf.reshape(tf.transpose(q_sqrt), [G, F, M])
        return tf.matmul(m, A), tf.matmul(tf.square(r), tf.square(A))
    return projected_moments(A, m, tf.reshape(q_sqrt, [G, F, M, M]))
