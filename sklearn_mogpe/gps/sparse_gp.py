"""A set of independent sparse variational Gaussian processes over one input."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import gpflow
import numpy as np
import tensorflow as tf
from gpflow.inducing_variables import InducingVariables, MultioutputInducingVariables
from gpflow.kernels import IndependentLatent, Kernel, MultioutputKernel
from gpflow.models.util import inducingpoint_wrapper

from ..descriptions.errors import Configurable
from ..descriptions.grammar import read_gp
from .configuration import describe_process, held, process_arguments
from .stacking import concatenated


class SparseGP(gpflow.Module, Configurable):
    """L independent latent functions, each a sparse variational Gaussian process.

    Latent function l has the prior ``h_l ~ GP(c_l, k_l)``. It is summarised by its values at M inducing
    points, whitened as ``u_l = c_l(Z) + chol(K_uu) v_l`` with
    ``q(v_l) = N(q_mu[:, l], q_sqrt[l] q_sqrt[l]^T)`` and prior ``p(v_l) = N(0, I)``
    (Hensman, Matthews and Ghahramani 2015, in the whitened form of GPflow's ``SVGP(whiten=True)``).

    Parameters
    ----------
    kernel : gpflow.kernels.Kernel
        A plain kernel (or ``SharedIndependent``) is shared by the latent functions, which then also share
        one Cholesky factor; ``SeparateIndependent`` gives each its own.
    inducing_variable : gpflow.inducing_variables.InducingVariables or array of shape (M, D)
        Shared by the latent functions, or ``SeparateIndependentInducingVariables`` with one for each.
    num_latent_gps : int, default=1
        L.
    mean_function : callable, default=None
        The prior mean ``c``, usually of ``gpflow.functions``: maps (N, D) to (N, L) or (N, 1). None is zero.
    q_diag : bool, default=False
        Keep only the diagonal of ``q_sqrt``.
    q_mu : array of shape (M, L), default=None
        Start of the variational mean. None is zero.
    q_sqrt : array of shape (L, M, M), or (M, L) with ``q_diag``, default=None
        Start of the variational covariance's root. None is the identity, so that q is the prior.

    Raises
    ------
    ValueError
        If the number of kernels or of inducing variables is neither 1 nor L, if the inducing variables
        differ in number, or if the kernel mixes its latent functions.
    """

    def __init__(
        self,
        kernel: Kernel,
        inducing_variable: Any,
        *,
        num_latent_gps: int = 1,
        mean_function: Any = None,
        q_diag: bool = False,
        q_mu: Any = None,
        q_sqrt: Any = None,
    ):
        super().__init__()
        if isinstance(kernel, IndependentLatent):
            raise ValueError(
                f"Expected a kernel of independent latent GPs, got {type(kernel).__name__}, which mixes "
                "them; use SharedIndependent or SeparateIndependent."
            )
        self.kernel = kernel
        self.inducing_variable = inducingpoint_wrapper(inducing_variable)
        self.mean_function = mean_function
        self.num_latent_gps = num_latent_gps
        self.q_diag = q_diag
        sizes = {int(variable.num_inducing) for _, variable in self.latents}
        if len(sizes) != 1:
            raise ValueError(
                f"Expected equally many inducing points for each latent GP, got {sorted(sizes)}."
            )
        (self.num_inducing,) = sizes

        M, L = self.num_inducing, num_latent_gps
        q_mu = np.zeros((M, L)) if q_mu is None else q_mu
        if q_sqrt is None:
            q_sqrt = np.ones((M, L)) if q_diag else np.tile(np.eye(M), (L, 1, 1))
        transform = gpflow.utilities.positive() if q_diag else gpflow.utilities.triangular()
        self.q_mu = gpflow.Parameter(q_mu)
        self.q_sqrt = gpflow.Parameter(q_sqrt, transform=transform)

    @property
    def latents(self) -> list[tuple[Kernel, InducingVariables]]:
        """The kernel and the inducing variable of each of the L latent functions."""
        kernel, variable = self.kernel, self.inducing_variable
        kernels = kernel.latent_kernels if isinstance(kernel, MultioutputKernel) else [kernel]
        multioutput = isinstance(variable, MultioutputInducingVariables)
        variables = variable.inducing_variables if multioutput else [variable]
        return list(
            zip(
                self._one_each(kernels, "kernels"),
                self._one_each(variables, "inducing variables"),
                strict=True,
            )
        )

    @property
    def factors(self) -> list[tuple[Kernel, InducingVariables]]:
        """The distinct ones among :attr:`latents`: one that all latent functions share, or one for each."""
        first, *others = latents = self.latents
        same = all(part is shared for other in others for part, shared in zip(other, first, strict=True))
        return [first] if same else latents

    @property
    def num_sharing(self) -> int:
        """Number of latent functions that share each of :attr:`factors`."""
        return self.num_latent_gps // len(self.factors)

    @property
    def lengthscales(self) -> list[gpflow.Parameter]:
        """Lengthscales of all parts of the kernel that have such, in units of X."""
        parts = (self.kernel, *self.kernel.submodules)
        found = (getattr(part, "lengthscales", None) for part in parts)
        return [lengthscales for lengthscales in found if isinstance(lengthscales, gpflow.Parameter)]

    @property
    def variational_parameters(self) -> list[gpflow.Parameter]:
        """What is there for the approximation only: q, and the inducing inputs."""
        return [self.q_mu, self.q_sqrt, *self.inducing_variable.parameters]

    def _one_each(self, parts: Sequence[Any], what: str) -> Sequence[Any]:
        if len(parts) not in (1, self.num_latent_gps):
            raise ValueError(
                f"Expected 1 or {self.num_latent_gps} {what}, one per latent GP, got {len(parts)}."
            )
        return [parts[0]] * self.num_latent_gps if len(parts) == 1 else parts

    def prior_kl(self) -> tf.Tensor:
        """Sum over the latent functions of ``KL(q(v) || N(0, I))``, a scalar in nats."""
        return gpflow.kullback_leiblers.gauss_kl(self.q_mu, self.q_sqrt)

    def get_config(self) -> dict[str, Any]:
        """Describe the processes by plain data, which :meth:`from_config` takes."""
        return {"num_latent_gps": self.num_latent_gps, **describe_process(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SparseGP":
        """Make processes from a description.

        Parameters
        ----------
        config : dict
            Keys of a sparse GP, see :mod:`sklearn_mogpe.gps.configuration`, ``num_latent_gps`` and
            ``trainable``.

        Returns
        -------
        SparseGP

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        spec = read_gp(config)
        return held(cls(num_latent_gps=spec["num_latent_gps"], **process_arguments(spec)), spec)


def sparse_gps(module: gpflow.Module) -> list[SparseGP]:
    """All sparse GPs of which a module consists, itself among them if it is one."""
    return [part for part in (module, *module.submodules) if isinstance(part, SparseGP)]


def model_parameters(module: gpflow.Module) -> dict[str, gpflow.Parameter]:
    """Parameters of a module by their paths in it, without the variational ones of its sparse GPs."""
    variational = {id(p) for gp in sparse_gps(module) for p in gp.variational_parameters}
    found = gpflow.utilities.parameter_dict(module).items()
    return {path: p for path, p in found if isinstance(p, gpflow.Parameter) and id(p) not in variational}


def batches(gps: Sequence[SparseGP]) -> list[list[SparseGP]]:
    """Groups of GPs whose q have one form, in the order of their first ones."""
    groups = defaultdict(list)
    for gp in gps:
        groups[gp.num_inducing, gp.q_diag].append(gp)
    return list(groups.values())


def joint_q(gps: Sequence[SparseGP]) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and root of q of all L latent functions of some GPs side by side.

    Parameters
    ----------
    gps : sequence of SparseGP
        With equally many inducing points, and all of them diagonal or none.

    Returns
    -------
    q_mu : tensor of shape (M, L)
    q_sqrt : tensor of shape (L, M, M), or (M, L) if diagonal
    """
    q_mu, roots = tf.concat([gp.q_mu for gp in gps], 1), [gp.q_sqrt for gp in gps]
    return q_mu, tf.concat(roots, 1) if gps[0].q_diag else concatenated(roots)
