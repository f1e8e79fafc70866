"""What a mixture needs to know of its experts."""

import abc
from collections.abc import Sequence
from typing import Any

import gpflow
import tensorflow as tf

from ..descriptions.errors import Configurable, at, check_keys, describe, make, make_each
from ..gps import Marginals

# What a description is of that names no class.
DEFAULT = "SVGPExpert"


class ExpertBase(gpflow.Module, Configurable, abc.ABC):
    """One expert: ``y_p = f_p(x) + eps_p`` with Gaussian ``f_p(x)`` and Gaussian noise.

    A new kind of expert says what its latent functions are at some rows, how noisy it is, and how far its
    parameters' distribution is from their prior. Bounds, predictions and training follow from that. With
    ``get_config`` it can be described by plain data, see :mod:`sklearn_mogpe.descriptions.errors`. Within
    the estimator, y and x are standardised.

    Attributes
    ----------
    num_outputs : int
        P.
    noise_varies : bool
        Whether the noise has latent functions of its own, see :meth:`log_noise`.
    """

    num_outputs: int
    noise_varies: bool = False

    @abc.abstractmethod
    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of the expert's latent functions at X (N, D), each of shape (P, N).

        An expert without inducing variables puts the variance that its parameters' posterior explains into
        ``projected_variance`` and zeros into ``residual_variance``.
        """

    @abc.abstractmethod
    def noise_variance(self, X: tf.Tensor) -> tf.Tensor:
        """Variance of the noise at X (N, D), of shape (P, N), in squared units of y."""

    def log_noise(self, X: tf.Tensor) -> Marginals:
        """Marginals of latent functions g at X (N, D), each of shape (P, N), if the noise has such.

        They multiply its variance by ``exp(g)``. An expert that has them sets ``noise_varies``.

        Raises
        ------
        NotImplementedError
            If the noise has none.
        """
        raise NotImplementedError(f"Expected {type(self).__name__}, whose noise varies, to have log_noise.")

    @abc.abstractmethod
    def prior_kl(self) -> tf.Tensor:
        """KL of the expert's parameters' variational posterior from their prior, a scalar in nats."""


class ExpertsBase(gpflow.Module, Configurable, abc.ABC):
    """K experts seen as one, so that they can share computation.

    Parameters
    ----------
    experts : sequence of ExpertBase
        K experts with the same number of outputs.

    Attributes
    ----------
    experts : list of ExpertBase
    num_experts : int
        K.
    num_outputs : int
        P.
    noise_varies : bool
        Whether the noise of any of them has latent functions of its own.
    noise_floor : tf.Variable of shape (P,)
        Added to each expert's noise variance, at first zero. Not trained.

    Raises
    ------
    ValueError
        If there is no expert, or their numbers of outputs differ.
    """

    def __init__(self, experts: Sequence[ExpertBase]):
        super().__init__()
        self.experts = list(experts)
        self.num_experts = len(self.experts)
        outputs = {expert.num_outputs for expert in self.experts}
        if len(outputs) != 1:
            raise ValueError(
                "Expected one or more experts with the same number of outputs, got "
                f"{self.num_experts} experts with {sorted(outputs)} outputs."
            )
        (self.num_outputs,) = outputs
        self.noise_varies = any(expert.noise_varies for expert in self.experts)
        zeros = tf.zeros([self.num_outputs], gpflow.default_float())
        self.noise_floor = tf.Variable(zeros, trainable=False, name="noise_floor")

    def get_config(self) -> dict[str, Any]:
        """Describe the experts by plain data: ``{"experts": [...]}``, each with its ``"class"``."""
        return {"experts": [describe(expert, ExpertBase) for expert in self.experts]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ExpertsBase":
        """Make experts from a description.

        Parameters
        ----------
        config : dict
            ``experts``, a list of descriptions; those without a ``"class"`` are of :class:`SVGPExpert`.

        Returns
        -------
        ExpertsBase
            Of the class whose method this is.

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        check_keys(config, ("experts",))
        with at("experts"):
            return cls(make_each(make, config.get("experts"), ExpertBase, DEFAULT))

    @abc.abstractmethod
    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of all experts' latent functions at X (N, D), each of shape (K, P, N)."""

    def noise_variance(self, X: tf.Tensor) -> tf.Tensor:
        """Variance of all experts' noise at X (N, D), of shape (K, P, N), in squared units of y."""
        return tf.stack([expert.noise_variance(X) for expert in self.experts])

    def log_noise(self, X: tf.Tensor) -> Marginals | None:
        """Marginals of all functions of the experts' noise at X (N, D), each of shape (K, P, N).

        They are zero for an expert whose noise has none. None if nobody's has any.
        """
        if not self.noise_varies:
            return None
        nothing = zero_marginals(self.num_outputs, X)
        return stack_marginals([e.log_noise(X) if e.noise_varies else nothing for e in self.experts])

    def prior_kl(self) -> tf.Tensor:
        """Sum of the experts' KL divergences, a scalar in nats."""
        return tf.add_n([expert.prior_kl() for expert in self.experts])


class Experts(ExpertsBase):
    """Experts of any kinds side by side, evaluated one by one.

    Parameters
    ----------
    experts : sequence of ExpertBase
        K experts with the same number of outputs.

    Raises
    ------
    ValueError
        If there is no expert, or their numbers of outputs differ.
    """

    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of all experts' latent functions at X (N, D), each of shape (K, P, N)."""
        return stack_marginals([expert.marginals(X) for expert in self.experts])


def stack_marginals(parts: Sequence[Marginals]) -> Marginals:
    """K marginals of shape (P, N) as one of shape (K, P, N)."""
    return Marginals(*(tf.stack(values) for values in zip(*parts, strict=True)))


def zero_marginals(num_outputs: int, X: tf.Tensor) -> Marginals:
    """Marginals of P functions that are zero at X (N, D)."""
    zeros = tf.zeros([num_outputs, tf.shape(X)[0]], X.dtype)
    return Marginals(zeros, zeros, zeros)
