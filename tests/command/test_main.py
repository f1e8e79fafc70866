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


WITHOUT_TENSORFLOW = """
import sys
from sklearn_mogpe.command.main import main
for arguments in (["--help"], ["example", "two_regimes"], *(["train", name] for name in sys.argv[1:])):
    try:
        main(arguments)
    except SystemExit:
        pass
    assert not {"tensorflow", "gpflow"} & set(sys.modules), arguments
"""

DATA = "[data]\npath = 'rows.csv'\ntarget = 'y'\n"
MISTAKES = {
    "toml": ("[estimator\n", "at line 1, column 11"),
    "table": ("[model]\n", "model: unknown key"),
    "key": ("[estimator]\nbund = 'tight'\n", "estimator.bund: unknown key"),
    "value": ("[estimator]\nmax_iter = -1\n", "estimator.max_iter"),
    "kernel": ("[estimator]\nkernel = 'rfb'\n", "estimator: Expected one of ['rbf', "),
    "expert": (
        "[[estimator.experts]]\nkernel = 'rfb'\n",
        "experts[0].kernel.name: expected one of",
    ),
    "number": ("[[estimator.experts]]\nnoise_variance = -1\n", "noise_variance: expected a positive number"),
    "prior": (
        "[estimator.gating_network.kernel]\nname = 'rbf'\nvariance = {prior = {name = 'gama'}}\n",
        "estimator.gating_network.kernel.variance.prior.name: expected one of",
    ),
    "no_file": (DATA.replace("rows", "none"), "none.csv: No such file or directory"),
    "no_column": (DATA.replace("rows", "numbers").replace("'y'", "'z'"), "data.target"),
    "empty_cell": (DATA.replace("rows", "gaps"), "data.features: gaps.csv, line 3, column 'x'"),
    "no_number": (DATA, "data.target: rows.csv, line 3, column 'y': expected a number, got 'much'"),
}


def test_help_and_errors_of_files_are_there_at_once(folder):
    """They do not import TensorFlow."""
    (folder / "numbers.csv").write_text("x,y\n1,2\n3,4\n")
    (folder / "rows.csv").write_text("x,y\n1,2\n3,much\n")
    (folder / "gaps.csv").write_text("x,y\n1,2\n,3\n")
    for name, (text, _) in MISTAKES.items():
        (folder / f"{name}.toml").write_text(text)
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *(f"{name}.toml" for name in MISTAKES)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert result.returncode == 0, result.stderr
    for name in ("train", "predict", "example"):
        assert name in result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("sklearn-mogpe: ")]
    for line, (_, problem) in zip(lines, MISTAKES.values(), strict=True):
        assert problem in line
    assert not [path for path in folder.iterdir() if path.is_dir()]


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
