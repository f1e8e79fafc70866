"""All that a bound needs to know of a mixture at some rows."""

from typing import NamedTuple

import tensorflow as tf

from ..gating_networks import GatingNetworkBase
from ..gps import Marginals


class Latents(NamedTuple):
    """The latent functions of a mixture at N rows.

    Attributes
    ----------
    experts : Marginals
        Of the experts' functions, each of shape (K, P, N).
    noise_variance : tensor of shape (K, P, N)
        Of the experts.
    gates : Marginals
        Of the gating network's functions, each of shape (H, N).
    gating_network : GatingNetworkBase
        Turns the gate's functions into mixing probabilities.
    log_noise : Marginals, default=None
        Of functions g, each of shape (K, P, N), by whose exponentials the noise variances are multiplied.
        None: by nothing.
    """

    experts: Marginals
    noise_variance: tf.Tensor
    gates: Marginals
    gating_network: GatingNetworkBase
    log_noise: Marginals | None = None
