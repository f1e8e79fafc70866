"""Parameters and their priors."""

import reprlib

import gpflow
import numpy as np
import tensorflow_probability as tfp
from gpflow.base import PriorOn

from ...descriptions import keys
from ...descriptions.errors import ConfigurationError, at, check_bool, check_keys, check_table, choose
from ...descriptions.keys import OF_ANY_SIGN
from ...descriptions.numbers import Shapes, numbers

tfd = tfp.distributions

# By name, the class and the numbers that it takes.
PRIORS = {name: (getattr(tfd, cls), own) for name, (cls, own) in keys.PRIORS.items()}


def make_parameter(config, default, shapes: Shapes = ((),), *, above: float | None = None):
    """Make an array, or a ``gpflow.Parameter`` if more than its value is described; GPflow takes either.

    Parameters
    ----------
    config
        Description of a parameter; None is the default value.
    default : number or array
    shapes, above
        As for :func:`numbers`.

    Raises
    ------
    ConfigurationError
        If a key or value is not as expected.
    """
    if not isinstance(config, dict):
        return numbers(default if config is None else config, shapes, above=above)
    check_keys(config, ("value", "trainable", "prior"))
    with at("value"):
        value = numbers(config.get("value", default), shapes, above=above)
    options = {"trainable": check_bool(config, "trainable", True)}
    if "prior" in config:
        with at("prior"):
            options["prior"], options["prior_on"] = _make_prior(config["prior"])
            _check_possible(value, options["prior"], options["prior_on"])
    return gpflow.Parameter(value, **options)


def describe_parameter(parameter: gpflow.Parameter):
    """Describe a parameter's value, and what is not as usual: that it is held, or has a prior."""
    config = {"value": parameter.numpy().tolist()}
    if not parameter.trainable:
        config["trainable"] = False
    if parameter.prior is not None:
        config["prior"] = _describe_prior(parameter.prior)
        if parameter.prior_on is PriorOn.UNCONSTRAINED:
            config["prior"]["on"] = "unconstrained"
    return config if len(config) > 1 else config["value"]


def held(module: gpflow.Module, config: dict) -> gpflow.Module:
    """Hold all parameters of a module if its description says so; return the module."""
    if not check_bool(config, "trainable", True):
        gpflow.set_trainable(module, False)
    return module


def entry_of(thing, table: dict) -> tuple:
    """Name and entry of a thing's class in a table of names, whose entries begin with the class.

    Raises
    ------
    ConfigurationError
        If it is not there.
    """
    for name, entry in table.items():
        if type(thing) is entry[0]:
            return name, entry
    raise ConfigurationError(f"{type(thing).__name__} has no name; known are {sorted(table)}")


def _make_prior(config):
    with at("name"):
        name = choose(check_table(config).get("name"), PRIORS)
    cls, own = PRIORS[name]
    check_keys(config, ("name", "on", *own))
    with at("on"):
        on = choose(config.get("on", "constrained"), ("constrained", "unconstrained"))
    arguments = {}
    for key in own:
        with at(key):
            value = numbers(config.get(key), ((), (None,)), above=None if key in OF_ANY_SIGN else 0.0)
            arguments[key] = gpflow.utilities.to_default_float(value)
    return cls(**arguments), on


def _check_possible(value, prior, on):
    """The unconstrained value is not known here."""
    density = prior.log_prob(gpflow.utilities.to_default_float(value)).numpy()
    if on == PriorOn.CONSTRAINED.value and not np.all(np.isfinite(density)):
        raise ConfigurationError(f"expected a prior under which the value {reprlib.repr(value)} is possible")


def _describe_prior(prior):
    name, (_, own) = entry_of(prior, PRIORS)
    return {"name": name, **{key: np.asarray(prior.parameters[key]).tolist() for key in own}}
