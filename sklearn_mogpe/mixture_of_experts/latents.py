"""All that a bound needs to know of a mixture at some rows."""

from typing import Any, NamedTuple

import tensorflow as tf

from ..gating_networks import GatingNetworkBase
from ..gps import Marginals, safe_sqrt
from ..predictive.arrays import Array
from ..predictive.quadrature import noise_rule


class Latents(NamedTuple):
    """The latent functions of a mixture at N rows.

    Attributes
    ----------
    experts : Marginals
        Of the experts' functions, each of shape (K, P, N).
    noise_variance : tensor of shape (K, P, N)
        Of the experts, in squared units of y.
    gates : Marginals
        Of the gating network's functions, each of shape (H, N).
    gating_network : GatingNetworkBase
        Turns the gate's functions into mixing probabilities.
    log_noise : Marginals, default=None
        Of functions g, each of shape (K, P, N), by whose exponentials the noise variances are multiplied.
        None: by nothing.
    noise_floor : tensor of shape (P,), default=None
        Added to the noise variances, then. None is zero.
    error_variance : tensor of shape (P, N), default=None
        Of the known errors of the rows, which are part of the noise for a bound, and unknown to predictions.
        None is 0.
    """

    experts: Marginals
    noise_variance: tf.Tensor
    gates: Marginals
    gating_network: GatingNetworkBase
    log_noise: Marginals | None = None
    noise_floor: tf.Tensor | None = None
    error_variance: tf.Tensor | None = None

    def noise_at(self, points: Any) -> tf.Tensor:
        """Noise variances, known errors included, at standard normal points of g if the noise varies.

        Parameters
        ----------
        points : tensor of a shape that broadcasts to (S, K, P, N)
            Not looked at if the noise does not vary.

        Returns
        -------
        tensor of shape (S, K, P, N), or (1, K, P, N) if the noise does not vary
            In squared units of y.
        """
        noise = self.noise_variance[None]
        if self.log_noise is not None:
            noise *= tf.exp(self.log_noise.mean + safe_sqrt(self.log_noise.variance) * points)
        if self.noise_floor is not None:
            noise += tf.cast(self.noise_floor, noise.dtype)[:, None]
        return noise if self.error_variance is None else noise + self.error_variance

    def possible_noises(self) -> tuple[tf.Tensor, Array]:
        """Noise variances, and with what weights they stand for what is known of the noise.

        Gauss and Hermite's points of the functions g (Abramowitz and Stegun 1964, 25.4.46); all outputs have
        theirs in step.

        Returns
        -------
        variances : tensor of shape (J, K, P, N)
            In squared units of y.
        weights : array of shape (J,)
            Which sum to one.
        """
        points, weights = noise_rule(self.log_noise is not None)
        return self.noise_at(tf.constant(points.reshape(-1, 1, 1, 1), self.noise_variance.dtype)), weights

    def expected_noise(self) -> tf.Tensor:
        """Mean of the noise variances, of shape (K, P, N), in squared units of y."""
        variances, weights = self.possible_noises()
        return tf.tensordot(tf.constant(weights, variances.dtype), variances, 1)
