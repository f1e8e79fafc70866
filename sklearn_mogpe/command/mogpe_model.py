"""What files of the research code ``mogpe`` say of experts and gate, as descriptions of ours.

What cannot be kept is remarked; what is wrong is an error. Both name the key by its path in the file.
"""

import reprlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..descriptions.errors import ConfigurationError, at, check_bool, check_count, check_table, choose
from ..descriptions.grammar import COMBINATIONS, KERNELS, PERIODIC, num_gate_functions
from ..descriptions.numbers import numbers

UNKNOWN = "unknown here, not kept"

# Kernels by the names of their classes in GPflow, too.
NAMES = {cls.lower(): name for name, (cls, _) in KERNELS.items()} | {name: name for name in KERNELS}

# What mogpe, or GPflow in its place, takes for a noise variance that is not said.
NOISE_VARIANCE = 1.0


class Sizes(NamedTuple):
    """What is known of the rows to train on; None is not known.

    Attributes
    ----------
    inputs, outputs, rows : int or None
    """

    inputs: int | None = None
    outputs: int | None = None
    rows: int | None = None


class Remarks:
    """Keys whose meaning is not kept, or not quite, by the reason."""

    def __init__(self) -> None:
        self._place: list[str | int] = []
        self._paths: dict[str, list[str]] = {}

    @contextmanager
    def at(self, *keys: str | int) -> Iterator[None]:
        """Tell errors and remarks of this context where they are."""
        self._place += keys
        with at(*keys):
            yield
        del self._place[-len(keys) :]

    def add(self, reason: str, *keys: str | int) -> None:
        """Remark a key below the present place."""
        path = ConfigurationError("", *self._place, *keys).path
        self._paths.setdefault(reason, []).append(path)

    def add_others(self, config: dict, known: Iterable[str]) -> None:
        """Remark all keys of a table that are not among those that are known."""
        known = set(known)
        for key in config:
            if key not in known:
                self.add(UNKNOWN, key)

    def lines(self) -> list[str]:
        """The remarks, each with the paths of its keys."""
        return [f"{', '.join(paths)}: {reason}" for reason, paths in self._paths.items()]


def read_experts(configs, sizes: Sizes, remarks: Remarks) -> list[dict]:
    """Describe the experts of the tables ``[[experts]]``.

    Raises
    ------
    ConfigurationError
        If a value is not as expected.
    """
    configs = _check_list(configs, "a table [[experts]] for each expert")
    experts = []
    for place, config in enumerate(configs):
        with remarks.at(place):
            experts.append(_read_expert(check_table(config), sizes, remarks))
    return experts


def single_expert(num_inducing: int | None, sizes: Sizes) -> dict:
    """The Gaussian process that mogpe's scripts make of a file without experts, with GPflow's defaults.

    If no number of inducing points is given, it is an exact one: sparse, with all rows as inducing inputs.
    """
    kernel = {"name": "rbf", "lengthscales": 1.0, "variance": 1.0}
    num = num_inducing or sizes.rows
    inducing = {"trainable": num_inducing is not None, **({"num": num} if num else {})}
    expert = {"kernel": kernel, "mean_function": "constant", "noise_variance": NOISE_VARIANCE}
    return {**expert, "inducing": inducing}


def read_gate(config: dict, n_experts: int, sizes: Sizes, remarks: Remarks) -> dict:
    """Describe the gate of the table ``[gating_network]``, whose functions share all but their kernels.

    Raises
    ------
    ConfigurationError
        If a value is not as expected.
    """
    dims = _read_dims(check_table(config), None)
    return _read_process(config, ("active_dims",), num_gate_functions(n_experts), sizes, remarks, dims)


def read_gate_functions(configs, n_experts: int, sizes: Sizes, remarks: Remarks) -> dict:
    """Describe the gate of tables ``[[gating_functions]]``, as mogpe had them at first.

    Raises
    ------
    ConfigurationError
        If they are not as many as the experts need, or a value is not as expected.
    """
    configs = [configs] if isinstance(configs, dict) else configs
    configs, needed = _check_list(configs, "tables [[gating_functions]]"), num_gate_functions(n_experts)
    if len(configs) != needed:
        raise ConfigurationError(
            f"expected {needed} for {n_experts} experts, got {len(configs)}; for two experts there is one, "
            "for more there are as many as experts"
        )
    functions = []
    for place, config in enumerate(configs):
        with remarks.at(place):
            functions.append(_read_process(check_table(config), (), 1, sizes, remarks))
    return functions[0] if len(functions) == 1 else {"functions": functions}


