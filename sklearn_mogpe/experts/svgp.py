"""Experts that are sparse variational Gaussian processes."""

from collections.abc import Sequence
from typing import Any

import gpflow
import tensorflow as tf
from gpflow import Parameter
from gpflow.kernels import Kernel
from gpflow.likelihoods import Gaussian

from ..descriptions.errors import ConfigurationError, make_at
from ..descriptions.grammar import read_expert
from ..gps import Marginals, SparseGP, marginals, stacked
from ..gps.configuration import (
    describe_function,
    describe_parameter,
    describe_process,
    held,
    make_function,
    make_parameter,
    process_arguments,
)
from .base import ExpertBase, ExpertsBase, stack_marginals, zero_marginals


class SVGPExpert(ExpertBase):
    """An expert whose P latent functions are independent sparse variational GPs.

    Takes what ``gpflow.models.SVGP`` takes.

    Parameters
    ----------
    kernel : gpflow.kernels.Kernel
        Shared by the outputs, or ``SeparateIndependent`` with one kernel for each.
    likelihood : gpflow.likelihoods.Gaussian
        The noise. Its variance may be a scalar, of shape (P,) for a noise per output, or a GPflow function
        of x.
    inducing_variable : gpflow.inducing_variables.InducingVariables or array of shape (M, D)
    num_outputs : int, default=1
        P.
    mean_function : callable, default=None
    q_diag : bool, default=False
    q_mu : array of shape (M, P), default=None
    q_sqrt : array of shape (P, M, M), or (M, P) with ``q_diag``, default=None
        These four as for :class:`~sklearn_mogpe.gps.SparseGP`.
    noise_gp : SparseGP, default=None
        Of P latent functions g, which let the noise change with x: its variance is that of the likelihood
        times ``exp(g(x))``. A log variance with a Gaussian process prior, as in Goldberg, Williams and Bishop
        (1998), "Regression with input-dependent noise".

    Raises
    ------
    ValueError
        If the likelihood is not Gaussian, or ``noise_gp`` has another number of functions.
    """

    def __init__(
        self,
        kernel: Kernel,
        likelihood: Gaussian,
        inducing_variable: Any,
        *,
        num_outputs: int = 1,
        mean_function: Any = None,
        q_diag: bool = False,
        q_mu: Any = None,
        q_sqrt: Any = None,
        noise_gp: SparseGP | None = None,
    ):
        super().__init__()
        if not isinstance(likelihood, Gaussian):
            raise ValueError(
                f"Expected a gpflow.likelihoods.Gaussian, got {type(likelihood).__name__}; the bounds "
                "integrate Gaussian noise in closed form."
            )
        self.num_outputs = num_outputs
        self.likelihood = likelihood
        self.gp = SparseGP(
            kernel,
            inducing_variable,
            num_latent_gps=num_outputs,
            mean_function=mean_function,
            q_diag=q_diag,
            q_mu=q_mu,
            q_sqrt=q_sqrt,
        )
        if noise_gp is not None and noise_gp.num_latent_gps != num_outputs:
            raise ValueError(
                f"Expected noise_gp with num_latent_gps={num_outputs}, a function for each output, got "
                f"{noise_gp.num_latent_gps}."
            )
        self.noise_gp = noise_gp
        self.noise_varies = noise_gp is not None

    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of the expert's latent functions at X (N, D), each of shape (P, N)."""
        (result,) = marginals([self.gp], X)
        return result

    def noise_variance(self, X: tf.Tensor) -> tf.Tensor:
        """Variance of the noise at X (N, D), of shape (P, N), in squared units of y."""
        F = tf.zeros([tf.shape(X)[0], self.num_outputs], X.dtype)
        return tf.transpose(self.likelihood.conditional_variance(X, F))

    def log_noise(self, X: tf.Tensor) -> Marginals:
        """Marginals of the functions of ``noise_gp`` at X (N, D), each of shape (P, N)."""
        (result,) = marginals(self.gps[1:], X)
        return result

    def prior_kl(self) -> tf.Tensor:
        """KL of the variational posterior of the inducing variables from their prior, a scalar in nats."""
        return tf.add_n([gp.prior_kl() for gp in self.gps])

    @property
    def gps(self) -> list[SparseGP]:
        """The expert's Gaussian processes: that of its functions, and that of its noise, if it has one."""
        return [self.gp] if self.noise_gp is None else [self.gp, self.noise_gp]

    def get_config(self) -> dict[str, Any]:
        """Describe the expert by plain data, which :meth:`from_config` takes.

        Raises
        ------
        ConfigurationError
            If the likelihood has a scale in place of a variance.
        """
        noise = self.likelihood.variance
        if noise is None:
            raise ConfigurationError("expected a variance, got a likelihood with a scale", "noise_variance")
        describe = describe_parameter if isinstance(noise, Parameter) else describe_function
        config = {
            "num_outputs": self.num_outputs,
            "noise_variance": describe(noise),
            **describe_process(self.gp),
        }
        return config if self.noise_gp is None else {**config, "noise_gp": describe_process(self.noise_gp)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SVGPExpert":
        """Make an expert from a description.

        Parameters
        ----------
        config : dict
            Keys of a sparse GP, see :mod:`sklearn_mogpe.gps.configuration`; ``num_outputs``; ``trainable``;
            ``noise_variance``, 1 unless given: a number, a list of one for each output, or a function; and,
            if the noise varies, ``noise_gp``, a dict of the keys of a sparse GP.

        Returns
        -------
        SVGPExpert

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        spec = read_expert(config, smallest_noise=gpflow.config.default_likelihood_positive_minimum())
        likelihood = Gaussian(make_at(_make_noise, spec, "noise_variance"))
        arguments, P = process_arguments(spec), spec["num_outputs"]
        noise_gp = None
        if "noise_gp" in spec:
            noise_gp = make_at(_make_gp, spec, "noise_gp", None, P)
        return held(cls(likelihood=likelihood, num_outputs=P, noise_gp=noise_gp, **arguments), spec)


class SVGPExperts(ExpertsBase):
    """K sparse variational GP experts, evaluated in one batched computation.

    Parameters
    ----------
    experts : sequence of SVGPExpert
        K experts with the same number of outputs.

    Raises
    ------
    ValueError
        If an expert is of another class, there is none, or their numbers of outputs differ.
    """

    def __init__(self, experts: Sequence[SVGPExpert]):
        super().__init__(experts)
        others = sorted({type(e).__name__ for e in self.experts if not isinstance(e, SVGPExpert)})
        if others:
            raise ValueError(f"Expected experts of SVGPExpert, got {others}; try Experts, which takes any.")

    @property
    def gps(self) -> list[SparseGP]:
        """The experts' Gaussian processes: those of their functions, then those of their noise."""
        noises = [expert.noise_gp for expert in self.experts if expert.noise_gp is not None]
        return [*(expert.gp for expert in self.experts), *noises]

    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of all experts' latent functions at X (N, D), each of shape (K, P, N)."""
        return stack_marginals(marginals(self.gps[: self.num_experts], X))

    def join(self, parts: Sequence[Marginals], X: tf.Tensor) -> tuple[Marginals, Marginals | None]:
        """The marginals of ``gps`` as those of the experts' functions and of their noise.

        Parameters
        ----------
        parts : sequence of Marginals of shape (P, N)
            One for each of ``gps``.
        X : tensor of shape (N, D)
            Where they are.

        Returns
        -------
        functions, log_noise : Marginals of shape (K, P, N)
            As of :meth:`marginals` and of :meth:`log_noise`; the second is None if nobody's noise varies.
        """
        functions = stack_marginals(parts[: self.num_experts])
        if not self.noise_varies:
            return functions, None
        noises, nothing = iter(parts[self.num_experts :]), zero_marginals(self.num_outputs, X)
        own = [next(noises) if expert.noise_varies else nothing for expert in self.experts]
        return functions, stack_marginals(own)

    def noise_variance(self, X: tf.Tensor) -> tf.Tensor:
        """Variance of all experts' noise at X (N, D), of shape (K, P, N), in squared units of y."""
        variances = [expert.likelihood.variance for expert in self.experts]
        if not all(_is_constant(variance, self.num_outputs) for variance in variances):
            return super().noise_variance(X)
        return tf.tile(tf.cast(stacked(variances), X.dtype)[:, :, None], [1, 1, tf.shape(X)[0]])


def _make_noise(spec: Any) -> Any:
    return make_parameter(spec) if isinstance(spec, dict) and "value" in spec else make_function(spec)


def _make_gp(spec: dict[str, Any], num_latent_gps: int) -> Any:
    return held(SparseGP(num_latent_gps=num_latent_gps, **process_arguments(spec)), spec)


def _is_constant(variance: Any, num_outputs: int) -> bool:
    return isinstance(variance, Parameter) and variance.shape == [num_outputs]
