"""The mixture whose experts and gate are sparse variational Gaussian processes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gpflow
import tensorflow as tf

from ..descriptions.errors import make_at
from ..descriptions.numbers import numbers
from ..experts import SVGPExperts
from ..gating_networks import SVGPGatingNetwork
from ..gps import (
    Marginals,
    Posterior,
    Projection,
    SparseGP,
    marginals,
    posteriors_of,
    prior_kl,
    project,
)
from .base import MixtureOfExpertsBase
from .latents import Latents


class MixtureOfSVGPExperts(MixtureOfExpertsBase):
    """A mixture of sparse variational GP experts under a gate of the same kind.

    The Gaussian processes of the experts and of the gate go through one batched computation.

    Parameters
    ----------
    experts : SVGPExperts
        K experts with P outputs.
    gating_network : SVGPGatingNetwork
        Probabilities of K experts.
    **kwargs
        ``bound``, ``num_samples`` and ``num_data`` of :class:`MixtureOfExperts`.

    Attributes
    ----------
    jitter : scalar tf.Variable
        Added to the diagonal of each covariance matrix before its factorisation. Not trained.

    Raises
    ------
    ValueError
        If the experts or the gate are of other classes, their numbers of experts differ, or the bound is not
        known.
    """

    experts: SVGPExperts
    gating_network: SVGPGatingNetwork
    experts_class = SVGPExperts

    def __init__(self, experts: SVGPExperts, gating_network: SVGPGatingNetwork, **kwargs: Any):
        if not (isinstance(experts, SVGPExperts) and isinstance(gating_network, SVGPGatingNetwork)):
            raise ValueError(
                f"Expected SVGPExperts and SVGPGatingNetwork, got {type(experts).__name__} and "
                f"{type(gating_network).__name__}; try MixtureOfExperts, which takes any."
            )
        super().__init__(experts, gating_network, **kwargs)
        dtype = gpflow.default_float()
        self.jitter = tf.Variable(gpflow.default_jitter(), dtype=dtype, trainable=False, name="jitter")

    def get_config(self) -> dict[str, Any]:
        """Describe the mixture by plain data, with its ``jitter``; see :class:`MixtureOfExperts`."""
        return {**super().get_config(), "jitter": float(self.jitter)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MixtureOfSVGPExperts":
        """Make a mixture from a description.

        Parameters
        ----------
        config : dict
            As for :class:`MixtureOfExperts`, and ``jitter``, a positive number; GPflow's, if missing.

        Returns
        -------
        MixtureOfSVGPExperts

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        model = super().from_config({key: value for key, value in config.items() if key != "jitter"})
        if "jitter" in config:
            model.jitter.assign(make_at(partial(numbers, above=0.0), config, "jitter"))
        return model

    @property
    def gps(self) -> list[SparseGP]:
        """The Gaussian processes of the experts and of the gate."""
        return self.experts.gps + self.gating_network.gps

    def latents(self, X: tf.Tensor, posteriors: Sequence[Posterior] | None = None) -> Latents:
        """Return the latent functions of experts and gate at X.

        Parameters
        ----------
        X : tensor of shape (N, D)
        posteriors : sequence of Posterior, default=None
            What :meth:`posteriors` gives. Fewer operations do if it is known already.

        Returns
        -------
        Latents
        """
        return self.join(X, marginals(self.gps, X, self.jitter, posteriors))

    def posteriors(self, X: tf.Tensor) -> list[Posterior]:
        """What :meth:`latents` at all X (N, D) have in common."""
        return posteriors_of(self.gps, X, self.jitter)

    def project(self, X: tf.Tensor) -> list[Projection]:
        """Project the Gaussian processes of experts and gate to X (N, D)."""
        return project(self.gps, X, self.jitter)

    def prior_kl(self) -> tf.Tensor:
        """Sum of the KL divergences of experts and gate, a scalar in nats."""
        return prior_kl(self.gps)

    def join(self, X: tf.Tensor, parts: list[Marginals]) -> Latents:
        """The marginals of ``gps`` as the latent functions of experts and gate.

        Parameters
        ----------
        X : tensor of shape (N, D)
            Where they are.
        parts : list of Marginals of shape (L, N)
            One for each of ``gps``, each with its own L.

        Returns
        -------
        Latents
        """
        n = len(self.experts.gps)
        functions, log_noise = self.experts.join(parts[:n], X)
        return Latents(
            functions,
            self.experts.noise_variance(X),
            self.gating_network.join(parts[n:], X),
            self.gating_network,
            log_noise,
            self.experts.noise_floor,
        )
