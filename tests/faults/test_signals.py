"""The command, told to end or killed: it keeps the best so far, or leaves only files that are whole."""

import json
import os
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest

from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.descriptions.files import read_tables

pytestmark = pytest.mark.slow

RUN = """
[data]
path = "rows.npz"
[output]
directory = "results"
figures = false
[estimator]
n_experts = 1
n_inducing = 12
random_state = 0
noise = "constant"
max_iter = 100000
tol = 0.0
n_iter_no_change = 100000
checkpoint_dir = "checkpoints"
"""
CALL = "from sklearn_mogpe.command.main import main; main(['train', 'run.toml'])"


@pytest.fixture
def process(tmp_path):
    """A process of the command that would train for an hour."""
    X, y = make_step(100, random_state=0)
    np.savez(tmp_path / "rows.npz", X=X, y=y)
    (tmp_path / "run.toml").write_text(RUN)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", CALL], cwd=tmp_path, **pipes) as process:
        yield process
        process.kill()


def wait_for(process, folder, files):
    while not list(folder.glob(files)):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)


@pytest.fixture
def training(process, tmp_path):
    """The process, which has begun to train to the end."""
    wait_for(process, tmp_path, "checkpoints/*/1-experts/starts.npz")
    return process


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_end(training, tmp_path, number):
    time.sleep(2.0)
    training.send_signal(number)
    output, _ = training.communicate(timeout=120)
    assert training.returncode == 0, output
    assert "The fit was interrupted; it keeps the best parameters so far." in " ".join(output.split())
    model = joblib.load(tmp_path / "results" / "model.joblib")
    assert 0 < model.n_iter_ < 100_000
    scores = json.loads((tmp_path / "results" / "scores.json").read_text())
    assert scores["standardised"]["nlpd"] < 1.2


def test_killed(training, tmp_path):
    time.sleep(1.0)
    training.kill()
    training.wait()
    assert {file.name for file in (tmp_path / "results").iterdir()} == {"config.toml", "split.npz"}
    assert read_tables(tmp_path / "results" / "config.toml")["estimator"]["n_experts"] == 1
    with np.load(tmp_path / "results" / "split.npz") as split:
        assert sorted(np.concatenate([split["train"], split["test"]])) == list(range(100))
    for file in tmp_path.glob("checkpoints/*/1-experts/**/[!0-9]*.npz"):
        with np.load(file) as archive:
            assert len({name: archive[name] for name in archive}) > 3


def test_told_to_end_before_there_is_anything(process, tmp_path):
    wait_for(process, tmp_path, "results/split.npz")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "sklearn-mogpe: interrupted before there was a result" in output
    assert not (tmp_path / "results").exists()
