"""What a mixture needs to know of its gating network."""

import abc

import gpflow
import tensorflow as tf

from ..gps import Marginals

# Enough for mixing probabilities to about three digits, wherever the latent functions are uncertain.
PREDICTION_POINTS = 128


class GatingNetworkBase(gpflow.Module, abc.ABC):
    """The probabilities ``Pr(alpha = k | x)`` as a response to H latent functions of x.

    Attributes
    ----------
    num_experts : int
        K.
    num_latent_gps : int
        H, the number of latent functions; 0 where the probabilities do not depend on x.
    """

    num_experts: int
    num_latent_gps: int

    @abc.abstractmethod
    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of the latent functions at X (N, D), each of shape (H, N).

        A deterministic gate has zero variances.
        """

    @abc.abstractmethod
    def log_mixing_probs(
        self, h: tf.Tensor, variance: tf.Tensor | None = None, num_points: int = 8
    ) -> tf.Tensor:
        """Log of the mixing probabilities given the latent functions.

        Parameters
        ----------
        h : tensor of shape (..., H, N)
            Values of the latent functions, or their means.
        variance : tensor of shape (H, N), default=None
            If given, the functions are Gaussian with mean ``h``, and are integrated out.
        num_points : int, default=8
            Size of the fixed rule of that integral, where it has no closed form.

        Returns
        -------
        tensor of shape (..., K, N)
        """

    @abc.abstractmethod
    def prior_kl(self) -> tf.Tensor:
        """KL from the gate's parameters' prior to their variational posterior, a scalar."""

    def mixing_probs(self, h: Marginals) -> tf.Tensor:
        """Mixing probabilities, of shape (N, K), with the latent functions h (H, N) integrated out."""
        return tf.exp(tf.transpose(self.log_mixing_probs(h.mean, h.variance, PREDICTION_POINTS)))

    def predict_mixing_probs(self, X: tf.Tensor) -> tf.Tensor:
        """Mixing probabilities at X (N, D), of shape (N, K)."""
        return self.mixing_probs(self.marginals(X))
