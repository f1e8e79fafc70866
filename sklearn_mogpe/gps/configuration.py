"""GPflow's parameters, priors, kernels, functions and inducing variables as plain descriptions.

======================  ====================================================================================
value of a parameter    a number, nested lists, or ``{"value": ..., "trainable": False, "prior": {...}}``, of
                        which each may be missing
prior                   ``{"name": "gamma", "concentration": 2.0, "rate": 1.0}``, see :data:`PRIORS`; with
                        ``"on": "unconstrained"`` of the unconstrained value
kernel                  ``{"name": "rbf", "lengthscales": 0.5, "variance": 1.0, "active_dims": [0]}``, see
                        :data:`KERNELS`; ``{"name": "periodic", "period": 1.0, "base": {...}}``;
                        ``{"sum": [...]}`` and ``{"product": [...]}``; a list is one for each latent function
function                ``{"name": "zero"}``, ``{"name": "constant", "c": 1.0}`` or
                        ``{"name": "linear", "A": [[1.0]], "b": 0.0}``
inducing variable       ``{"Z": [[...], ...]}``; a list is one for each latent function
sparse GP               ``inducing``, ``kernel``, ``mean_function``, ``q_diag``, ``q_mu`` and ``q_sqrt``, of
                        which a single number means all elements of the mean, and all of the root's diagonal;
                        only ``inducing`` is needed
======================  ====================================================================================

A name alone stands for a kernel or function with default values. ``"trainable": False`` holds all of a part.
Parts that share a parameter get one each.

All of this is checked by :mod:`sklearn_mogpe.descriptions.grammar`. Here GPflow's objects are made of what it
has read, where nothing is wrong or missing, and are described in turn.
"""

import reprlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import gpflow
import numpy as np
import tensorflow_probability as tfp
from gpflow import kernels as gk
from gpflow.base import PriorOn
from gpflow.inducing_variables import (
    InducingPoints,
    InducingVariables,
    SeparateIndependentInducingVariables,
    SharedIndependentInducingVariables,
)

from ..descriptions import grammar
from ..descriptions.errors import ConfigurationError, at, make_at, make_each

# By name, the class and the kinds of its parameters.
Classes = dict[str, tuple[Any, Any]]


def _classes(module: ModuleType, table: dict[str, tuple[str, Any]]) -> Classes:
    return {name: (getattr(module, cls), kinds) for name, (cls, kinds) in table.items()}


KERNELS = _classes(gk, grammar.KERNELS)
COMBINATIONS = _classes(gk, grammar.COMBINATIONS)
FUNCTIONS = _classes(gpflow.functions, grammar.FUNCTIONS)
PRIORS = _classes(tfp.distributions, grammar.PRIORS)


