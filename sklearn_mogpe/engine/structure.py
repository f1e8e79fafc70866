"""What decides the graph of a model: experts, kernels and the bound, but no values and no sizes of data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import gpflow
import numpy as np
import tensorflow_probability as tfp
from gpflow.kernels import Kernel, SeparateIndependent

from ..descriptions.errors import at
from ..descriptions.read import AS_USUAL, ISO, KERNEL_NAMES, Frozen, is_as_usual
from ..experts import Experts, SVGPExperts
from ..gps import configuration
from ..mixture_of_experts import MixtureOfExperts, MixtureOfExpertsBase, MixtureOfSVGPExperts
from .parts import Defaults, make_expert, make_gate

KERNELS = {name: configuration.KERNELS[name.removesuffix(ISO)][0] for name in KERNEL_NAMES}

# Means of the exponential priors of kernel variances, in standardised units. They cost next to nothing where
# functions keep to the range of the data, and hold those back that the data does not: an expert that speaks
# nowhere. A smooth function without noise is a small part of one of great variance and great lengthscales;
# a gate may swing as far as sharp borders need.
EXPERT_VARIANCE_MEAN = 400.0
GATE_VARIANCE_MEAN = 200.0

# That of the functions of a noise that varies, which are logarithms: a standard deviation is a factor.
NOISE_GP_VARIANCE_MEAN = 2.0

# Median, in standard deviations of a feature, and standard deviation of the logarithm, of the log-normal
# prior of lengthscales. A density of the lengthscale itself, it leans to short ones, by about a nat for each
# factor of e, so that features, and doubt far from the data, are not lost too soon.
LENGTHSCALE_MEDIAN, LENGTHSCALE_SPREAD = 3.0, 2.0

# All features together lean no more than so many: those of 80 would outweigh what 150 rows say.
LEANING_FEATURES = 10

# Under this bound inducing inputs are variational parameters: moving them can only bring q nearer. Under the
# others they are part of the model, and would move to where they explain noise by what they leave open.
TRAINS_INDUCING_INPUTS = ("further", "predictive")

KernelSpec = str | Callable[[int], Kernel]


class KernelPriors(NamedTuple):
    """Priors of the parameters of kernels that are given by name, for standardised data."""

    variance: tfp.distributions.Distribution
    lengthscales: tfp.distributions.Distribution


@dataclass(frozen=True)
class Structure:
    """Everything that two fits must share to run the same compiled graph.

    Attributes
    ----------
    kernels : tuple of K kernel names or callables ``input_dim -> gpflow.kernels.Kernel``
    gating_kernel : kernel name or callable
    n_outputs, n_samples : int
        P and S.
    bound : {"tight", "further_gating", "further"} or callable
    dtype : {"float64", "float32"}
    device : str
        A device's name, or ``"auto"`` for TensorFlow's choice.
    n_features : int, default=None
        D, which a kernel that a callable makes may depend on, what is described, and the priors of many
        features. None if all kernels are known by their names: their graphs take any number of features up
        to ``LEANING_FEATURES``.
    experts : tuple of K descriptions, default=None
        See :mod:`sklearn_mogpe.descriptions.read`. None is as usual.
    gating_network : description, default=None
    n_inducing : int, default=None
        M, the largest of all parts, on which the graphs of described models depend. None is any.
    noise : {"constant", "varying"}, default="constant"
        Of the experts.
    """

    kernels: tuple[KernelSpec, ...]
    gating_kernel: KernelSpec
    n_outputs: int
    n_samples: int
    bound: str | Callable
    dtype: str = "float64"
    device: str = "auto"
    n_features: int | None = None
    experts: tuple[Frozen, ...] | None = None
    gating_network: Frozen | None = None
    n_inducing: int | None = None
    noise: str = "constant"

    @property
    def n_experts(self) -> int:
        """K."""
        return len(self.kernels)

    @property
    def is_usual(self) -> bool:
        """Whether kernels are known by their names, and nothing is described or of one's own."""
        names = (*self.kernels, self.gating_kernel, self.bound)
        return self.n_inducing is None and all(isinstance(name, str) for name in names)

    def to_dict(self) -> dict:
        """All that a fitted model keeps of its structure: the device is the machine's affair."""
        return {name: value for name, value in vars(self).items() if name != "device"}

    def build(self, n_features: int, n_inducing: int) -> MixtureOfExpertsBase:
        """Make a model of this structure with meaningless inducing inputs."""
        return self.build_at(np.linspace(-1.0, 1.0, n_inducing)[:, None] * np.ones(n_features))

    def build_at(self, Z: np.ndarray) -> MixtureOfExpertsBase:
        """Make a model of this structure, as described or else with meaningless values; q is the prior.

        Parameters
        ----------
        Z : array of shape (M, D)
            Inducing inputs, of which each Gaussian process takes the first.

        Raises
        ------
        ConfigurationError
            If a description is not as expected.
        """
        D, trains = Z.shape[1], self.bound in TRAINS_INDUCING_INPUTS
        # The density of l has its mode at exp(loc - spread^2), that of log l at exp(loc), upright.
        upright = LENGTHSCALE_SPREAD**2 * (1.0 - min(1.0, LEANING_FEATURES / D))
        lengthscale = tfp.distributions.LogNormal(
            *np.array([np.log(LENGTHSCALE_MEDIAN) + upright, LENGTHSCALE_SPREAD], gpflow.default_float())
        )
        priors = KernelPriors(_exponential(EXPERT_VARIANCE_MEAN), lengthscale)
        gate_priors = KernelPriors(_exponential(GATE_VARIANCE_MEAN), lengthscale)
        noise_priors = KernelPriors(_exponential(NOISE_GP_VARIANCE_MEAN), lengthscale)
        noise = Defaults(Z, trains, partial(self._one_each, "rbf", D, noise_priors))
        experts = []
        for place, (spec, description) in enumerate(zip(self.kernels, self._experts, strict=True)):
            defaults = Defaults(Z, trains, partial(self._one_each, spec, D, priors))
            with at("experts", place):
                own = make_expert(description, self.n_outputs, defaults, noise, self.noise == "varying")
                experts.append(own)
        defaults = Defaults(Z, trains, partial(make_kernel, self.gating_kernel, D, gate_priors))
        with at("gating_network"):
            gating_network = make_gate(self._gate, self.n_experts, defaults)
        S = self.n_samples
        if any(map(callable, (*self._experts, self._gate))):
            return MixtureOfExperts(Experts(experts), gating_network, bound=self.bound, num_samples=S)
        return MixtureOfSVGPExperts(SVGPExperts(experts), gating_network, bound=self.bound, num_samples=S)

    @property
    def experts_as_usual(self) -> list[int]:
        """Places of the experts of which nothing is described but their inducing points."""
        return [k for k, description in enumerate(self._experts) if is_as_usual(description)]

    @property
    def has_usual_gate(self) -> bool:
        """Whether nothing is described of the gate but its inducing points."""
        return is_as_usual(self._gate)

    @property
    def _experts(self):
        return self.experts or (AS_USUAL,) * self.n_experts

    @property
    def _gate(self):
        return self.gating_network or AS_USUAL

    def _one_each(self, spec, n_features, priors):
        """A kernel for each output."""
        kernels = [make_kernel(spec, n_features, priors) for _ in range(self.n_outputs)]
        return kernels[0] if self.n_outputs == 1 else SeparateIndependent(kernels)


def _exponential(mean):
    return tfp.distributions.Exponential(np.asarray(1.0 / mean, gpflow.default_float()))


def make_kernel(spec: KernelSpec, input_dim: int, priors: KernelPriors) -> Kernel:
    """Make a kernel by a callable, or by its name: with a lengthscale per input, or one, and priors."""
    if callable(spec):
        return spec(input_dim)
    kernel = KERNELS[spec](lengthscales=1.0 if spec.endswith(ISO) else np.ones(input_dim))
    kernel.variance.prior, kernel.lengthscales.prior = priors
    return kernel
