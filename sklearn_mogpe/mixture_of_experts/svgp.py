"""The mixture whose experts and gate are sparse variational Gaussian processes."""

import gpflow
import tensorflow as tf

from ..experts import SVGPExperts
from ..experts.base import stack_marginals
from ..gating_networks import SVGPGatingNetwork
from ..gps import Marginals, Projection, SparseGP, prior_kl, project, projected_marginals
from .base import MixtureOfExpertsBase
from .latents import Latents


class MixtureOfSVGPExperts(MixtureOfExpertsBase):
    """A mixture of sparse variational GP experts under a gate of the same kind.

    The Gaussian processes of the experts and of the gate go through one batched computation. Takes the
    parameters of :class:`MixtureOfExperts`, with :class:`~sklearn_mogpe.experts.SVGPExperts` and
    :class:`~sklearn_mogpe.gating_networks.SVGPGatingNetwork`.

    Attributes
    ----------
    jitter : tf.Variable
        Added to the diagonal of each covariance matrix before its factorisation. Not trained.
    """

    experts: SVGPExperts
    gating_network: SVGPGatingNetwork

    def __init__(self, experts: SVGPExperts, gating_network: SVGPGatingNetwork, **kwargs):
        super().__init__(experts, gating_network, **kwargs)
        dtype = gpflow.default_float()
        self.jitter = tf.Variable(gpflow.default_jitter(), dtype=dtype, trainable=False, name="jitter")

    @property
    def gps(self) -> list[SparseGP]:
        """The Gaussian processes of the experts and of the gate."""
        return self.experts.gps + self.gating_network.gps

    def latents(self, X: tf.Tensor) -> Latents:
        """Return the latent functions of experts and gate at X (N, D)."""
        return self.join(X, projected_marginals(self.gps, self.project(X)))

    def project(self, X: tf.Tensor) -> list[Projection]:
        """Project the Gaussian processes of experts and gate to X (N, D)."""
        return project(self.gps, X, self.jitter)

    def prior_kl(self) -> tf.Tensor:
        """Sum of the KL divergences of experts and gate, a scalar."""
        return prior_kl(self.gps)

    def join(self, X: tf.Tensor, parts: list[Marginals]) -> Latents:
        """The marginals of ``gps`` at X (N, D) as the latent functions of experts and gate."""
        K = self.experts.num_experts
        return Latents(
            stack_marginals(parts[:K]),
            self.experts.noise_variance(X),
            self.gating_network.join(parts[K:], X),
            self.gating_network,
        )
