"""Natural gradients of the variational parameters, in site form.

The bound depends on ``q(v) = N(m, S)`` of a latent function only through its marginals' means mu_n and
projected variances s_n. With ``a_n = dE/dmu_n`` and ``b_n = dE/ds_n`` a natural gradient step of length g
moves the natural parameters of q towards those of a Gaussian model with one site per row,

    precision  <-  (1 - g) precision + g (I + A diag(-2 b) A^T)
    S^-1 m     <-  (1 - g) S^-1 m    + g A (a - 2 b (mu - c)),

which stays positive definite where ``b <= 0`` (Khan and Lin 2017; Adam, Chang, Khan and Solin 2021). With
``g = 1`` and a Gaussian likelihood one step is exact.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from ..gps import SparseGP
from ..mixture_of_experts import Latents, MixtureOfSVGPExperts


def natural_step(
    model: MixtureOfSVGPExperts,
    X: tf.Tensor,
    objective: Callable[[Latents], tf.Tensor],
    hyperparameters: Sequence[tf.Variable],
    step_size,
):
    """Derivatives of an objective, and the q after one natural gradient step that raises it.

    Parameters
    ----------
    model : MixtureOfSVGPExperts
        Its GPs keep the whole ``q_sqrt`` (``q_diag=False``).
    X : tensor of shape (N, D)
    objective : callable ``latents -> scalar``
        The bound without its KL terms, which do not depend on the hyperparameters of whitened GPs.
    hyperparameters : sequence of tf.Variable
        All that the objective may be differentiated by, apart from q.
    step_size : float or scalar tensor
        g, in (0, 1].

    Returns
    -------
    value : scalar tensor
        The objective.
    gradients : list of tensors
        Its derivatives by the hyperparameters.
    q : list of (SparseGP, q_mu, q_sqrt)
        The values after the step; nothing is assigned.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(hyperparameters)
        projections = model.project(X)
        latents = model.projected_latents(X, projections)
        # A row's term reaches q through these tensors only, so that one backward pass gives all derivatives.
        experts, gates = latents.experts, latents.gates
        marginals = [experts.mean, experts.projected_variance, gates.mean, gates.projected_variance]
        tape.watch(marginals)
        value = objective(latents)
    *gradients, expert_mean, expert_variance, gate_mean, gate_variance = tape.gradient(
        value, [*hyperparameters, *marginals], unconnected_gradients="zero"
    )
    a = dict(zip(_keys(model), [*tf.unstack(expert_mean), gate_mean], strict=False))
    b = dict(zip(_keys(model), [*tf.unstack(expert_variance), gate_variance], strict=False))
    q = []
    for projection in projections:
        gps = projection.gps
        sites = [tf.concat([d[id(gp)] for gp in gps], 0) for d in (a, b)]
        q_mu, q_sqrt = _moved(gps, projection.A, *sites, step_size)
        sizes = [gp.num_latent_gps for gp in gps]
        q += zip(gps, tf.split(q_mu, sizes, 1), tf.split(q_sqrt, sizes), strict=True)
    return value, gradients, q


def _keys(model):
    return [id(gp) for gp in model.gps]


def _moved(gps: Sequence[SparseGP], A, a, b, step_size):
    """The new q_mu (M, L) and q_sqrt (L, M, M) from the sites' derivatives a and b, both (L, N)."""
    m = tf.transpose(tf.concat([gp.q_mu for gp in gps], 1))  # [L, M]
    R = tf.concat([gp.q_sqrt for gp in gps], 0)
    b = tf.minimum(b, 0.0)
    eye = tf.eye(A.shape[1], batch_shape=[A.shape[0]], dtype=A.dtype)
    R_inv = tf.linalg.triangular_solve(R, eye)
    old_precision = tf.matmul(R_inv, R_inv, transpose_a=True)
    # mu - c = A^T m
    site_mean = a - 2.0 * b * tf.linalg.matvec(A, m, transpose_a=True)
    site_precision = eye + tf.matmul(A * (-2.0 * b)[:, None, :], A, transpose_b=True)
    precision = (1.0 - step_size) * old_precision + step_size * site_precision
    linear = (1.0 - step_size) * tf.linalg.matvec(old_precision, m) + step_size * tf.linalg.matvec(
        A, site_mean
    )
    # With the order of rows reversed, a Cholesky factor is an upper triangular root U: precision = U U^T,
    # and S = U^-T U^-1 has the lower triangular root U^-T.
    U = tf.reverse(tf.linalg.cholesky(tf.reverse(precision, [-2, -1])), [-2, -1])
    root = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(U, eye, lower=False))
    m = tf.linalg.matvec(root, tf.linalg.matvec(root, linear, transpose_a=True))
    return tf.transpose(m), root


def assign(q, accept) -> None:
    """Give the GPs their new q where ``accept``, a boolean scalar, holds; keep the old one elsewhere."""
    for gp, q_mu, q_sqrt in q:
        gp.q_mu.assign(tf.where(accept, q_mu, gp.q_mu))
        gp.q_sqrt.assign(tf.where(accept, q_sqrt, gp.q_sqrt))
