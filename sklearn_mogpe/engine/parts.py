"""Experts and gates from an estimator's descriptions, see :mod:`sklearn_mogpe.descriptions.read`."""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from gpflow.kernels import Kernel

from ..descriptions.read import Frozen
from ..experts import ExpertBase, SVGPExpert
from ..gating_networks import GatingNetworkBase, SVGPGatingNetwork

# Noise variance where none is described.
NOISE_VARIANCE = 0.1


class Defaults(NamedTuple):
    """What a sparse GP has that its description does not say.

    Attributes
    ----------
    Z : array of shape (M, D)
        Inducing inputs, of which it takes the first.
    trains_inducing_inputs : bool
    make_kernel : callable returning Kernel
    """

    Z: np.ndarray
    trains_inducing_inputs: bool
    make_kernel: Callable[[], Kernel]

    def complete(self, config: dict) -> dict:
        """A description as ``from_config`` takes it."""
        inducing = config.get("inducing", {})
        Z = self.Z[: inducing.get("num", len(self.Z))]
        trainable = inducing.get("trainable", self.trains_inducing_inputs)
        config = {**config, "inducing": {"Z": Z, "trainable": trainable}}
        return config if "kernel" in config else {**config, "kernel": self.make_kernel()}


def make_expert(
    description: Frozen, num_outputs: int, defaults: Defaults, noise_defaults: Defaults, noise_varies: bool
) -> ExpertBase:
    """Make an expert of P outputs, whose noise varies if that is wanted of all or described of it.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    ValueError
        If a callable makes anything else.
    """
    P = num_outputs
    if callable(description):
        return _call(description, defaults.Z, ExpertBase, "num_outputs", P)
    config = json.loads(description)
    noise = config.get("noise_variance", {})
    if isinstance(noise, dict) and "name" not in noise:
        noise = {"value": np.full(P, NOISE_VARIANCE), **noise}
    if noise_varies or "noise_gp" in config:  # as many inducing points as the expert's own, unless it is said
        inducing = {"inducing": config.get("inducing", {})}
        config["noise_gp"] = noise_defaults.complete({**inducing, **config.get("noise_gp", {})})
    return SVGPExpert.from_config({**defaults.complete(config), "noise_variance": noise, "num_outputs": P})


def make_gate(description: Frozen, num_experts: int, defaults: Defaults) -> GatingNetworkBase:
    """Make a gate of K experts; see :func:`make_expert`."""
    K = num_experts
    if K == 1:
        return SVGPGatingNetwork(num_experts=1)
    if callable(description):
        return _call(description, defaults.Z, GatingNetworkBase, "num_experts", K)
    config = json.loads(description)
    if "functions" in config:
        config["functions"] = [defaults.complete(function) for function in config["functions"]]
    else:
        config = defaults.complete(config)
    return SVGPGatingNetwork.from_config({**config, "num_experts": K})


def _call(make, Z, base, count, expected):
    part = make(Z.shape[1], expected, Z)
    if not isinstance(part, base) or getattr(part, count, None) != expected:
        raise ValueError(f"Expected {base.__name__} with {count}={expected} from {make!r}, got {part!r}.")
    return part
