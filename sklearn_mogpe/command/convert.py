"""``sklearn-mogpe convert``: from a file of the research code ``mogpe`` to one of ours."""

import csv
import sys
import textwrap
import tomllib
from math import ceil
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import tomli_w

from ..datasets import load_motorcycle
from ..descriptions.errors import ConfigurationError, at, check_bool, check_count
from ..descriptions.files import naming
from ..descriptions.numbers import numbers
from .mogpe_model import Remarks, Sizes, read_experts, read_gate, read_gate_functions, single_expert

# Its scripts split the rows, and draw all else, by this.
RANDOM_STATE = 42

# What its training takes where the file does not say it.
LEARNING_RATE, BOUND = 0.001, "further"

# Bounds that have one name in both, and its others by the nearest of ours.
BOUNDS = ("further", "further_gating", "tight")
NEAREST_BOUNDS = {"further_expert": "further", "tight_2": "tight"}

# As many fixed points stand for an expectation at least.
N_SAMPLES = 32

# The motorcycle data, which come with the package, as it calls them.
MOTORCYCLE = "mcycle.csv"

KEYS_OF_SIZES = {"input_dim": "inputs", "output_dim": "outputs", "num_data": "rows"}
NOT_KEPT = {
    **dict.fromkeys(KEYS_OF_SIZES, "found in the data"),
    "logging_epoch_freq": "progress is always shown, and checkpoints are written as training goes",
    "plot_dataset": "no figure of the data alone; the figures after a fit show them",
    "save_dir": "the results are in the directory of [output]",
    "trim_coords": "no rows are cut out here: write a file without them, and name it in [data]",
}
KNOWN = {
    *(
        "data_file",
        "test_split_size",
        "standardise",
        "experts",
        "gating_network",
        "gating_functions",
        "bound",
    ),
    *("num_experts", "num_inducing", "num_samples", "num_inducing_samples", "epochs", "batch_size"),
    *("learning_rate", "log_dir", "num_ckpts", "fast_tasks_period", "slow_tasks_period", *NOT_KEPT),
}


def convert(path) -> None:
    """Print a file for ``sklearn-mogpe train`` that means what a file of ``mogpe`` means.

    Parameters
    ----------
    path : path-like
        Of a TOML file for ``mogpe``.

    Raises
    ------
    ConfigurationError
        If the file is no TOML or a value is not as expected.
    OSError
        If it cannot be read.
    """
    with naming(path):
        tables, remarks = translate(_read(path))
    lines = [f"From {Path(path).name}, a file of mogpe, by sklearn-mogpe convert."]
    if remarks:
        lines += ["What is not kept, or not quite:"]
    for remark in remarks:
        plain = "".join(
            letter if letter.isprintable() else "?" for letter in remark
        )  # as keys may be strange
        lines += textwrap.wrap(f"- {plain}", 106, subsequent_indent="  ", break_long_words=False)
    comments = "".join(f"# {line}\n" for line in lines)
    sys.stdout.write(f"{comments}\n{tomli_w.dumps(tables)}")


