"""The grammar of descriptions of sparse GPs, told in :mod:`sklearn_mogpe.gps.configuration`.

To read a description is to check all of it, without TensorFlow, and to fill in what it leaves out; what is
read is itself a description. An estimator's descriptions leave the inducing inputs, and the numbers of inputs
and outputs, to its data: where a size is unknown, lists may have any length.
"""

import math
from collections.abc import Iterable
from functools import partial
from numbers import Integral
from typing import NamedTuple

import numpy as np

from .errors import (
    ConfigurationError,
    at,
    check_bool,
    check_count,
    check_keys,
    check_table,
    choose,
    make_at,
    make_each,
)
from .numbers import numbers


class Kind(NamedTuple):
    """What numbers are expected.

    Attributes
    ----------
    shapes : tuple of str
        A letter for each axis: D inputs, L latent functions, M inducing points, N of any number, or 1.
    default : float, default=None
        Each number, if none are given. None: they have to be.
    default_shape : str, default=""
        Of the default values.
    above : float, default=None
        Which each number must be larger than.
    """

    shapes: tuple[str, ...]
    default: float | None = None
    default_shape: str = ""
    above: float | None = None


POSITIVE = Kind(("",), 1.0, above=0.0)
EACH_INPUT = Kind(("", "D"), 1.0, "D", above=0.0)
PERIOD = Kind(("", "D"), 1.0, above=0.0)
EACH_FUNCTION = Kind(("", "1", "L"), 0.0, "L")
SLOPES = Kind(("D1", "DL"), 0.0, "DL")
MEAN, ROOT, DIAGONAL = Kind(("", "ML"), 0.0), Kind(("", "LMM"), 1.0), Kind(("", "ML"), 1.0, above=0.0)
POINTS = Kind(("MD",))
OF_PRIOR, POSITIVE_OF_PRIOR = Kind(("", "N")), Kind(("", "N"), above=0.0)

# By name, GPflow's class and its parameters.
STATIONARY = {"variance": POSITIVE, "lengthscales": EACH_INPUT}
ISOTROPIC = {
    "rbf": ("SquaredExponential", STATIONARY),
    "exponential": ("Exponential", STATIONARY),
    "matern12": ("Matern12", STATIONARY),
    "matern32": ("Matern32", STATIONARY),
    "matern52": ("Matern52", STATIONARY),
    "rational_quadratic": ("RationalQuadratic", {**STATIONARY, "alpha": POSITIVE}),
}
PERIODIC = "periodic"
KERNELS = {
    **ISOTROPIC,
    "cosine": ("Cosine", STATIONARY),
    "linear": ("Linear", {"variance": EACH_INPUT}),
    "constant": ("Constant", {"variance": POSITIVE}),
    "white": ("White", {"variance": POSITIVE}),
    PERIODIC: ("Periodic", {"period": PERIOD}),
}
COMBINATIONS: dict[str, tuple[str, dict]] = {"sum": ("Sum", {}), "product": ("Product", {})}

# By name, the class of gpflow.functions and its parameters.
ZERO = "zero"
FUNCTIONS = {
    ZERO: ("Zero", {}),
    "constant": ("Constant", {"c": EACH_FUNCTION}),
    "linear": ("Linear", {"A": SLOPES, "b": EACH_FUNCTION}),
}

# By name, the class of tfp.distributions and the numbers that it takes.
PRIORS = {
    "exponential": ("Exponential", {"rate": POSITIVE_OF_PRIOR}),
    "gamma": ("Gamma", {"concentration": POSITIVE_OF_PRIOR, "rate": POSITIVE_OF_PRIOR}),
    "half_cauchy": ("HalfCauchy", {"loc": OF_PRIOR, "scale": POSITIVE_OF_PRIOR}),
    "half_normal": ("HalfNormal", {"scale": POSITIVE_OF_PRIOR}),
    "inverse_gamma": ("InverseGamma", {"concentration": POSITIVE_OF_PRIOR, "scale": POSITIVE_OF_PRIOR}),
    "lognormal": ("LogNormal", {"loc": OF_PRIOR, "scale": POSITIVE_OF_PRIOR}),
    "normal": ("Normal", {"loc": OF_PRIOR, "scale": POSITIVE_OF_PRIOR}),
    "uniform": ("Uniform", {"low": OF_PRIOR, "high": OF_PRIOR}),
}

PROCESS_KEYS = ("inducing", "kernel", "mean_function", "q_mu", "q_sqrt", "q_diag", "trainable")


def num_gate_functions(num_experts: int) -> int:
    """How many latent functions a gate of K experts has: a probit one, a softmax K."""
    return {1: 0, 2: 1}.get(num_experts, num_experts)


