"""A gating network of sparse variational Gaussian processes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from gpflow.kernels import Kernel

from ..descriptions.errors import at, make_each
from ..descriptions.grammar import check_gate_functions, num_gate_functions, read_gate
from ..gps import Marginals, SparseGP, log_softmax, log_sum_exp, marginals, prior_kl, safe_sqrt
from ..gps.configuration import held, process_arguments
from ..predictive.quadrature import normal_points, symmetric_points
from .base import GatingNetworkBase
from .probit import log_probit


class SVGPGatingNetwork(GatingNetworkBase):
    """Mixing probabilities from sparse variational GPs, shared by all outputs.

    Two experts take one latent function and a probit, ``Pr(1) = Phi(h)``, ``Pr(2) = Phi(-h)``; K > 2
    experts take K functions and a softmax; a single expert takes none (Scannell, Ek and Richards 2021).

    Parameters
    ----------
    kernel : gpflow.kernels.Kernel, default=None
        Shared by the latent functions, or ``SeparateIndependent`` with one kernel for each. A single expert
        needs none, nor an inducing variable.
    inducing_variable : gpflow.inducing_variables.InducingVariables or array of shape (M, D), default=None
    num_experts : int, default=2
        K.
    mean_function : callable, default=None
    q_diag : bool, default=False
    q_mu : array of shape (M, H), default=None
    q_sqrt : array of shape (H, M, M), or (M, H) with ``q_diag``, default=None
        These four as for :class:`~sklearn_mogpe.gps.SparseGP`.
    functions : sequence of SparseGP, default=None
        The latent functions one by one, in place of all of these but ``num_experts``.

    Attributes
    ----------
    gps : list of SparseGP
        The latent functions: one object for all, or one for each; none for a single expert.

    Raises
    ------
    ValueError
        If the latent functions are not as many as the experts need.
    """

    def __init__(
        self,
        kernel: Kernel | None = None,
        inducing_variable: Any = None,
        *,
        num_experts: int = 2,
        mean_function: Any = None,
        q_diag: bool = False,
        q_mu: Any = None,
        q_sqrt: Any = None,
        functions: Sequence[SparseGP] | None = None,
    ):
        super().__init__()
        self.num_experts = num_experts
        self.num_latent_gps = num_gate_functions(num_experts)
        self.gps = [] if functions is None else list(functions)
        if functions is None and kernel is not None and self.num_latent_gps:
            gp = SparseGP(
                kernel,
                inducing_variable,
                num_latent_gps=self.num_latent_gps,
                mean_function=mean_function,
                q_diag=q_diag,
                q_mu=q_mu,
                q_sqrt=q_sqrt,
            )
            self.gps.append(gp)
        check_gate_functions(num_experts, sum(gp.num_latent_gps for gp in self.gps))

    def marginals(self, X: tf.Tensor) -> Marginals:
        """Marginals of the latent functions at X (N, D), each of shape (H, N)."""
        return self.join(marginals(self.gps, X), X)

    def join(self, parts: list[Marginals], X: tf.Tensor) -> Marginals:
        """The marginals of ``gps`` side by side.

        Parameters
        ----------
        parts : list of Marginals of shape (L, N)
            One for each of ``gps``, each with its own L.
        X : tensor of shape (N, D)
            Where they are.

        Returns
        -------
        Marginals of shape (H, N)
            For a single expert, of shape (0, N).
        """
        if len(parts) > 1:
            return Marginals(*(tf.concat(values, 0) for values in zip(*parts, strict=True)))
        if parts:
            return parts[0]
        nothing = tf.zeros([0, tf.shape(X)[0]], X.dtype)
        return Marginals(nothing, nothing, nothing)

    def log_mixing_probs(
        self, h: tf.Tensor, variance: tf.Tensor | None = None, num_points: int | None = None
    ) -> tf.Tensor:
        """Log of the mixing probabilities given the latent functions.

        The integral has a closed form for two experts (Rasmussen and Williams 2006, section 3.9).

        Parameters
        ----------
        h : tensor of shape (..., H, N)
            Values of the latent functions, or their means.
        variance : tensor of shape (H, N), default=None
            If given, the functions are Gaussian with mean ``h``, and are integrated out.
        num_points : int, default=None
            For more than two experts, the even number of quasi-random points of that integral. None is the
            rule of 2 H points of Stroud (1971), for training.

        Returns
        -------
        tensor of shape (..., K, N)
        """
        if self.num_experts == 1:
            return tf.zeros_like(tf.reduce_sum(h, -2, keepdims=True))
        if self.num_experts == 2:
            return log_probit(h if variance is None else h / tf.sqrt(1.0 + variance))
        if variance is None:
            return log_softmax(h, -2)
        # log 1/J sum_j softmax(h + sqrt(variance) e_j), the fixed points e_j on a new leading axis
        H = self.num_latent_gps
        points = symmetric_points(H) if num_points is None else normal_points(num_points, H)
        J = len(points)
        points = tf.constant(points.reshape(J, *[1] * (len(h.shape) - 2), H, 1), h.dtype)
        return log_sum_exp(log_softmax(h + safe_sqrt(variance) * points, -2), 0)[0] - np.log(J)

    def prior_kl(self) -> tf.Tensor:
        """KL of the variational posterior of the inducing variables from their prior, a scalar in nats."""
        return prior_kl(self.gps)

    def get_config(self) -> dict[str, Any]:
        """Describe the gate by plain data, which :meth:`from_config` takes."""
        functions = [gp.get_config() for gp in self.gps]
        if len(functions) == 1:
            (own,) = functions
            own.pop("num_latent_gps")
        else:
            own = {"functions": functions} if functions else {}
        return {"num_experts": self.num_experts, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SVGPGatingNetwork":
        """Make a gate from a description.

        Parameters
        ----------
        config : dict
            ``num_experts``, 2 unless given, ``trainable``, and the keys of a sparse GP, see
            :mod:`sklearn_mogpe.gps.configuration`; or in their place ``functions``, a list of dicts of such
            keys, one for each latent function. A single expert needs none.

        Returns
        -------
        SVGPGatingNetwork

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        spec = read_gate(config)
        K = spec["num_experts"]
        if K == 1:
            return cls(num_experts=1)
        if "functions" not in spec:
            return held(cls(num_experts=K, **process_arguments(spec)), spec)
        with at("functions"):
            functions = make_each(SparseGP.from_config, spec["functions"])
        return held(cls(num_experts=K, functions=functions), spec)