def translate(config: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The tables of a file of ours, and remarks on what of another is not kept.

    Parameters
    ----------
    config : dict
        Content of a file for ``mogpe``.

    Raises
    ------
    ConfigurationError
        If a value is not as expected, or nothing is as in a file of ``mogpe``.
    """
    if not KNOWN & config.keys():
        raise ConfigurationError(
            "expected a file for mogpe, with keys such as num_experts and tables such as [[experts]], got "
            f"{sorted(config)}"
        )
    remarks = Remarks()
    split = _read_split(config)
    data, sizes = _read_data(config, split["test_size"], remarks)
    estimator = {
        **_read_model(config, sizes, remarks),
        **_read_training(config, remarks),
        **_read_monitoring(config, sizes, remarks),
        "random_state": RANDOM_STATE,
    }
    for key, reason in NOT_KEPT.items():
        if key in config:
            remarks.add(reason, key)
    remarks.add_others(config, KNOWN)
    tables = {"data": data, "split": split, "estimator": estimator}
    return {name: table for name, table in tables.items() if table}, remarks.lines()


def _read(path):
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = f"expected a TOML file, got another: {error}; mend it there, or name another file"
        raise ConfigurationError(problem) from error


def _read_split(config):
    test_size = config.get("test_split_size", 0)
    if test_size is False:  # which its scripts take for none
        test_size = 0
    if isinstance(test_size, bool) or not isinstance(test_size, int | float) or not 0 <= test_size < 1:
        raise ConfigurationError(
            f"expected the part of the rows that is held out, from 0 to below 1, got {test_size!r}",
            "test_split_size",
        )
    return {"test_size": test_size, "random_state": RANDOM_STATE}


def _read_data(config, test_size, remarks):
    """The table of the data, and the sizes that they, or the file, tell."""
    told = {size: check_count(config, key, 1) for key, size in KEYS_OF_SIZES.items() if key in config}
    if "data_file" not in config:
        remarks.add(
            'not said: set path, features and target in [data], or dataset = "motorcycle", before you train '
            "(the scripts of mogpe named the data)",
            "data_file",
        )
        table, found = {}, Sizes()
    else:
        table, found = _look(_read_text(config, "data_file"), remarks)
    sizes = Sizes(**{**told, **{size: number for size, number in found._asdict().items() if number}})
    return table, sizes._replace(rows=sizes.rows and sizes.rows - ceil(test_size * sizes.rows))


def _look(path, remarks):
    """Look into a file of data, if it is there."""
    table = {"path": path}
    if not Path(path).exists() and Path(path).name == MOTORCYCLE:
        remarks.add("not there: the same data come with the package", "data_file")
        X, _ = load_motorcycle(return_X_y=True)
        return {"dataset": "motorcycle"}, Sizes(1, 1, len(X))
    try:
        if path.endswith(".npz"):
            table |= {"features": ["x"], "target": "y"}
            with np.load(path) as archive:
                X, y = archive["x"], archive["y"]
            return table, Sizes(*(np.shape(part)[1] if np.ndim(part) > 1 else 1 for part in (X, y)), len(X))
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        feature, target = header[1:3]
        remarks.add(
            "features and target are the second and the third column, as its scripts took them", "data_file"
        )
        return {**table, "features": [feature], "target": target}, Sizes(1, 1, sum(map(bool, rows)))
    except (OSError, ValueError, KeyError, BadZipFile, csv.Error):
        remarks.add("not read: look whether path, features and target in [data] are right", "data_file")
        return table, Sizes()


def _read_model(config, sizes, remarks):
    experts, n_experts = _read_experts(config, sizes, remarks)
    model = {
        "noise": "constant",
        "bound": _read_bound(config, remarks),
        "n_samples": _read_n_samples(config, remarks),
        "normalize_y": _read_standardise(config, remarks),
        **experts,
    }
    readers = {"gating_network": read_gate, "gating_functions": read_gate_functions}
    keys = [key for key in readers if key in config]
    if n_experts == 1:
        for key in keys:
            remarks.add("a single expert has no gate", key)
    elif len(keys) == 1:
        (key,) = keys
        with remarks.at(key):
            model["gating_network"] = readers[key](config[key], n_experts, sizes, remarks)
    elif keys:
        raise ConfigurationError(f"expected one of {keys}, got both; leave out one")
    else:
        remarks.add("not said: a gate as usual", "gating_network")
    return model


def _read_experts(config, sizes, remarks):
    """What the estimator is told of its experts, and how many there are."""
    number, num_inducing = (
        check_count(config, key, 1) if key in config else None for key in ("num_experts", "num_inducing")
    )
    if "experts" not in config and number is None:
        remarks.add("not said: one Gaussian process, as its scripts make of such a file", "experts")
        return {"experts": [single_expert(num_inducing, sizes)]}, 1
    told = {} if num_inducing is None else {"n_inducing": num_inducing}
    if "experts" not in config:
        remarks.add("not described: as usual", "experts")
        return {"n_experts": number, **told}, number
    with remarks.at("experts"):
        experts = read_experts(config["experts"], sizes, remarks)
    if len(experts) == 1 and number is not None and number > 1:
        remarks.add(f"{number}, where one is described: all are as that one", "num_experts")
        experts *= number
    if number not in (None, len(experts)):
        problem = f"expected {len(experts)}, as many as there are tables [[experts]], got {number}"
        raise ConfigurationError(f"{problem}; describe one for each", "num_experts")
    return {"experts": experts, **told, **_part(experts, remarks)}, len(experts)


def _part(experts, remarks):
    """What parts experts that are described alike, as noise in the start of q_mu did."""
    alike = [place for place, expert in enumerate(experts) if experts.count(expert) > 1]
    if not alike:
        return {}
    names = ", ".join(map(str, alike))
    if any("q_diag" in expert for expert in experts):
        remarks.add(
            f"{names} are alike: describe them differently, for no noise in q_mu parts them", "experts"
        )
        return {}
    remarks.add(
        f"{names} are alike, and no noise in q_mu parts them: init_params divides the rows among all experts "
        "instead, and q_mu and q_sqrt are not looked at; or describe them differently, and leave it out",
        "experts",
    )
    return {"init_params": "kmeans"}


def _read_bound(config, remarks):
    name = _read_text(config, "bound") if "bound" in config else BOUND
    if name in BOUNDS:
        return name
    nearest = NEAREST_BOUNDS.get(name)
    if nearest is None:
        remarks.add(f"unknown, {name!r}: {BOUND!r} is taken, as by mogpe", "bound")
        return BOUND
    remarks.add(f"there is no {name!r} here: {nearest!r} is near", "bound")
    return nearest


def _read_n_samples(config, remarks):
    n_samples = N_SAMPLES
    for key in ("num_samples", "num_inducing_samples"):
        if key in config:
            number = check_count(config, key, 1)
            n_samples = max(n_samples, number + number % 2)
            remarks.add(
                f"the points of n_samples stay the same in all steps, so they are {N_SAMPLES} at least", key
            )
    return n_samples


def _read_standardise(config, remarks):
    standardises = check_bool(config, "standardise", True)
    if "standardise" not in config:
        remarks.add("not said: features and outputs are standardised, as by its first scripts", "standardise")
    elif not standardises:
        remarks.add(
            "features are always standardised: lengthscales are in standard deviations of each", "standardise"
        )
    return standardises


def _read_training(config, remarks):
    training = {"solver": "adam"}
    if not config.keys() & {"experts", "num_experts", "batch_size"}:  # as its script of an exact GP
        training = {"solver": "lbfgs"}
        if "learning_rate" in config:
            remarks.add("L-BFGS, by which its script trains one Gaussian process, has none", "learning_rate")
    else:
        with at("learning_rate"):
            rate = numbers(config.get("learning_rate", LEARNING_RATE), above=0.0)
        training["learning_rate"] = float(rate)
        said = "" if "learning_rate" in config else "not said: as mogpe takes it; "
        remarks.add(f"{said}the first step size, which decays to a tenth here", "learning_rate")
    if "batch_size" in config:
        training["batch_size"] = check_count(config, "batch_size", 1)
    if "epochs" in config:
        epochs = check_count(config, "epochs", 1)
        training |= {"max_iter": epochs, "n_iter_no_change": epochs}  # to the end
        if training["solver"] == "adam":
            remarks.add(
                "passes over the rows by Adam, to the end; the default solver takes some 100 iterations on "
                "all rows instead: to use it, leave out solver, learning_rate, batch_size, max_iter and "
                "n_iter_no_change",
                "epochs",
            )
    return training


def _read_monitoring(config, sizes, remarks):
    monitoring = {}
    if "log_dir" in config:
        monitoring["log_dir"] = _read_text(config, "log_dir")
    if "num_ckpts" in config:
        directory = Path(monitoring.get("log_dir", ""), "checkpoints")
        monitoring["checkpoint_dir"] = directory.as_posix()
        monitoring["n_checkpoints"] = check_count(config, "num_ckpts", 1)
    for key, period in {"fast_tasks_period": "log_period", "slow_tasks_period": "image_period"}.items():
        if key in config:
            epochs = 0 if config[key] == 0 else check_count(config, key, 1)
            if "log_dir" not in config:
                remarks.add("nothing is logged without log_dir", key)
            elif epochs == 0:
                remarks.add("none in mogpe; here there are curves wherever there is log_dir", key)
            elif "batch_size" not in config:
                monitoring[period] = epochs
            elif sizes.rows is not None:
                monitoring[period] = epochs * ceil(sizes.rows / check_count(config, "batch_size", 1))
            else:
                remarks.add(f"{epochs} epochs: set {period} to as many times the mini-batches of one", key)
    return monitoring


def _read_text(config, key):
    value = config[key]
    if not isinstance(value, str):
        raise ConfigurationError(f"expected a string, got {value!r}", key)
    return value