def check_gate_functions(n_experts: int, n_functions: int) -> None:
    """Make sure that a gate has as many latent functions as its experts need: a probit one, a softmax K.

    Raises
    ------
    ValueError
        If it has others.
    """
    needed = num_gate_functions(n_experts)
    if n_functions != needed:
        raise ValueError(
            f"Expected a gating network of {n_experts} experts to have {needed} latent functions, got "
            f"{n_functions}."
        )


def read_expert(config: dict, in_estimator: bool = False, smallest_noise: float = 0.0) -> dict:
    """Read the description of an expert.

    Parameters
    ----------
    config : dict
    in_estimator : bool, default=False
        Whether it is an estimator's, which says how many inducing points there are, but neither where they
        are nor how many outputs there are.
    smallest_noise : float, default=0.0
        Which noise variances must be larger than.

    Returns
    -------
    dict
        The description with nothing missing, but where sizes are unknown.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    own = () if in_estimator else ("num_outputs",)
    check_keys(config, (*PROCESS_KEYS, "noise_variance", "noise_gp", *own))
    P = check_count(config, "num_outputs", 1)
    spec, sizes = _read_process(config, P, in_estimator)
    if "noise_gp" in config:
        spec["noise_gp"] = make_at(_read_noise_gp, config, "noise_gp", None, P, in_estimator)
    with at("noise_variance"):
        noise = _read_noise(config.get("noise_variance"), sizes, smallest_noise)
    return {**spec, "num_outputs": P, "noise_variance": noise}


def read_gate(config: dict, in_estimator: bool = False) -> dict:
    """Read the description of a gate; see :func:`read_expert`."""
    own = () if in_estimator else ("num_experts",)
    K = check_count(check_table(config), "num_experts", 2)
    if own and K == 1:
        return {**check_keys(config, own), "num_experts": 1}
    if "functions" in config:
        spec = _read_keys(config, {"functions": (partial(make_each, read_gp), None, in_estimator)}, own)
    else:
        check_keys(config, (*PROCESS_KEYS, *own))
        spec, _ = _read_process(config, num_gate_functions(K), in_estimator)
    return {**spec, "num_experts": K}


def read_gp(config: dict, in_estimator: bool = False) -> dict:
    """Read the description of a sparse GP; see :func:`read_expert`."""
    own = () if in_estimator else ("num_latent_gps",)
    check_keys(config, (*PROCESS_KEYS, *own))
    L = check_count(config, "num_latent_gps", 1)
    spec, _ = _read_process(config, L, in_estimator)
    return {**spec, "num_latent_gps": L}


def _read_noise_gp(config, num_outputs, in_estimator):
    return _read_process(check_keys(config, PROCESS_KEYS), num_outputs, in_estimator)[0]


def _read_process(config, num_latent_gps, in_estimator):
    """Also give those sizes that are known, by their letters."""
    if in_estimator:
        inducing, sizes = make_at(_read_number_of_points, config, "inducing", {}), {}
    else:
        inducing = make_at(_read_points, config, "inducing", {})
        M, D = (inducing[0] if isinstance(inducing, list) else inducing)["Z"]["value"].shape
        sizes = {"D": D, "L": num_latent_gps, "M": M}
    q_diag = check_bool(config, "q_diag", False)
    spec = {
        "inducing": inducing,
        "kernel": make_at(read_kernel, config, "kernel", "rbf", sizes.get("D")),
        "mean_function": make_at(read_function, config, "mean_function", ZERO, sizes),
        "q_diag": q_diag,
        "q_mu": make_at(_read_start, config, "q_mu", None, MEAN, sizes),
        "q_sqrt": make_at(_read_start, config, "q_sqrt", None, DIAGONAL if q_diag else ROOT, sizes),
        "trainable": check_bool(config, "trainable", True),
    }
    return spec, sizes


def _read_number_of_points(config):
    check_keys(config, ("num", "trainable"))
    return {"num": check_count(config, "num", 1), "trainable": check_bool(config, "trainable", True)}


def _read_points(config):
    if isinstance(config, list | tuple):
        return make_each(_read_points, config)
    if "num" in check_table(config):
        raise ConfigurationError("expected inducing inputs Z here; to choose some needs data", "num")
    return _read_keys(config, {"Z": (read_parameter, None, POINTS, {})})


def _read_start(config, kind, sizes):
    """A single number stands for all elements of the mean, and all of the root's diagonal."""
    spec = read_parameter(config, kind, sizes)
    value, is_full_root = spec["value"], kind is ROOT
    if not value.ndim:
        shape = [sizes.get(letter, 1) for letter in kind.shapes[-1]]
        value = np.full(shape, value) * (np.eye(shape[-1]) if is_full_root else 1.0)
    if is_full_root and (np.any(np.triu(value, 1)) or not np.all(np.diagonal(value, axis1=1, axis2=2))):
        raise ConfigurationError("expected lower triangular matrices without zeros on the diagonal")
    return {**spec, "value": value}


