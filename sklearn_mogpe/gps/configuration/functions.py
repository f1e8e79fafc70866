"""Functions of x: prior means, and noise that changes with x."""

import gpflow
import numpy as np

from ...descriptions import keys
from ...descriptions.errors import at, check_keys, check_table, choose
from ...descriptions.keys import ZERO
from .parameters import describe_parameter, entry_of, held, make_parameter

# By name, the class and its parameters.
FUNCTIONS = {name: (getattr(gpflow.functions, cls), own) for name, (cls, own) in keys.FUNCTIONS.items()}


def make_function(config, input_dim: int, output_dim: int) -> gpflow.functions.Function | None:
    """Make a function from D inputs to L outputs, or to one that stands for all; ``"zero"`` makes None.

    Parameters
    ----------
    config : dict, str or gpflow.functions.Function
        A function is returned as it is. Parameters are 0 unless they are given.
    input_dim, output_dim : int
        D and L.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    if isinstance(config, gpflow.functions.Function):
        return config
    config = {"name": config} if isinstance(config, str) else check_table(config)
    with at("name"):
        name = choose(config.get("name"), (ZERO, *FUNCTIONS))
    if name == ZERO:
        check_keys(config, ("name",))
        return None
    cls, own = FUNCTIONS[name]
    check_keys(config, ("name", "trainable", *own))
    D, L = input_dim, output_dim
    shapes = {"A": ((D, 1), (D, L)), "b": ((), (1,), (L,)), "c": ((), (1,), (L,))}
    arguments = {}
    for key in own:
        with at(key):
            default = np.zeros(shapes[key][-1])
            arguments[key] = make_parameter(config.get(key), default, shapes[key])
    return held(cls(**arguments), config)


def describe_function(function: gpflow.functions.Function | None) -> dict:
    """Describe a function; None is zero.

    Raises
    ------
    ConfigurationError
        If it is of another kind than :func:`make_function` makes.
    """
    if function is None or type(function) is gpflow.functions.Zero:
        return {"name": ZERO}
    name, (_, own) = entry_of(function, FUNCTIONS)
    return {"name": name, **{key: describe_parameter(getattr(function, key)) for key in own}}
