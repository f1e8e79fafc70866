"""A command that runs here, a file of data, and one that says how to train on it."""

import contextlib
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sklearn_mogpe.command.main import main
from sklearn_mogpe.datasets import make_step

# The fastest of fits: what is tested is what goes in and comes out.
FAST = """
[estimator]
n_experts = 2
n_inducing = 6
n_samples = 8
init_params = "prior"
max_iter = 2
verbose = 0
random_state = 0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder):
    """Fifty rows of a step beside noise and a weight, as a table that is in a CSV file, too."""
    X, y = make_step(50, random_state=0)
    rng = np.random.default_rng(0)
    columns = {"x": X[:, 0], "noise": rng.normal(size=50), "y": 3 * y, "w": rng.uniform(1, 2, 50)}
    table = pl.DataFrame(columns)
    table.write_csv(folder / "rows.csv")
    return table


@pytest.fixture
def run():
    """Run the command, and return what it prints."""

    def run_command(*arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            main([str(argument) for argument in arguments])
        return output.getvalue()

    return run_command


@pytest.fixture
def error(capsys):
    """Run the command, which should fail, and return its message."""

    def run_command(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        assert exit_.value.code == 2
        return capsys.readouterr().err

    return run_command


@pytest.fixture
def read():
    """Read the columns of a file that was written, by those who made its kind."""

    def read_file(path):
        suffix = Path(path).suffix
        if suffix == ".npz":
            with np.load(path) as archive:
                return dict(archive)
        table = pl.read_csv(path) if suffix == ".csv" else pl.read_parquet(path)
        return {column.name: column.to_numpy() for column in table}

    return read_file


@pytest.fixture
def fast():
    """The text of a file's table of the estimator."""
    return FAST