def _read_noise(config, sizes, smallest):
    if callable(config) or (isinstance(config, dict) and "name" in config):
        return read_function(config, sizes, FUNCTIONS.keys() - {ZERO})
    return read_parameter(config, Kind(("", "L"), 1.0, above=smallest), sizes)


def read_kernel(config, num_inputs: int | None = None) -> dict | list:
    """Read the description of a kernel over D inputs, or a list of such; see :func:`read_expert`.

    A kernel of GPflow is left as it is.
    """
    D = num_inputs
    if hasattr(config, "K_diag"):
        return config
    if isinstance(config, list | tuple):
        return make_each(read_kernel, config, D)
    config = _table(config)
    for key in COMBINATIONS:
        if key in config:
            return _read_keys(config, {key: (partial(make_each, read_kernel), None, D)})
    if make_at(choose, config, "name", None, KERNELS) == PERIODIC:
        base = make_at(_read_base, config, "base", "rbf", D)
        own, dims = {"base": base}, base["active_dims"]
    else:
        dims = make_at(_read_active_dims, config, "active_dims", None, D)
        own = {"active_dims": dims}
    return {**own, **_read_named(config, KERNELS, {"D": D if dims is None else len(dims)}, own)}


def _read_base(config, num_inputs):
    base = read_kernel(config, num_inputs)
    if not isinstance(base, dict) or base.get("name") not in ISOTROPIC:
        raise ConfigurationError(f"expected an isotropic stationary kernel, got {config!r}")
    return base


def _read_active_dims(dims, num_inputs):
    if dims is None:  # all
        return None
    end, last = (math.inf, " on") if num_inputs is None else (num_inputs, f" to {num_inputs - 1}")
    is_list = isinstance(dims, list | tuple) and all(isinstance(dim, Integral) for dim in dims)
    if not is_list or not dims or len(set(dims)) < len(dims) or min(dims) < 0 or max(dims) >= end:
        raise ConfigurationError(f"expected a list of different inputs from 0{last}, got {dims!r}")
    return list(dims)


def read_function(config, sizes: dict[str, int], names: Iterable[str] = FUNCTIONS) -> dict:
    """Read the description of a function with one of some names; see :func:`read_expert`.

    A function is left as it is.
    """
    if callable(config):
        return config
    config = _table(config)
    make_at(choose, config, "name", None, names)
    return _read_named(config, FUNCTIONS, sizes)


def _table(config):
    return {"name": config} if isinstance(config, str) else check_table(config)


def _read_named(config, table, sizes, also=()):
    """Read the parameters of what a table has by a name."""
    _, kinds = table[config["name"]]
    readers = {key: (read_parameter, None, kind, sizes) for key, kind in kinds.items()}
    return {"name": config["name"], **_read_keys(config, readers, ("name", *also))}


def _read_keys(config, readers, also=()):
    """Read the values of keys, each by a function, with a default and other arguments; and ``trainable``."""
    check_keys(config, (*readers, *also, "trainable"))
    values = {key: make_at(read, config, key, *rest) for key, (read, *rest) in readers.items()}
    return {**values, "trainable": check_bool(config, "trainable", True)}


def read_parameter(config, kind: Kind, sizes: dict[str, int]) -> dict:
    """Read the description of a parameter, None is its default; see :func:`read_expert`."""
    if not isinstance(config, dict):
        return {"value": _read_numbers(config, kind, sizes), "trainable": True}
    check_keys(config, ("value", "trainable", "prior"))
    value = make_at(_read_numbers, config, "value", None, kind, sizes)
    spec = {"value": value, "trainable": check_bool(config, "trainable", True)}
    return {**spec, "prior": make_at(_read_prior, config, "prior")} if "prior" in config else spec


def _read_prior(config):
    name = make_at(choose, check_table(config), "name", None, PRIORS)
    _, kinds = PRIORS[name]
    check_keys(config, ("name", "on", *kinds))
    on = make_at(choose, config, "on", "constrained", ("constrained", "unconstrained"))
    values = {key: make_at(_read_numbers, config, key, None, kind, {}) for key, kind in kinds.items()}
    return {"name": name, "on": on, **values}


def _read_numbers(value, kind, sizes):
    of_letter = {"1": 1, **sizes}.get
    if value is None and kind.default is not None:
        value = np.full([of_letter(letter) or 1 for letter in kind.default_shape], kind.default)
    return numbers(value, [tuple(map(of_letter, shape)) for shape in kind.shapes], above=kind.above)
