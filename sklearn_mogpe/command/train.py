"""``sklearn-mogpe train``: from a file to a fitted model, its scores and its figures."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from time import perf_counter

import joblib
import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from ..descriptions.errors import ConfigurationError, at, check_bool, check_keys
from ..descriptions.files import naming, read_tables, replacing, write_arrays, write_tables
from ..estimator.regressor import MoGPERegressor
from ..estimator.toml_mixin import make_estimator
from ..metrics import nlpd
from ..plotting import close_figures, make_figures
from ..predictive import gaussian_mixture
from .dataset import read_data, split

# What a run leaves in its directory.
CONFIGURATION, SPLIT, MODEL, SCORES, FIGURES = (
    "config.toml",
    "split.npz",
    "model.joblib",
    "scores.json",
    "figures",
)


def train(path, *, output: str | None = None, random_state: int | None = None) -> None:
    """Train the model that a file describes, print how well it predicts held-out rows, and save it.

    Parameters
    ----------
    path : path-like
        Of a TOML file, see docs/toml.md.
    output : str, default=None
        Directory for the results, in place of the file's own.
    random_state : int, default=None
        In place of those of the estimator and of the split.

    Raises
    ------
    ConfigurationError
        If a key or value of the file is not as expected.
    ValueError, OSError
        If the data cannot be read or fitted. Then the directory is as it was.
    """
    path = Path(path)
    with naming(path):
        tables = read_tables(path)
        if random_state is not None:
            tables["estimator"]["random_state"] = tables["split"]["random_state"] = random_state
        with at("output"):
            directory, has_figures = _read_output(tables["output"], output, path.stem)
        with at("estimator"):
            estimator = make_estimator(MoGPERegressor, tables["estimator"])
        with at("data"):
            data = read_data(tables["data"])
        with at("split"):
            fitted, held_out = split(tables["split"], data)
    if has_figures:
        _load_matplotlib()
    names = {"features": data.features, "target": data.target}
    show_notes([*data.notes, *(f"{key}: {', '.join(columns)}" for key, columns in names.items())])
    tables["data"] |= names
    if "verbose" not in tables["estimator"]:
        estimator.set_params(verbose=1)
    begin = perf_counter()
    with _undoing(directory, CONFIGURATION, SPLIT):
        write_tables(directory / CONFIGURATION, tables)
        write_arrays(directory / SPLIT, train=fitted, test=held_out)
        with naming(path):
            estimator.fit(*data.take(fitted))
    scores = {"n_train": len(fitted), "n_test": len(held_out), "seconds": perf_counter() - begin}
    if len(held_out):
        scores |= score(estimator, *data.take(held_out), scale=_scale(data.y[fitted]))
    with replacing(directory / MODEL) as new:
        joblib.dump(estimator.set_params(verbose=0), new)
    with replacing(directory / SCORES) as new:
        new.write_text(json.dumps(scores, indent=2) + "\n")
    if has_figures:
        _save_figures(estimator, data, directory / FIGURES)
    _show(scores, directory)


def score(estimator, X, y, sample_weight=None, y_std=None, *, scale) -> dict:
    """Scores of predictions, in the units of y and in standard deviations.

    Parameters
    ----------
    estimator : MoGPERegressor
        Fitted.
    X, y, sample_weight, y_std
        Rows; the density is that of y with the known errors.
    scale : float or array of shape (P,)
        Standard deviations.

    Returns
    -------
    dict
        ``"units_of_y"`` and ``"standardised"``, each with the mean negative log predictive density (of all
        outputs together) as ``"nlpd"``, the root of the mean squared error and the mean absolute error of the
        predicted mean (both means over outputs) as ``"rmse"`` and ``"mae"``.
    """
    weights, means, stds = estimator.predict_mixture(X)
    if y_std is not None:
        stds = np.hypot(stds, np.reshape(y_std, (len(stds), 1, -1)))
    log_score = nlpd(y, weights, means, stds, sample_weight=sample_weight)
    mean = np.reshape(gaussian_mixture.mean(weights, means), np.shape(y))

    def errors(unit):
        rows = y / unit, mean / unit
        return {
            "rmse": float(root_mean_squared_error(*rows, sample_weight=sample_weight)),
            "mae": float(mean_absolute_error(*rows, sample_weight=sample_weight)),
        }

    # p(y / s) = p(y) s, for each output
    standardised = log_score - float(np.sum(np.log(scale)))
    return {
        "units_of_y": {"nlpd": log_score, **errors(1.0)},
        "standardised": {"nlpd": standardised, **errors(scale)},
    }


def show_notes(notes: Sequence[str]) -> None:
    """Print how data were read, a note on a line."""
    console = Console()
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)


def _read_output(config, directory, default):
    check_keys(config, ("directory", "figures"))
    directory = directory or config.get("directory", default)
    if not isinstance(directory, str) or not directory:
        raise ConfigurationError(f"expected the name of a directory, got {directory!r}", "directory")
    return Path(directory), check_bool(config, "figures", True)


@contextmanager
def _undoing(directory, *names) -> Iterator[None]:
    """Make a directory; where a fit fails, leave it and its files as they were.

    What the fit itself has left there, such as checkpoints, stays.
    """
    made = [place for place in (directory, *directory.parents) if not place.exists()]
    before = {name: (directory / name).read_bytes() for name in names if (directory / name).exists()}
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for name in names:
            (directory / name).unlink(missing_ok=True)
        for name, content in before.items():
            with replacing(directory / name) as new:
                new.write_bytes(content)
        with suppress(OSError):  # not empty
            for place in made:
                place.rmdir()
        raise


def _scale(y):
    return StandardScaler().fit(np.reshape(y, (len(y), -1))).scale_


def _load_matplotlib():
    try:
        import_module("matplotlib").use("agg")  # files, whatever the screen
    except ImportError as error:
        raise ImportError(
            'Expected Matplotlib, for the figures; install it by pip install "sklearn-mogpe[command]", or '
            "set figures = false in [output]."
        ) from error


def _save_figures(estimator, data, directory):
    for output in range(estimator.n_outputs_):
        place = directory / f"output_{output}" if estimator.n_outputs_ > 1 else directory
        place.mkdir(parents=True, exist_ok=True)
        figures = make_figures(estimator, data.X, data.y, output=output)
        for name, figure in figures.items():
            with replacing(place / f"{name}.png") as new:
                figure.savefig(new)
        close_figures(figures.values())


def _show(scores, directory):
    console = Console(force_terminal=sys.stdout.isatty())  # whatever FORCE_COLOR says of a file
    if scores["n_test"]:
        table = Table("", "units of y", "standard deviations", title=f"{scores['n_test']} held-out rows")
        for name in ("nlpd", "rmse", "mae"):
            values = (f"{scores[unit][name]:.3f}" for unit in ("units_of_y", "standardised"))
            table.add_row(name.upper(), *values)
        console.print(table)
    console.print(f"Model, scores and all else: {directory}", soft_wrap=True)
