"""The mixture density p(y | x), its moments, samples and training objective."""

from __future__ import annotations

import abc
import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.base import PriorOn
from gpflow.inducing_variables import InducingPoints
from gpflow.models.training_mixins import ExternalDataTrainingLossMixin

from ..descriptions.errors import Configurable, check_count, check_keys, choose, describe, make, make_at
from ..experts import Experts, ExpertsBase
from ..gating_networks import GatingNetworkBase
from ..gps import log_density, stacked
from ..predictive.arrays import Array
from ..predictive.quadrature import normal_points
from .bounds import BOUNDS, Bound, name_of
from .latents import Latents

tfd = tfp.distributions


class MixtureOfExpertsBase(gpflow.models.BayesianModel, ExternalDataTrainingLossMixin, Configurable, abc.ABC):
    """``p(y | x) = sum_k Pr(alpha = k | x) p(y | alpha = k, x)``.

    A mixture of experts (Jacobs, Jordan, Nowlan and Hinton 1991). Within the estimator, y and x are
    standardised.

    Parameters
    ----------
    experts : ExpertsBase
        K experts with P outputs.
    gating_network : GatingNetworkBase
        Probabilities of K experts.
    bound : {"tight", "further_gating", "further", "predictive"} or callable, default="tight"
        The lower bound of each row's log likelihood, see :mod:`sklearn_mogpe.mixture_of_experts.bounds`. The
        default is the highest; the estimator's is ``"further"``, which predicts better in trials.
    num_samples : int, default=32
        S, the even number of fixed quasi-random points that stand for the bound's expectation.
    num_data : int, default=None
        N. If given, the sum over a batch's B rows is scaled by N / B to stand for all rows.

    Raises
    ------
    ValueError
        If the numbers of experts differ, or the bound is not known.
    """

    # The kind of experts whose description is the list of them.
    experts_class: ClassVar[type[ExpertsBase]] = Experts

    def __init__(
        self,
        experts: ExpertsBase,
        gating_network: GatingNetworkBase,
        *,
        bound: str | Bound = "tight",
        num_samples: int = 32,
        num_data: int | None = None,
    ):
        super().__init__()
        if experts.num_experts != gating_network.num_experts:
            raise ValueError(
                f"Expected a gating network of {experts.num_experts} experts, got one of "
                f"{gating_network.num_experts}."
            )
        if not callable(bound) and bound not in BOUNDS:
            raise ValueError(f"Expected a callable or one of {sorted(BOUNDS)} as bound, got {bound!r}.")
        self.experts = experts
        self.gating_network = gating_network
        self.bound = bound if callable(bound) else BOUNDS[bound]
        self.num_data = num_data
        functions = experts.num_experts * experts.num_outputs
        dim = functions * (2 if experts.noise_varies else 1) + gating_network.num_latent_gps
        self.points = normal_points(num_samples, dim)

    @abc.abstractmethod
    def latents(self, X: tf.Tensor) -> Latents:
        """Return the latent functions of experts and gate at X (N, D)."""

    @property
    def inducing_inputs(self) -> list[Array]:
        """Inducing inputs of each expert, then of the gate.

        Returns
        -------
        list of arrays of shape (M, D)
            One for each expert, of no rows if it has none, and one for each function of the gate with its
            own. Nothing if nobody has any.
        """
        experts = [_inducing_inputs(expert) for expert in self.experts.experts]
        gates = _inducing_inputs(self.gating_network)
        nothing = [Z[:0] for Z in itertools.chain(*experts, gates)][:1]
        return [*(np.concatenate(own or nothing) for own in experts if nothing), *gates]

    def prior_kl(self) -> tf.Tensor:
        """Sum of the KL divergences of experts and gate, a scalar in nats."""
        return self.experts.prior_kl() + self.gating_network.prior_kl()

    def expected_log_lik(
        self,
        latents: Latents,
        Y: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
        error: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """The bound's sum over rows, scaled to all data: ``N / B sum_n w_n E_n``.

        Parameters
        ----------
        latents : Latents
            At the B rows.
        Y : tensor of shape (B, P)
        sample_weight : tensor of shape (B,), default=None
            None is 1 for each row.
        error : tensor of shape (B, P), default=None
            Standard deviations of the known errors of Y, in its units. None is 0.

        Returns
        -------
        scalar tensor
            In nats.
        """
        if error is not None:
            latents = latents._replace(error_variance=tf.transpose(tf.square(error)))
        rows = self.bound(latents, Y, self.points.astype(tf.as_dtype(Y.dtype).as_numpy_dtype))
        if sample_weight is not None:
            rows *= sample_weight
        total = tf.reduce_sum(tf.cast(rows, self.experts.noise_floor.dtype))
        return total * self.rows_per_row(Y)

    def rows_per_row(self, Y: tf.Tensor) -> tf.Tensor:
        """How many rows each of a batch stands for: ``N / B`` for Y (B, P), or 1 without N, a scalar."""
        if self.num_data is None:
            return tf.ones([], self.experts.noise_floor.dtype)
        n_rows, size = (tf.cast(n, self.experts.noise_floor.dtype) for n in (self.num_data, tf.shape(Y)[0]))
        return n_rows / size

    def elbo(self, data: Sequence[tf.Tensor]) -> tf.Tensor:
        """Lower bound on the log marginal likelihood.

        Parameters
        ----------
        data : tuple of tensors (X, Y), (X, Y, sample_weight) or (X, Y, sample_weight, error)
            Of shapes (B, D), (B, P), (B,) and (B, P).

        Returns
        -------
        scalar tensor
            In nats.
        """
        X, *targets = data
        return self.expected_log_lik(self.latents(X), *targets) - self.prior_kl()

    def log_prior_density(self) -> tf.Tensor:
        """Sum of the log densities of the trainable parameters under their priors, a scalar in nats."""
        together, terms = defaultdict(list), []
        for parameter in self.trainable_parameters:
            if parameter.prior is not None and parameter.prior_on is PriorOn.CONSTRAINED:
                together[id(parameter.prior), tuple(parameter.shape)].append(parameter)
            elif parameter.prior is not None:
                terms.append(parameter.log_prior_density())
        # Parameters that share a prior are asked for together, which saves many small operations.
        for parameters in together.values():
            terms.append(log_density(parameters[0].prior, stacked(parameters)))
        return tf.add_n(terms) if terms else tf.zeros([], gpflow.default_float())

    def maximum_log_likelihood_objective(self, data: Sequence[tf.Tensor]) -> tf.Tensor:
        """The :meth:`elbo` of ``data`` of the shapes told there, a scalar, as GPflow asks for it."""
        return self.elbo(data)

    def get_config(self) -> dict[str, Any]:
        """Describe the mixture by plain data, which :meth:`from_config` takes.

        Raises
        ------
        ConfigurationError
            If the bound has no name: give it one in
            :data:`~sklearn_mogpe.mixture_of_experts.BOUNDS`.
        """
        experts = describe(self.experts, ExpertsBase)
        config = {
            "experts": experts["experts"] if type(self.experts) is self.experts_class else experts,
            "gating_network": describe(self.gating_network, GatingNetworkBase),
            "bound": name_of(self.bound),
            "num_samples": len(self.points),
        }
        if self.num_data is not None:
            config["num_data"] = int(self.num_data)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MixtureOfExpertsBase:
        """Make a mixture from a description.

        Parameters
        ----------
        config : dict
            ``experts``, a list of their descriptions; ``gating_network``; and, unless they are as usual,
            ``bound``, ``num_samples`` and ``num_data``. Where ``"class"`` is missing, experts are of
            :class:`~sklearn_mogpe.experts.SVGPExpert` and the gate is of
            :class:`~sklearn_mogpe.gating_networks.SVGPGatingNetwork`.

        Returns
        -------
        MixtureOfExpertsBase
            Of the class whose method this is.

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        check_keys(config, ("experts", "gating_network", "bound", "num_samples", "num_data"))
        experts = config.get("experts")
        if isinstance(experts, dict):
            experts = make_at(make, config, "experts", None, ExpertsBase, cls.experts_class.__name__)
        else:
            experts = cls.experts_class.from_config({"experts": experts})
        gating_network = make_at(make, config, "gating_network", None, GatingNetworkBase, "SVGPGatingNetwork")
        options: dict[str, Any] = {
            key: check_count(config, key, 1) for key in ("num_samples", "num_data") if key in config
        }
        if "bound" in config:
            options["bound"] = make_at(choose, config, "bound", None, BOUNDS)
        return cls(experts, gating_network, **options)

    def predict_mixture(self, X: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Components of the predictive density at X.

        Parameters
        ----------
        X : tensor of shape (N, D)

        Returns
        -------
        weights : tensor of shape (N, C)
            Of K experts, C = K: their mixing probabilities. Where the noise varies, it is not known for sure,
            and each expert has as many components as stand for what it may be, one after another.
        means, variances : tensors of shape (N, C, P)
            Of y given each component, noise included, in units of y and their squares.
        """
        log_weights, means, variances = self.components(self.latents(X))
        return tf.exp(log_weights), means, variances

    def components(self, latents: Latents) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """What :meth:`predict_mixture` returns, but log weights, from the latent functions.

        Parameters
        ----------
        latents : Latents

        Returns
        -------
        log_weights : tensor of shape (N, C)
        means, variances : tensors of shape (N, C, P)
        """
        K = self.experts.num_experts
        log_weights = self.gating_network.integrated_log_mixing_probs(latents.gates)
        # E N(y; m, v + noise) as a sum over what the noise may be: J components for each expert
        noises, weights = latents.possible_noises()
        variances = tf.transpose(latents.experts.variance + noises, (3, 1, 0, 2))  # [N, K, J, P]
        means = tf.repeat(tf.transpose(latents.experts.mean, (2, 0, 1)), len(weights), axis=1)
        log_weights = log_weights[:, :, None] + np.log(weights)
        return tf.reshape(log_weights, [-1, K * len(weights)]), means, tf.reshape(variances, tf.shape(means))

    def predict_mixing_probs(self, X: tf.Tensor) -> tf.Tensor:
        """Mixing probabilities at X (N, D), of shape (N, K)."""
        return tf.exp(self.gating_network.integrated_log_mixing_probs(self.latents(X).gates))

    def predict_experts_dists(self, X: tf.Tensor) -> tfp.distributions.Normal:
        """Each expert's distribution of y at X (N, D), of batch shape (N, K, P), in units of y.

        Where the noise varies, and is not known for sure, a normal of the same mean and variance.
        """
        latents, axes = self.latents(X), (2, 0, 1)
        variance = tf.transpose(latents.experts.variance + latents.expected_noise(), axes)
        return tfd.Normal(tf.transpose(latents.experts.mean, axes), tf.sqrt(variance))

    def predict_y(self, X: tf.Tensor) -> tfp.distributions.MixtureSameFamily:
        """Distribution of y at X (N, D), of batch shape (N,) and event shape (P,), in units of y."""
        log_weights, means, variances = self.components(self.latents(X))
        return tfd.MixtureSameFamily(
            tfd.Categorical(logits=log_weights), tfd.MultivariateNormalDiag(means, tf.sqrt(variances))
        )

    def predict_y_samples(self, X: tf.Tensor, num_samples: int = 1, seed: Any = None) -> tf.Tensor:
        """Independent draws of y at X.

        Parameters
        ----------
        X : tensor of shape (N, D)
        num_samples : int, default=1
            Number of draws at each row.
        seed : int or pair of int, default=None
            As for ``tfp.distributions``; a pair makes the draws a function of the seed alone.

        Returns
        -------
        tensor of shape (num_samples, N, P)
            In units of y.
        """
        return self.predict_y(X).sample(num_samples, seed=seed)


def _inducing_inputs(part: gpflow.Module) -> list[Array]:
    parts = (part, *part.submodules)
    return [module.Z.numpy() for module in parts if isinstance(module, InducingPoints)]


class MixtureOfExperts(MixtureOfExpertsBase):
    """A mixture of any experts under any gating network.

    Parameters
    ----------
    experts : ExpertsBase
        K experts with P outputs.
    gating_network : GatingNetworkBase
        Probabilities of K experts.
    bound : {"tight", "further_gating", "further", "predictive"} or callable, default="tight"
        What is maximised, see :mod:`sklearn_mogpe.mixture_of_experts.bounds`.
    num_samples : int, default=32
        S, the even number of fixed quasi-random points that stand for the bound's expectation.
    num_data : int, default=None
        N. If given, the sum over a batch's B rows is scaled by N / B to stand for all rows.

    Raises
    ------
    ValueError
        If the numbers of experts differ, or the bound is not known.
    """

    def latents(self, X: tf.Tensor) -> Latents:
        """Return the latent functions of experts and gate at X (N, D)."""
        return Latents(
            self.experts.marginals(X),
            self.experts.noise_variance(X),
            self.gating_network.marginals(X),
            self.gating_network,
            self.experts.log_noise(X),
            self.experts.noise_floor,
        )
