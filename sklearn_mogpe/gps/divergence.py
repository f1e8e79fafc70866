"""How far sparse Gaussian processes are from their priors."""

from collections import defaultdict
from collections.abc import Sequence

import gpflow
import tensorflow as tf

from .sparse_gp import SparseGP
from .stacking import concatenated


def prior_kl(gps: Sequence[SparseGP]) -> tf.Tensor:
    """Sum over the latent functions of ``KL(q(v) || N(0, I))``, a scalar, in few batches."""
    groups = defaultdict(list)
    for gp in gps:
        groups[gp.num_inducing, gp.q_diag].append(gp)
    terms = [_prior_kl(group, q_diag) for (_, q_diag), group in groups.items()]
    return tf.add_n(terms) if terms else tf.zeros([], gpflow.default_float())


def _prior_kl(gps, q_diag):
    q_mu = tf.concat([gp.q_mu for gp in gps], 1)
    q_sqrt = tf.concat([gp.q_sqrt for gp in gps], 1) if q_diag else concatenated([gp.q_sqrt for gp in gps])
    return gpflow.kullback_leiblers.gauss_kl(q_mu, q_sqrt)
