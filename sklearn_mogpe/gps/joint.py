"""The joint distribution of a sparse Gaussian process over rows of data."""

from typing import Any

import tensorflow as tf

from .projection import project, q_moments
from .sparse_gp import SparseGP, joint_q


def joint_moments(gp: SparseGP, X: tf.Tensor, jitter: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
    """Means and covariances of q(f) over all rows of X, for each latent function.

    Parameters
    ----------
    gp : SparseGP
    X : tensor of shape (N, D)
    jitter : float or scalar tensor, default=None
        Added to the diagonal of ``K_uu``. None is GPflow's default, 1e-6.

    Returns
    -------
    mean : tensor of shape (L, N)
    covariance : tensor of shape (L, N, N)
        Of which :func:`marginals` gives the diagonals.
    """
    (projection,) = project([gp], X, jitter)
    mean, _ = q_moments(projection)
    A, q_sqrt = projection.A, joint_q([gp])[1]
    G, M, N = tf.unstack(tf.shape(A))
    R = tf.linalg.diag(tf.transpose(q_sqrt)) if gp.q_diag else q_sqrt
    # cov(f, f') = k(x, x') - A^T A' + A^T R R^T A'
    Kff = tf.stack([kernel(X) for kernel, _ in gp.factors])
    residual = Kff - tf.matmul(A, A, transpose_a=True)
    B = tf.matmul(tf.reshape(R, [G, -1, M, M]), A[:, None], transpose_a=True)  # [G, L / G, M, N]
    covariance = residual[:, None] + tf.matmul(B, B, transpose_a=True)
    L = gp.num_latent_gps
    return projection.prior_mean + tf.reshape(mean, [L, N]), tf.reshape(covariance, [L, N, N])
