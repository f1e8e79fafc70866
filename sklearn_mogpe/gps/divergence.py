"""How far sparse Gaussian processes are from their priors."""

from collections.abc import Sequence

import gpflow
import tensorflow as tf

from .sparse_gp import SparseGP, batches, joint_q


def prior_kl(gps: Sequence[SparseGP]) -> tf.Tensor:
    """Sum over the latent functions of ``gps`` of ``KL(q(v) || N(0, I))``, a scalar in nats."""
    terms = [gpflow.kullback_leiblers.gauss_kl(*joint_q(batch)) for batch in batches(gps)]
    return tf.add_n(terms) if terms else tf.zeros([], gpflow.default_float())
