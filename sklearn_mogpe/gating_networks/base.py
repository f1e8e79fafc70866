"""What a mixture needs to know of its gating network."""

import abc

import gpflow
import tensorflow as tf

from ..descriptions.errors import Configurable
from ..gps import Marginals

# Where the response has no closed integral, errors are then up to 0.002 for latent variances up to 1, and up
# to 0.02 for a variance of 16.
PREDICTION_POINTS = 128


class GatingNetworkBase(gpflow.Module, Configurable, abc.ABC):
    """The probabilities ``Pr(alpha = k | x)`` as a response to H latent functions of x.

    With ``get_config`` a gate can be described by plain data, see :mod:`sklearn_mogpe.descriptions.errors`.

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
        self, h: tf.Tensor, variance: tf.Tensor | None = None, num_points: int | None = None
    ) -> tf.Tensor:
        """Log of the mixing probabilities given the latent functions.

        Parameters
        ----------
        h : tensor of shape (..., H, N)
            Values of the latent functions, or their means.
        variance : tensor of shape (H, N), default=None
            If given, the functions are Gaussian with mean ``h``, and are integrated out.
        num_points : int, default=None
            Number of fixed points for that integral, where it has no closed form. None is a rule of few
            points that treats all experts alike, for training.

        Returns
        -------
        tensor of shape (..., K, N)
        """

    @abc.abstractmethod
    def prior_kl(self) -> tf.Tensor:
        """KL of the gate's parameters' variational posterior from their prior, a scalar in nats."""

    def integrated_log_mixing_probs(self, h: Marginals) -> tf.Tensor:
        """Log of the mixing probabilities, of shape (N, K), with the latent functions h (H, N) integrated."""
        return tf.transpose(self.log_mixing_probs(h.mean, h.variance, PREDICTION_POINTS))

    def predict_mixing_probs(self, X: tf.Tensor) -> tf.Tensor:
        """Mixing probabilities at X (N, D), of shape (N, K)."""
        return tf.exp(self.integrated_log_mixing_probs(self.marginals(X)))
