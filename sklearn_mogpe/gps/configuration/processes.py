"""Sparse Gaussian processes: what :class:`~sklearn_mogpe.gps.SparseGP` takes."""

import gpflow
import numpy as np

from ...descriptions.errors import ConfigurationError, at, check_bool
from .functions import describe_function, make_function
from .inducing import describe_inducing_variable, inducing_shape, make_inducing_variable
from .kernels import describe_kernel, make_kernel
from .parameters import describe_parameter, make_parameter


def describe_process(gp) -> dict:
    """Describe a sparse GP, but for the number of its functions."""
    _, D = inducing_shape(gp.inducing_variable)
    config = {
        "inducing": describe_inducing_variable(gp.inducing_variable),
        "kernel": describe_kernel(gp.kernel, D),
        "q_mu": describe_parameter(gp.q_mu),
        "q_sqrt": describe_parameter(gp.q_sqrt),
        "q_diag": gp.q_diag,
    }
    if gp.mean_function is not None:
        config["mean_function"] = describe_function(gp.mean_function)
    return config


def process_arguments(config: dict, num_latent_gps: int) -> dict:
    """Arguments of a sparse GP of L functions, from a description of which only ``inducing`` is needed.

    Raises
    ------
    ConfigurationError
        If a value is not as expected.
    """
    with at("inducing"):
        variable = make_inducing_variable(config.get("inducing"))
    L, (M, D) = num_latent_gps, inducing_shape(variable)
    with at("kernel"):
        kernel = make_kernel(config.get("kernel", "rbf"), D)
    with at("mean_function"):
        mean_function = make_function(config.get("mean_function", "zero"), D, L)
    q_diag = check_bool(config, "q_diag", False)
    with at("q_mu"):
        q_mu = _start(config.get("q_mu"), 0.0, np.ones((M, L)))
    with at("q_sqrt"):
        identity = np.ones((M, L)) if q_diag else np.tile(np.eye(M), (L, 1, 1))
        q_sqrt = _start(config.get("q_sqrt"), 1.0, identity)
        if not _is_root(np.asarray(q_sqrt), q_diag):
            form = "positive numbers" if q_diag else "lower triangular matrices without zeros on the diagonal"
            raise ConfigurationError(f"expected {form}")
    return {
        "kernel": kernel,
        "inducing_variable": variable,
        "mean_function": mean_function,
        "q_diag": q_diag,
        "q_mu": q_mu,
        "q_sqrt": q_sqrt,
    }


def _start(config, default, pattern):
    """An array of the pattern's shape, or a parameter; a number stands for its multiple of the pattern."""
    start = make_parameter(config, default, ((), pattern.shape))
    if np.shape(start) == pattern.shape:
        return start
    value = np.asarray(start) * pattern
    if not isinstance(start, gpflow.Parameter):
        return value
    return gpflow.Parameter(value, trainable=start.trainable, prior=start.prior, prior_on=start.prior_on)


def _is_root(value, q_diag):
    if q_diag:
        return np.all(value > 0.0)
    return not np.any(np.triu(value, 1)) and np.all(np.diagonal(value, axis1=1, axis2=2) != 0.0)
