"""Natural gradients from mini-batches: sites of rows that are not kept.

With the sites (l, b) that the rows of a mini-batch ask for, scaled to stand for all rows (see
:mod:`~sklearn_mogpe.training.natural_gradients.sites`), a natural gradient step of length g for
``q(v) = N(m, P^-1)`` is an average of natural parameters
(Hensman, Fusi and Lawrence 2013; Khan and Lin 2017):

    P  <-  (1 - g) P + g (I + A B A^T),      P m  <-  (1 - g) P m + g A l.

P stays positive definite whatever the step. It costs less than a step along the ordinary gradient, since
nothing is differentiated by a root of q's covariance.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from ...gps.numerics import identity_like
from ...mixture_of_experts import Latents, MixtureOfSVGPExperts
from .naturals import Naturals, mean_of, move
from .sites import differentiate, naturals_of_sites, solved


def batch_step(
    model: MixtureOfSVGPExperts,
    X: tf.Tensor,
    naturals: Naturals,
    objective: Callable[[Latents], tf.Tensor],
    hyperparameters: Sequence[tf.Variable],
    step_size,
    weight: tf.Tensor | None = None,
) -> tuple[list[tf.Tensor], Naturals]:
    """Derivatives of the objective by the hyperparameters, and q after a natural gradient step.

    Parameters
    ----------
    model : MixtureOfSVGPExperts
        Whose GPs have equally many inducing points. Its q is not looked at.
    X : tensor of shape (B, D)
    naturals : Naturals
        q before the step.
    objective : callable ``latents -> scalar``
        The bound without its KL terms, which do not depend on the hyperparameters while q is held.
    hyperparameters : sequence of tf.Variable
    step_size : float or scalar tensor
        g, in (0, 1].
    weight : tensor of shape (B,), default=None
        See :func:`~sklearn_mogpe.training.natural_gradients.sites.differentiate`.

    Returns
    -------
    gradients : list of tensors
        With q held.
    naturals : Naturals
    """
    _, gradients, projections, sites = differentiate(
        model, X, naturals, natural_moments, objective, hyperparameters, weight
    )
    return gradients, move(naturals, naturals_of_sites(projections, sites), step_size)


def natural_moments(
    A: tf.Tensor, linear: tf.Tensor, precision: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Moments of projections under q in natural parameters, which are taken as constants.

    Its derivatives by A are right, of first order.

    Parameters
    ----------
    A : tensor of shape (G, M, N)
        Maybe in single precision, as the moments then.
    linear : tensor of shape (G, F, M)
    precision : tensor of shape (G, F, M, M)

    Returns
    -------
    mean, variance : tensors of shape (G, F, N)
        ``A^T m`` and ``diag(A^T P^-1 A)``.
    prior_kl : scalar tensor
        Zero: as good as any constant, where only derivatives matter.
    """

    @tf.custom_gradient
    def function(A):
        C = tf.linalg.cholesky(precision)
        U, variance = solved(C, tf.linalg.triangular_solve(C, identity_like(C)), A[:, None])
        m = tf.cast(mean_of(C, linear), A.dtype)

        def gradient(d_mean, d_variance):
            # dA = sum_f 2 P^-1 A diag(d_variance) + m d_mean^T
            both = 2.0 * d_variance[:, :, None, :] * U + m[..., None] * d_mean[:, :, None, :]
            return tf.reduce_sum(both, 1)

        return (tf.matmul(m, A), variance), gradient

    return *function(A), tf.zeros([], precision.dtype)