def _read_expert(config, sizes, remarks):
    if "name" in config:
        remarks.add("experts have numbers here, from 0 on, in the order of the file", "name")
    with remarks.at("likelihood"):
        noise = _read_noise(config.get("likelihood", {}), remarks)
    n_outputs = sizes.outputs or (len(noise) if isinstance(noise, list) else None)
    expert = _read_process(config, ("likelihood", "name"), n_outputs, sizes, remarks)
    return {**expert, "noise_variance": noise}


def _read_noise(config, remarks):
    name, params = _read_named(config, "gaussian", remarks)
    with at("name"):
        choose(name, ["gaussian"])
    with remarks.at("params"):
        remarks.add_others(params, ("variance",))
        return _read_numbers(params, "variance", NOISE_VARIANCE, ((), (None,)), above=0.0)


def _read_process(config, also, n_functions, sizes, remarks, dims=None):
    """What describes a sparse GP of some functions; the inputs that it looks at are all, if not said."""
    key = "kernels" if "kernels" in config and "kernel" not in config else "kernel"
    remarks.add_others(config, (key, "mean_function", "inducing_points", "whiten", *also))
    process = {}
    if key in config:
        with remarks.at(key):
            process["kernel"] = _read_kernels(config[key], n_functions, sizes, remarks, dims)
    else:
        remarks.add("not said: as usual", key)
    with remarks.at("mean_function"):
        process["mean_function"] = _read_mean(config.get("mean_function", "zero"), remarks)
    if not check_bool(config, "whiten", True):
        remarks.add(
            "the inducing variables are always whitened here: the model is the same, but q_mu and q_sqrt are "
            "those of the whitened ones",
            "whiten",
        )
    with remarks.at("inducing_points"):
        return {**process, **_read_inducing(config.get("inducing_points", {}), sizes, remarks)}


def _read_mean(config, remarks):
    name, params = _read_named(config, "zero", remarks)
    with at("name"):
        choose(name, ["constant", "zero"])
    with remarks.at("params"):
        remarks.add_others(params, ("constant",) if name == "constant" else ())
        if name == "zero" or "constant" not in params:
            return name
        return {"name": name, "c": _read_numbers(params, "constant", 0.0, ((), (None,)))}


