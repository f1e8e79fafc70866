"""A disk that is full: a fit goes on without checkpoints, and what is written is whole or absent."""

import json
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.command.main import main
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.program import Candidate, Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import checkpoints
from sklearn_mogpe.training.checkpoints import RunCheckpoints
from sklearn_mogpe.training.tracking import Tracker

resource = pytest.importorskip("resource", reason="this system cannot limit the sizes of files")


@contextmanager
def room_for_files_of(n_bytes):
    """The system refuses to write more into a file, whoever does, as a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def content(directory):
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in Path(directory).rglob("*")
        if file.is_file()
    }


@pytest.fixture
def data():
    return make_step(60, random_state=0)


@pytest.mark.usefixtures("short_search")
def test_a_fit_goes_on_without_checkpoints(make_regressor, data, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    expected = make_regressor(max_iter=5).fit(*data)
    model = make_regressor(max_iter=5, checkpoint_dir=tmp_path)
    with room_for_files_of(4000), pytest.warns(RuntimeWarning, match="Could not write .*goes on") as warned:
        model.fit(*data)
    assert all("File too large" in str(warning.message) for warning in warned)
    assert {Path(name).suffix for name in content(tmp_path)} == {".toml"}
    for path, value in expected._state["parameters"].items():
        np.testing.assert_array_equal(model._state["parameters"][path], value)


def test_the_last_checkpoint_that_could_be_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    program = Program(Structure(("rbf", "rbf"), "rbf", 1, 4, "tight"))
    program.reset(np.zeros((2, 1)))

    def tracker():
        run = RunCheckpoints(tmp_path, program, max_to_keep=1)
        return Tracker(program, Candidate(np.inf, program.read()), checkpoints=run)

    first = tracker()
    first.resume([])
    first.update(1, 3.0)
    before = content(tmp_path)
    with room_for_files_of(2000), pytest.warns(RuntimeWarning, match=r"Could not write .*checkpoint-2\.npz"):
        first.update(2, 1.0)
    assert content(tmp_path) == before
    second = tracker()
    assert not second.resume([])
    assert second.loss_curve == [3.0]
    first.update(3, 0.5)
    assert list(content(tmp_path)) == ["checkpoint-2.npz"]


def test_an_export_leaves_the_earlier_one(make_fitted, tmp_path):
    model, other = make_fitted(), make_fitted(seed=1)
    model.export_saved_model(tmp_path / "model")
    before = content(tmp_path)
    with room_for_files_of(8000), pytest.raises(OSError, match="File too large"):
        other.export_saved_model(tmp_path / "model")
    assert content(tmp_path) == before


@pytest.mark.usefixtures("short_search")
def test_results_of_the_command(data, tmp_path, capsys):
    """The model does not fit on the disk, and nothing that is only half of it stays."""
    X, y = data
    np.savez(tmp_path / "rows.npz", X=X, y=y)
    file = tmp_path / "run.toml"
    file.write_text(
        f'[data]\npath = "{tmp_path}/rows.npz"\n[output]\ndirectory = "{tmp_path}/run"\nfigures = false\n'
        '[estimator]\nn_experts = 1\nn_inducing = 12\nmax_iter = 3\nnoise = "constant"\nverbose = 0\n'
    )
    with room_for_files_of(1500), pytest.raises(SystemExit, match="2"):
        main(["train", str(file)])
    assert "File too large" in capsys.readouterr().err
    assert set(content(tmp_path / "run")) == {"config.toml", "split.npz"}
    main(["train", str(file)])
    assert set(content(tmp_path / "run")) == {"config.toml", "split.npz", "model.joblib", "scores.json"}
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["n_train"] > 0
    assert isinstance(joblib.load(tmp_path / "run" / "model.joblib"), MoGPERegressor)
