"""What descriptions of sparse GPs may name, and a check of them that needs neither TensorFlow nor data.

It finds unknown keys and names, and values that are no numbers. Shapes, and what only the parts themselves
can tell, are left to :mod:`sklearn_mogpe.gps.configuration`, which makes them.
"""

from functools import partial

from .errors import at, check_bool, check_keys, check_table, choose, make_each
from .numbers import numbers

# By name, GPflow's class and its positive parameters: "one" number, or one for "each" input, where a single
# number means all.
STATIONARY = {"variance": "one", "lengthscales": "each"}
KERNELS = {
    "rbf": ("SquaredExponential", STATIONARY),
    "exponential": ("Exponential", STATIONARY),
    "matern12": ("Matern12", STATIONARY),
    "matern32": ("Matern32", STATIONARY),
    "matern52": ("Matern52", STATIONARY),
    "rational_quadratic": ("RationalQuadratic", {**STATIONARY, "alpha": "one"}),
    "cosine": ("Cosine", STATIONARY),
    "linear": ("Linear", {"variance": "each"}),
    "constant": ("Constant", {"variance": "one"}),
    "white": ("White", {"variance": "one"}),
}
PERIODIC = "periodic"
COMBINATIONS = {"sum": "Sum", "product": "Product"}

# By name, the class of gpflow.functions and its parameters.
FUNCTIONS = {"constant": ("Constant", ("c",)), "linear": ("Linear", ("A", "b"))}
ZERO = "zero"

# By name, the class of tfp.distributions and the numbers that it takes.
PRIORS = {
    "exponential": ("Exponential", ("rate",)),
    "gamma": ("Gamma", ("concentration", "rate")),
    "half_cauchy": ("HalfCauchy", ("loc", "scale")),
    "half_normal": ("HalfNormal", ("scale",)),
    "inverse_gamma": ("InverseGamma", ("concentration", "scale")),
    "lognormal": ("LogNormal", ("loc", "scale")),
    "normal": ("Normal", ("loc", "scale")),
    "uniform": ("Uniform", ("low", "high")),
}
OF_ANY_SIGN = ("loc", "low", "high")

# How many there are of what is left to who makes them.
ANY_LIST = (), (None,)
ANY_SHAPE = (*ANY_LIST, (None, None), (None, None, None))

PROCESS_KEYS = ("inducing", "kernel", "mean_function", "q_mu", "q_sqrt", "q_diag")


def check_expert(config: dict) -> None:
    """Check the description of an expert.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    check_keys(config, (*PROCESS_KEYS, "noise_variance", "trainable"))
    _check_parts(config)


def check_gate(config: dict) -> None:
    """Check the description of a gate; see :func:`check_expert`."""
    if "functions" not in config:
        _check_process(config)
        return
    check_keys(config, ("functions", "trainable"))
    check_bool(config, "trainable", True)
    with at("functions"):
        make_each(_check_process, config["functions"])


def _check_process(config):
    check_keys(config, (*PROCESS_KEYS, "trainable"))
    _check_parts(config)


def _check_parts(config):
    """Check the values of those keys that are there."""
    check_bool(config, "trainable", True)
    check_bool(config, "q_diag", False)
    checks = {
        "kernel": _check_kernel,
        "mean_function": _check_function,
        "q_mu": _check_parameter,
        "q_sqrt": _check_parameter,
        "noise_variance": _check_noise,
    }
    for key, check in checks.items():
        if key in config:
            with at(key):
                check(config[key])


def _check_noise(config):
    is_function = isinstance(config, dict) and "name" in config
    (_check_function if is_function else partial(_check_parameter, shapes=ANY_LIST, above=0.0))(config)


def _check_kernel(config):
    if isinstance(config, list):
        make_each(_check_kernel, config)
        return
    config = {"name": config} if isinstance(config, str) else check_table(config)
    check_bool(config, "trainable", True)
    for key in COMBINATIONS:
        if key in config:
            check_keys(config, (key, "trainable"))
            with at(key):
                make_each(_check_kernel, config[key])
            return
    with at("name"):
        name = choose(config.get("name"), (*KERNELS, PERIODIC))
    if name == PERIODIC:
        check_keys(config, ("name", "trainable", "period", "base"))
        with at("base"):
            _check_kernel(config.get("base", "rbf"))
        parameters = ("period",)
    else:
        parameters = KERNELS[name][1]
        check_keys(config, ("name", "trainable", "active_dims", *parameters))
    _check_parameters(config, parameters, shapes=ANY_LIST, above=0.0)


def _check_function(config):
    config = {"name": config} if isinstance(config, str) else check_table(config)
    with at("name"):
        name = choose(config.get("name"), (ZERO, *FUNCTIONS))
    parameters = () if name == ZERO else ("trainable", *FUNCTIONS[name][1])
    check_keys(config, ("name", *parameters))
    check_bool(config, "trainable", True)
    _check_parameters(config, parameters[1:])


def _check_parameters(config, names, **wanted):
    for name in names:
        if name in config:
            with at(name):
                _check_parameter(config[name], **wanted)


def _check_parameter(config, *, shapes=ANY_SHAPE, above=None):
    if not isinstance(config, dict):
        _check_numbers(config, shapes, above)
        return
    check_keys(config, ("value", "trainable", "prior"))
    check_bool(config, "trainable", True)
    if "value" in config:
        with at("value"):
            _check_numbers(config["value"], shapes, above)
    if "prior" in config:
        with at("prior"):
            _check_prior(config["prior"])


def _check_prior(config):
    with at("name"):
        name = choose(check_table(config).get("name"), PRIORS)
    _, keys = PRIORS[name]
    check_keys(config, ("name", "on", *keys))
    with at("on"):
        choose(config.get("on", "constrained"), ("constrained", "unconstrained"))
    for key in keys:
        with at(key):
            _check_numbers(config.get(key), ANY_LIST, None if key in OF_ANY_SIGN else 0.0)


def _check_numbers(value, shapes, above):
    if shapes is ANY_LIST and isinstance(value, list):
        shapes = (), (len(value),)
    numbers(value, shapes, above=above)