def _read_inducing(config, sizes, remarks):
    remarks.add_others(check_table(config), ("num_inducing", "inputs_trainable", "q_mu", "q_sqrt", "q_diag"))
    inducing = {"trainable": check_bool(config, "inputs_trainable", True)}
    if "num_inducing" in config:
        inducing["num"] = check_count(config, "num_inducing", 1)
    elif sizes.rows is not None:  # as mogpe does
        inducing["num"] = max(1, sizes.rows // 4)
    else:
        remarks.add("not said: as many as usual, where mogpe took a quarter of the rows", "num_inducing")
    process = {"inducing": inducing}
    if "q_mu" in config:
        with remarks.at("q_mu"):
            process["q_mu"] = _read_q_mu(check_table(config["q_mu"]), remarks)
    if "q_sqrt" in config:
        process["q_sqrt"] = _read_numbers(config, "q_sqrt", 1.0, above=0.0)
    if check_bool(config, "q_diag", False):
        process["q_diag"] = True
    return process


def _read_q_mu(config, remarks):
    remarks.add_others(config, ("mean", "var"))
    if _read_numbers(config, "var", 0.0):
        remarks.add("no noise is added to the start of q_mu, which is the mean", "var")
    return _read_numbers(config, "mean", 0.0)


def _read_kernels(config, n_functions, sizes, remarks, dims):
    """A kernel for each of some functions; if it is not known how many there are, one for all."""
    if isinstance(config, list) and len(config) != 1:
        kernels = []
        for place, part in enumerate(_check_list(config, "a kernel for each function")):
            with remarks.at(place):
                kernels.append(_read_kernel(part, sizes, remarks, dims))
        if n_functions is not None and len(kernels) != n_functions:
            raise ConfigurationError(
                f"expected one kernel, or one for each of {n_functions} functions, got {len(kernels)}; leave "
                "out some, or add some"
            )
        return kernels
    (config,) = config if isinstance(config, list) else [config]
    kernel = _read_kernel(config, sizes, remarks, dims)
    if n_functions is None:
        remarks.add(
            "outputs share it, if there are several, where each had its own in mogpe: to have that, give "
            "kernel a list with one for each"
        )
    return [kernel] * n_functions if (n_functions or 1) > 1 else kernel


def _read_kernel(config, sizes, remarks, dims):
    name = check_table(config).get("name")
    name = name.lower() if isinstance(name, str) else name
    dims = _read_dims(config, dims)
    if name not in COMBINATIONS:
        remarks.add_others(config, ("name", "params", "active_dims"))
        with at("name"):
            name = NAMES[choose(name, (NAMES.keys() | COMBINATIONS.keys()) - {PERIODIC})]
        with remarks.at("params"):
            params = check_table(config.get("params", {}))
            kernel = {"name": name, **_read_params(params, KERNELS[name][1], dims, sizes, remarks)}
        return kernel if dims is None else {**kernel, "active_dims": dims}
    key = "kernels" if "kernels" in config else name
    remarks.add_others(config, ("name", key, "active_dims"))
    with remarks.at(key):
        parts = []
        for place, part in enumerate(_check_list(config.get(key), "a list of kernels")):
            with remarks.at(place):
                parts.append(_read_kernel(part, sizes, remarks, dims))
    return {name: parts}


def _read_params(params, kinds, dims, sizes, remarks):
    """The parameters of a kernel. A lengthscale in mogpe stands for one for each input."""
    names = {key: "lengthscale" if key == "lengthscales" and key not in params else key for key in kinds}
    remarks.add_others(params, names.values())
    values = {}
    for key, name in names.items():
        if name in params:
            shapes = [(None,) * len(shape) for shape in kinds[key].shapes]
            values[key] = _read_numbers(params, name, None, shapes, above=kinds[key].above)
    lengthscale, n_inputs = values.get("lengthscales"), sizes.inputs if dims is None else len(dims)
    if n_inputs is not None and isinstance(lengthscale, float):
        values["lengthscales"] = [lengthscale] * n_inputs if n_inputs > 1 else lengthscale
    elif lengthscale == 1.0:
        del values["lengthscales"]  # then each input has its own, which begins at 1
    elif isinstance(lengthscale, float):
        remarks.add(
            "inputs share it, if there are several, where each had its own in mogpe: to have that, give "
            "lengthscales a list with one for each",
            names["lengthscales"],
        )
    return values


def _read_dims(config, outer):
    """The inputs that a part looks at, of those that the part around it looks at; None is all."""
    dims = config.get("active_dims")
    if dims is None:
        return outer
    with at("active_dims"):
        end = float("inf") if outer is None else len(outer)
        if (
            not isinstance(dims, list)
            or not dims
            or not all(type(dim) is int and 0 <= dim < end for dim in dims)
        ):
            raise ConfigurationError(f"expected a list of inputs, counted from 0, got {dims!r}")
    return dims if outer is None else [outer[dim] for dim in dims]


def _read_named(config, default, remarks):
    """The name and the parameters of what is told by its name alone, or by a table."""
    config = {"name": config} if isinstance(config, str) else check_table(config)
    remarks.add_others(config, ("name", "params"))
    with at("params"):
        params = check_table(config.get("params", {}))
    name = config.get("name", default)
    return name.lower() if isinstance(name, str) else name, params


def _read_numbers(config, key, default, shapes=((),), above=None):
    with at(key):
        return numbers(config.get(key, default), shapes, above=above).tolist()


def _check_list(configs, expected):
    if not isinstance(configs, list) or not configs:
        raise ConfigurationError(f"expected {expected}, got {reprlib.repr(configs)}")
    return configs
