"""Inducing points."""

import numpy as np
from gpflow.inducing_variables import (
    InducingPoints,
    InducingVariables,
    SeparateIndependentInducingVariables,
    SharedIndependentInducingVariables,
)

from ...descriptions.errors import ConfigurationError, at, check_keys, check_table, make_each
from .parameters import describe_parameter, held, make_parameter


def make_inducing_variable(config) -> InducingVariables:
    """Make inducing points from their description.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected; also for ``{"num": ...}``, which needs data.
    """
    if isinstance(config, list | tuple):
        return SeparateIndependentInducingVariables(make_each(make_inducing_variable, config))
    if "num" in check_table(config):
        raise ConfigurationError("expected inducing inputs Z here; to choose some needs data", "num")
    check_keys(config, ("Z", "trainable"))
    with at("Z"):
        points = InducingPoints(make_parameter(config.get("Z"), None, ((None, None),)))
    return held(points, config)


def describe_inducing_variable(variable: InducingVariables):
    """Describe inducing points.

    Raises
    ------
    ConfigurationError
        If they are of another kind than :func:`make_inducing_variable` makes.
    """
    if isinstance(variable, SeparateIndependentInducingVariables):
        return [describe_inducing_variable(part) for part in variable.inducing_variables]
    if isinstance(variable, SharedIndependentInducingVariables):
        return describe_inducing_variable(variable.inducing_variable)
    if type(variable) is not InducingPoints:
        raise ConfigurationError(f"{type(variable).__name__} cannot be described, InducingPoints can")
    return {"Z": describe_parameter(variable.Z)}


def inducing_shape(variable: InducingVariables) -> tuple[int, int]:
    """Numbers of inducing points and of inputs, M and D; of several, those of the first."""
    if isinstance(variable, SeparateIndependentInducingVariables):
        return inducing_shape(variable.inducing_variables[0])
    if isinstance(variable, SharedIndependentInducingVariables):
        return inducing_shape(variable.inducing_variable)
    return tuple(np.shape(variable.Z))
