"""``sklearn-mogpe predict``: predictions of a trained model for the rows of a file."""

from pathlib import Path

import joblib
import numpy as np

from ..descriptions.files import naming, read_tables
from .columns import check_suffix, write_columns
from .dataset import read_features
from .options import read_options
from .train import CONFIGURATION, MODEL, show_notes


def predict(directory, path, output, *, coverage: float = 0.9) -> None:
    """Predict the rows of a file by a model that ``sklearn-mogpe train`` has saved.

    Parameters
    ----------
    directory : path-like
        To which the model was saved. Models are pickles: open only those that you trust.
    path : path-like
        CSV, Parquet or NPZ file with the features by the names that they had in training. Its cells are read
        as the configuration of the training says, and none may be missing.
    output : path-like
        CSV, Parquet or NPZ file to write: for each target its mean, its standard deviation and the bounds of
        the central interval, and the mixing probabilities of the experts.
    coverage : float, default=0.9
        Probability of the interval.

    Raises
    ------
    ConfigurationError
        If a column is missing, a cell is no number or a kind of file is unknown.
    OSError
        If a file cannot be read or written.
    """
    check_suffix(output)
    directory = Path(directory)
    estimator = joblib.load(directory / MODEL)
    with naming(directory / CONFIGURATION):
        data = read_tables(directory / CONFIGURATION)["data"]
        options = read_options(data)
    with naming(path):
        X, notes = read_features(path, data["features"], options)
    show_notes(notes)
    mean, std = estimator.predict(X, return_std=True)
    lower, upper = estimator.predict_interval(X, coverage=coverage)
    columns: dict[str, np.ndarray] = {}
    for kind, values in {"mean": mean, "std": std, "lower": lower, "upper": upper}.items():
        values = np.reshape(values, (len(mean), -1))
        names = data["target"]
        if len(names) < values.shape[1]:  # one array of several targets
            names = [f"{names[0]}_{output}" for output in range(values.shape[1])]
        columns |= {f"{name}_{kind}": column for name, column in zip(names, values.T, strict=True)}
    mixing_proba = estimator.predict_mixing_proba(X)
    columns |= {f"mixing_proba_{k}": column for k, column in enumerate(mixing_proba.T)}
    write_columns(output, columns)
    show_notes([f"{len(X)} predictions: {output}"])
