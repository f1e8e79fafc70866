"""Objects from plain descriptions and back: dicts of numbers, strings and lists, as in JSON and TOML files.

A class takes part by ``get_config``, which gives what ``from_config`` takes. Where a part may be of several
classes, its description names one under the key ``"class"``. Errors name the key by its path.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral


class ConfigurationError(ValueError):
    """A description is not what was expected.

    Parameters
    ----------
    problem : str
        What was expected, and what came.
    *keys : str or int
        Where: keys of dicts and places in lists, from the outside in.
    """

    def __init__(self, problem: str, *keys: str | int):
        super().__init__(problem, *keys)
        self.problem, self.keys = problem, keys

    @property
    def path(self) -> str:
        """Where the problem is, such as ``experts[1].kernel.lengthscales``."""
        parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return "".join(parts).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.keys else self.problem


@contextmanager
def at(*keys: str | int) -> Iterator[None]:
    """Tell errors that arise in this context where they are; use around the reading of a key's value."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(error.problem, *keys, *error.keys) from error.__cause__
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error), *keys) from error


def check_table(config) -> dict:
    """Return a description that is a dict.

    Raises
    ------
    ConfigurationError
        If it is not.
    """
    if not isinstance(config, dict):
        raise ConfigurationError(f"expected a table, got {config!r}")
    return config


def check_keys(config: dict, allowed: Iterable[str]) -> dict:
    """Return a description that has no other keys than those that are allowed.

    Raises
    ------
    ConfigurationError
        If it has, or is no dict.
    """
    allowed = sorted(allowed)
    for key in check_table(config):
        if key not in allowed:
            raise ConfigurationError(f"unknown key; expected one of {allowed}", key)
    return config


def check_count(config: dict, key: str, default: int) -> int:
    """Return a positive integer of a description.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    count = config.get(key, default)
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ConfigurationError(f"expected a positive integer, got {count!r}", key)
    return int(count)


def check_bool(config: dict, key: str, default: bool) -> bool:
    """Return what a description says to be true or false.

    Raises
    ------
    ConfigurationError
        If it is neither.
    """
    value = config.get(key, default)
    if not isinstance(value, bool):
        raise ConfigurationError(f"expected true or false, got {value!r}", key)
    return value


def choose(name, names: Iterable[str]) -> str:
    """Return a name that is one of some names.

    Raises
    ------
    ConfigurationError
        If it is not.
    """
    names = sorted(names)
    if not isinstance(name, str) or name not in names:
        raise ConfigurationError(f"expected one of {names}, got {name!r}")
    return name


def make_at(make: Callable, config: dict, key: str, default=None, *arguments):
    """What ``make(value, *arguments)`` makes of a key's value in a description, or of a default."""
    with at(key):
        return make(config.get(key, default), *arguments)


def make_each(make: Callable, configs, *arguments) -> list:
    """What ``make(config, *arguments)`` makes of each description in a list of one or more.

    Raises
    ------
    ConfigurationError
        If there is no such list.
    """
    if not isinstance(configs, list | tuple) or not configs:
        raise ConfigurationError(f"expected a list of one or more, got {configs!r}")
    made = []
    for place, config in enumerate(configs):
        with at(place):
            made.append(make(config, *arguments))
    return made


class Configurable:
    """What can be described. A subclass writes ``get_config``, and ``from_config`` if it has to."""

    def get_config(self) -> dict:
        """Plain data, of which :meth:`from_config` makes an object with the same values.

        Raises
        ------
        NotImplementedError
            If the subclass has no such method of its own.
        """
        raise NotImplementedError(
            f"Expected {type(self).__name__} to have a method get_config that returns a dict of plain data; "
            "write one, with what the constructor takes."
        )

    @classmethod
    def from_config(cls, config: dict) -> "Configurable":
        """Make an object from a description.

        Parameters
        ----------
        config : dict
            What ``get_config`` returned; by default, arguments of the constructor.

        Returns
        -------
        Configurable
            Of the class whose method this is.

        Raises
        ------
        ConfigurationError
            If a key or value is not as expected.
        """
        return cls(**check_keys(config, inspect.signature(cls).parameters))


def describe(part: Configurable, base: type) -> dict:
    """Describe a part that may be of any subclass of ``base``: its class, and its ``get_config()``."""
    short, full = type(part).__name__, _full_name(type(part))
    return {"class": short if list(_named(short, base)) == [full] else full, **part.get_config()}


def make(config: dict, base: type, default: str) -> Configurable:
    """Make a part from its description.

    Parameters
    ----------
    config : dict
        As of :func:`describe`.
    base : type
        Of which it is a subclass.
    default : str
        Name of the class if ``"class"`` is missing.

    Raises
    ------
    ConfigurationError
        If the class is unknown or its name means several, or if a key or value is not as expected.
    """
    check_table(config)
    with at("class"):
        cls = _find(config.get("class", default), base)
    return cls.from_config({key: value for key, value in config.items() if key != "class"})


def _find(name, base):
    found = _named(name, base)
    if len(found) > 1:
        raise ConfigurationError(f"expected one of {sorted(found)}, got {name!r}, which means several")
    if not found:
        known = sorted({cls.__name__ for cls in _subclasses(base)})
        raise ConfigurationError(
            f"expected one of {known}, got {name!r}; a class is known once its module is imported"
        )
    return next(iter(found.values()))


def _named(name, base):
    """Classes by their full names. One that is defined again, as in notebooks, takes its own place."""
    return {_full_name(cls): cls for cls in _subclasses(base) if name in (cls.__name__, _full_name(cls))}


def _subclasses(base):
    for cls in base.__subclasses__():
        if not inspect.isabstract(cls):
            yield cls
        yield from _subclasses(cls)


def _full_name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"
