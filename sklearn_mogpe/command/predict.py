"""``sklearn-mogpe predict``: predictions of a trained model for the rows of a file."""

from pathlib import Path

import joblib
import numpy as np

from ..descriptions.files import naming, read_tables
from .columns import check_suffix, read_columns, write_columns
from .dataset import read_features
from .train import CONFIGURATION, MODEL


def predict(directory, path, output, *, coverage: float = 0.9) -> None:
    """Predict the rows of a file by a model that ``sklearn-mogpe train`` has saved.

    Parameters
    ----------
    directory : path-like
        To which the model was saved. Models are pickles: open only those that you trust.
    path : path-like
        CSV, Parquet or NPZ file with the features by the names that they had in training.
    output : path-like
        CSV, Parquet or NPZ file to write: for each target its mean, its standard deviation and the bounds of
        the central interval, and the mixing probabilities of the experts.
    coverage : float, default=0.9
        Probability of the interval.

    Raises
    ------
    ConfigurationError
        If a column is missing or a kind of file is unknown.
    OSError
        If a file cannot be read or written.
    """
    check_suffix(output)
    directory = Path(directory)
    estimator = joblib.load(directory / MODEL)
    data = read_tables(directory / CONFIGURATION)["data"]
    with naming(path):
        X = read_features(path, read_columns(path), data["features"])
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
