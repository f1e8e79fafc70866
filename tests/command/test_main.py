"""The command as it is installed, and the files that it gives to begin with."""

import shutil
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from sklearn_mogpe import MoGPERegressor

EXAMPLES = sorted(resources.files("sklearn_mogpe").joinpath("configurations").iterdir())


def test_help_is_there_at_once():
    """It does not import TensorFlow."""
    code = "import sys; from sklearn_mogpe.command.main import main\ntry: main(['--help'])\nfinally: "
    code += "assert 'tensorflow' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("train", "predict", "example"):
        assert name in result.stdout


def test_it_is_installed():
    command = shutil.which("sklearn-mogpe", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("the package is not installed beside this Python")
    result = subprocess.run([command, "train", "--help"], capture_output=True, text=True, check=True)
    assert "--random-state" in result.stdout


def test_an_unknown_command(error):
    assert "invalid choice: 'fit'" in error("fit", "run.toml")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_valid(run, folder, file):
    name = file.name.removesuffix(".toml")
    text = run("example", name)
    (folder / "example.toml").write_text(text)
    model = MoGPERegressor.from_toml("example.toml")
    assert text == file.read_text()
    assert f"sklearn-mogpe train {file.name}" in text
    tables = tomllib.loads(text)
    assert tables["output"]["directory"] == name
    assert Path(model.checkpoint_dir).parent == Path(model.log_dir).parent == Path(name)


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_train(run, folder, file):
    """For a while, with all that they say but the length."""
    text = file.read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("max_iter", "verbose"))]
    place = lines.index("[estimator]") + 1
    lines[place:place] = ["max_iter = 2", "verbose = 0"]
    (folder / "short.toml").write_text("\n".join(lines))
    printed = run("train", "short.toml")
    assert "held-out rows" in printed
    results = folder / file.name.removesuffix(".toml")
    assert {"checkpoints", "logs", "figures", "model.joblib", "config.toml"} <= {
        p.name for p in results.iterdir()
    }
    assert list(results.rglob("estimator.toml"))
    assert list(results.rglob("events.out.tfevents.*"))
