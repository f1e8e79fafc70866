"""Kernels by name, their sums, products and periodic versions."""

from numbers import Integral

import numpy as np
from gpflow import kernels as gk

from ...descriptions import keys
from ...descriptions.errors import ConfigurationError, at, check_keys, check_table, choose, make_each
from ...descriptions.keys import PERIODIC
from .parameters import describe_parameter, entry_of, held, make_parameter

# By name, the class and its positive parameters.
KERNELS = {name: (getattr(gk, cls), parameters) for name, (cls, parameters) in keys.KERNELS.items()}
COMBINATIONS = {key: getattr(gk, cls) for key, cls in keys.COMBINATIONS.items()}


def make_kernel(config, input_dim: int) -> gk.Kernel:
    """Make a kernel from its description, see :mod:`sklearn_mogpe.gps.configuration`.

    Parameters
    ----------
    config : dict, str, list or gpflow.kernels.Kernel
        A kernel is returned as it is.
    input_dim : int
        D. Each input has a lengthscale of its own, 1 at first, unless a single number is given.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    if isinstance(config, gk.Kernel):
        return config
    if isinstance(config, list | tuple):
        return gk.SeparateIndependent(make_each(make_kernel, config, input_dim))
    config = {"name": config} if isinstance(config, str) else check_table(config)
    for key, cls in COMBINATIONS.items():
        if key in config:
            check_keys(config, (key, "trainable"))
            with at(key):
                return held(cls(make_each(make_kernel, config[key], input_dim)), config)
    with at("name"):
        name = choose(config.get("name"), (*KERNELS, PERIODIC))
    make = _make_periodic if name == PERIODIC else _make_named
    return held(make(config, input_dim), config)


def _make_named(config, input_dim):
    cls, parameters = KERNELS[config["name"]]
    check_keys(config, ("name", "trainable", "active_dims", *parameters))
    arguments, D = {}, input_dim
    if "active_dims" in config:
        with at("active_dims"):
            arguments["active_dims"] = _check_active_dims(config["active_dims"], input_dim)
        D = len(config["active_dims"])
    for key, what in parameters.items():
        shapes, default = (((), (D,)), np.ones(D)) if what == "each" else (((),), 1.0)
        with at(key):
            arguments[key] = make_parameter(config.get(key), default, shapes, above=0.0)
    return cls(**arguments)


def _make_periodic(config, input_dim):
    check_keys(config, ("name", "trainable", "period", "base"))
    with at("base"):
        base = make_kernel(config.get("base", "rbf"), input_dim)
        if not isinstance(base, gk.IsotropicStationary):
            raise ConfigurationError(f"expected an isotropic stationary kernel, got {config['base']!r}")
    shapes = (), (len(_columns(base, input_dim)),)
    with at("period"):
        return gk.Periodic(base, make_parameter(config.get("period"), 1.0, shapes, above=0.0))


def _check_active_dims(dims, input_dim):
    is_list = isinstance(dims, list | tuple) and all(isinstance(dim, Integral) for dim in dims)
    if not is_list or not dims or len(set(dims)) < len(dims) or not set(dims) <= set(range(input_dim)):
        raise ConfigurationError(
            f"expected a list of different inputs from 0 to {input_dim - 1}, got {dims!r}"
        )
    return dims


def _columns(kernel, input_dim):
    return np.arange(input_dim)[kernel.active_dims].tolist()


def describe_kernel(kernel: gk.Kernel, input_dim: int):
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
    for key, cls in COMBINATIONS.items():
        if type(kernel) is cls:
            return {key: [describe_kernel(part, input_dim) for part in kernel.kernels]}
    if type(kernel) is gk.Periodic:
        base = describe_kernel(kernel.base_kernel, input_dim)
        return {"name": PERIODIC, "period": describe_parameter(kernel.period), "base": base}
    name, (_, parameters) = entry_of(kernel, KERNELS)
    config = {"name": name, **{key: describe_parameter(getattr(kernel, key)) for key in parameters}}
    if not isinstance(kernel.active_dims, slice) or kernel.active_dims != slice(None):
        config["active_dims"] = _columns(kernel, input_dim)
    return config