def process_arguments(spec: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a sparse GP, but for the number of its functions, from its description as it is read.

    Raises
    ------
    ConfigurationError
        If a value is not possible under its prior.
    """
    return {
        "kernel": make_at(make_kernel, spec, "kernel"),
        "inducing_variable": make_at(_make_inducing_variable, spec, "inducing"),
        "mean_function": make_at(make_function, spec, "mean_function"),
        "q_diag": spec["q_diag"],
        "q_mu": make_at(make_parameter, spec, "q_mu"),
        "q_sqrt": make_at(make_parameter, spec, "q_sqrt"),
    }


def make_kernel(spec: Any) -> gk.Kernel:
    """Make a kernel from its description, as it is read; a kernel is returned as it is."""
    if isinstance(spec, gk.Kernel):
        return spec
    if isinstance(spec, list):
        return gk.SeparateIndependent(make_each(make_kernel, spec))
    for key, (cls, _) in COMBINATIONS.items():
        if key in spec:
            with at(key):
                return held(cls(make_each(make_kernel, spec[key])), spec)
    if "base" in spec:
        return _make_named(spec, KERNELS, base_kernel=make_at(make_kernel, spec, "base"))
    return _make_named(spec, KERNELS, active_dims=spec["active_dims"])


def make_function(spec: Any) -> gpflow.functions.Function | None:
    """Make a function from its description, as it is read, None if zero; a function is returned as it is."""
    if callable(spec):
        return spec
    return None if spec["name"] == grammar.ZERO else _make_named(spec, FUNCTIONS)


def make_parameter(spec: dict[str, Any]) -> Any:
    """Make an array, or a ``gpflow.Parameter`` if more than its value is described; GPflow takes either.

    Raises
    ------
    ConfigurationError
        If the value is not possible under the prior.
    """
    value, options = spec["value"], {}
    if "prior" in spec:
        with at("prior"):
            options = _make_prior(value, **spec["prior"])
    elif spec["trainable"]:
        return value
    return gpflow.Parameter(value, trainable=spec["trainable"], **options)


def held(module: gpflow.Module, spec: dict[str, Any]) -> gpflow.Module:
    """Hold all parameters of a module if its description says so; return the module."""
    if not spec["trainable"]:
        gpflow.set_trainable(module, False)
    return module


def _make_inducing_variable(spec: Any) -> InducingVariables:
    if isinstance(spec, list):
        return SeparateIndependentInducingVariables(make_each(_make_inducing_variable, spec))
    return held(InducingPoints(make_at(make_parameter, spec, "Z")), spec)


def _make_named(spec: dict[str, Any], table: Classes, **arguments: Any) -> gpflow.Module:
    cls, kinds = table[spec["name"]]
    parameters = {key: make_at(make_parameter, spec, key) for key in kinds}
    return held(cls(**arguments, **parameters), spec)


def _make_prior(value: Any, name: str, on: str, **numbers: Any) -> dict[str, Any]:
    """The unconstrained value is not known here."""
    to_float = gpflow.utilities.to_default_float
    prior = PRIORS[name][0](**{key: to_float(number) for key, number in numbers.items()})
    if on == PriorOn.CONSTRAINED.value and not np.all(np.isfinite(prior.log_prob(to_float(value)))):
        raise ConfigurationError(f"expected a prior under which the value {reprlib.repr(value)} is possible")
    return {"prior": prior, "prior_on": on}


def describe_process(gp: Any) -> dict[str, Any]:
    """Describe a sparse GP, but for the number of its functions.

    Raises
    ------
    ConfigurationError
        If a part of it is of another kind than can be described.
    """
    variable = gp.inducing_variable
    parts = getattr(variable, "inducing_variables", (variable,))
    config = {
        "inducing": _describe_inducing_variable(variable),
        "kernel": describe_kernel(gp.kernel, np.shape(parts[0].Z)[1]),
        "q_mu": describe_parameter(gp.q_mu),
        "q_sqrt": describe_parameter(gp.q_sqrt),
        "q_diag": gp.q_diag,
    }
    if gp.mean_function is not None:
        config["mean_function"] = describe_function(gp.mean_function)
    return config


def describe_kernel(kernel: gk.Kernel, input_dim: int) -> Any:
    """Describe a kernel over D inputs.

    Raises
    ------
    ConfigurationError
        If it is of another kind than :func:`make_kernel` makes.
    """
    if isinstance(kernel, gk.SeparateIndependent):
        return [describe_kernel(part, input_dim) for part in kernel.kernels]
    if isinstance(kernel, gk.SharedIndependent):
        return describe_kernel(kernel.kernel, input_dim)
    for key, (cls, _) in COMBINATIONS.items():
        if type(kernel) is cls:
            return {key: [describe_kernel(part, input_dim) for part in kernel.kernels]}
    config = _describe_named(kernel, KERNELS, describe_parameter)
    if isinstance(kernel, gk.Periodic):
        config["base"] = describe_kernel(kernel.base_kernel, input_dim)
    elif not isinstance(kernel.active_dims, slice) or kernel.active_dims != slice(None):
        config["active_dims"] = np.arange(input_dim)[kernel.active_dims].tolist()
    return config


def describe_function(function: gpflow.functions.Function | None) -> dict[str, Any]:
    """Describe a function; None is zero.

    Raises
    ------
    ConfigurationError
        If it is of another kind than :func:`make_function` makes.
    """
    return _describe_named(function or gpflow.functions.Zero(), FUNCTIONS, describe_parameter)


def describe_parameter(parameter: gpflow.Parameter) -> Any:
    """Describe a parameter's value, and what is not as usual: that it is held, or has a prior."""
    config = {"value": parameter.numpy().tolist()}
    if not parameter.trainable:
        config["trainable"] = False
    if parameter.prior is not None:
        config["prior"] = _describe_named(parameter.prior, PRIORS, lambda number: np.asarray(number).tolist())
        if parameter.prior_on is PriorOn.UNCONSTRAINED:
            config["prior"]["on"] = "unconstrained"
    return config if len(config) > 1 else config["value"]


def _describe_inducing_variable(variable: InducingVariables) -> Any:
    if isinstance(variable, SeparateIndependentInducingVariables):
        return [_describe_inducing_variable(part) for part in variable.inducing_variables]
    if isinstance(variable, SharedIndependentInducingVariables):
        return _describe_inducing_variable(variable.inducing_variable)
    if type(variable) is not InducingPoints:
        raise ConfigurationError(f"{type(variable).__name__} cannot be described, InducingPoints can")
    return {"Z": describe_parameter(variable.Z)}


def _describe_named(thing: Any, table: Classes, describe: Callable[[Any], Any]) -> dict[str, Any]:
    for name, (cls, kinds) in table.items():
        if type(thing) is cls:
            return {"name": name, **{key: describe(getattr(thing, key)) for key in kinds}}
    raise ConfigurationError(f"{type(thing).__name__} has no name; known are {sorted(table)}")
