"""``sklearn-mogpe train`` does what the same steps in Python do, and leaves all that repeats it."""

import json
import re
import tomllib
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor

DATA = """
[data]
path = "rows.csv"
features = ["x"]
sample_weight = "w"

[split]
test_size = 0.3
random_state = 3

[output]
directory = "results"
figures = false
"""


def test_known_errors(run, table, fast, folder):
    """In the fit, and in the density of held-out rows; a column of errors is no feature."""
    error = np.linspace(0.1, 2.0, 50)
    table.with_columns(e=error).write_csv(folder / "rows.csv")
    lines = [line for line in DATA.splitlines() if not line.startswith("features")]
    (folder / "run.toml").write_text("\n".join(lines).replace('"w"', '"w"\ny_std = "e"') + fast)
    run("train", "run.toml")
    parts = np.load("results/split.npz")
    X, (y, w) = table.select("x", "noise").to_numpy(), (table[name].to_numpy() for name in ("y", "w"))
    train, test = parts["train"], parts["test"]
    expected = MoGPERegressor.from_toml("run.toml").fit(X[train], y[train], w[train], error[train])
    model = joblib.load("results/model.joblib")
    assert list(model.feature_names_in_) == ["x", "noise"]
    assert model.lower_bound_ == pytest.approx(expected.lower_bound_, rel=1e-10)
    weights, means, stds = expected.predict_mixture(X[test])
    density = np.sum(
        weights * norm.pdf(y[test, None], means[..., 0], np.hypot(stds[..., 0], error[test, None])), 1
    )
    nlpd = -np.average(np.log(density), weights=w[test])
    scores = json.loads(Path("results/scores.json").read_text())
    assert scores["units_of_y"]["nlpd"] == pytest.approx(nlpd, rel=1e-8)


@pytest.fixture
def trained(run, table, fast, folder):
    (folder / "run.toml").write_text(DATA + fast)
    return run("train", "run.toml")


def test_the_steps_in_python(trained, table):
    train, test = (np.sort(part) for part in train_test_split(np.arange(50), test_size=0.3, random_state=3))
    x, y, w = (table[name].to_numpy() for name in ("x", "y", "w"))
    expected = MoGPERegressor.from_toml("run.toml").fit(x[train, None], y[train], w[train])
    model = joblib.load("results/model.joblib")
    mean = expected.predict(x[:, None])
    np.testing.assert_allclose(model.predict(table.select("x")), mean, rtol=1e-10)
    scores = json.loads(Path("results/scores.json").read_text())
    assert (scores["n_train"], scores["n_test"]) == (35, 15)
    weight, error = w[test] / w[test].sum(), y[test] - mean[test]
    found = {
        "nlpd": -weight @ expected.score_samples(x[test, None], y[test]),
        "rmse": np.sqrt(weight @ error**2),
        "mae": weight @ np.abs(error),
    }
    assert scores["units_of_y"] == pytest.approx(found, rel=1e-8)
    scale = y[train].std()
    standardised = {
        "nlpd": found["nlpd"] - np.log(scale),
        "rmse": found["rmse"] / scale,
        "mae": found["mae"] / scale,
    }
    assert scores["standardised"] == pytest.approx(standardised, rel=1e-8)
    for name, value in found.items():
        assert re.search(f"{name.upper()}.* {value:.3f} .* {standardised[name]:.3f} ", trained)
    with np.load("results/split.npz") as split:
        np.testing.assert_array_equal(split["train"], train)
        np.testing.assert_array_equal(split["test"], test)


def test_what_it_leaves_repeats_it(trained, run, folder):
    with open("results/config.toml", "rb") as file:
        assert tomllib.load(file)["data"]["target"] == ["y"]
    first = (folder / "results" / "scores.json").read_text()
    run("train", "results/config.toml", "--output", "again")
    assert sorted(path.name for path in (folder / "again").iterdir()) == [
        "config.toml",
        "model.joblib",
        "scores.json",
        "split.npz",
    ]
    again = json.loads((folder / "again" / "scores.json").read_text())
    assert again | {"seconds": 0} == json.loads(first) | {"seconds": 0}


def test_another_random_state_is_another_split(trained, run):
    run("train", "run.toml", "--random-state", 5, "--output", "other")
    with np.load("results/split.npz") as one, np.load("other/split.npz") as other:
        assert set(one["test"]) != set(other["test"])
    with open("other/config.toml", "rb") as file:
        tables = tomllib.load(file)
    assert tables["split"]["random_state"] == tables["estimator"]["random_state"] == 5


def test_all_rows(run, table, fast, folder):
    (folder / "run.toml").write_text('[data]\npath = "rows.csv"\n[split]\ntest_size = 0\n' + fast)
    printed = run("train", "run.toml", "--output", "all")
    assert "held-out" not in printed
    scores = json.loads((folder / "all" / "scores.json").read_text())
    assert scores.keys() == {"n_train", "n_test", "seconds"}
    assert (scores["n_train"], scores["n_test"]) == (50, 0)


@pytest.mark.slow
def test_figures_of_each_output(run, table, fast, folder):
    (folder / "run.toml").write_text('[data]\npath = "rows.csv"\ntarget = ["y", "noise"]\n' + fast)
    run("train", "run.toml")  # into a directory that is called as the file
    figures = folder / "run" / "figures"
    for output in ("output_0", "output_1"):
        names = {path.stem for path in (figures / output).iterdir()}
        assert {"density", "experts", "moments", "calibration", "training_curve"} <= names
        assert (figures / output / "density.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_was_broken_off_goes_on(run, table, fast, folder, monkeypatch):
    from sklearn_mogpe.training import checkpoints
    from sklearn_mogpe.training import fit as fit_module
    from sklearn_mogpe.training.tracking import Tracker

    fast = fast.replace("max_iter = 2", 'max_iter = 100\ntol = 0.0\ncheckpoint_dir = "checkpoints"')
    (folder / "run.toml").write_text(DATA + fast)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    update, counts = Tracker.update, []

    def update_or_die(self, *args):
        if self.checkpoints is not None:
            counts.append(1)
            if len(counts) == 3:
                raise SystemError
        return update(self, *args)

    monkeypatch.setattr(Tracker, "update", update_or_die)
    with pytest.raises(SystemError):
        run("train", "run.toml")
    assert not (folder / "results").exists()
    monkeypatch.setattr(fit_module, "find_starts", None)  # they are known
    run("train", "run.toml")
    assert len(counts) == 3 + 4 - 2
    assert joblib.load("results/model.joblib").loss_iterations_ == [25, 50, 75, 100]
    with np.load("results/split.npz") as split:
        assert len(split["test"]) == 15


@pytest.fixture
def refused(error, table, fast, folder):
    """A command whose rows are read, and then refused by the fit."""
    table.with_columns(w=-1.0).write_csv(folder / "rows.csv")
    (folder / "run.toml").write_text(DATA.replace('"results"', '"a/b"') + fast)
    return lambda: error("train", "run.toml")


def test_a_fit_that_is_refused_leaves_nothing(refused, folder):
    assert "Negative values in sample_weight" in refused()
    assert sorted(path.name for path in folder.iterdir()) == ["rows.csv", "run.toml"]
    (folder / "a").mkdir()
    refused()
    assert not list((folder / "a").iterdir())


def test_a_fit_that_is_refused_leaves_what_was_there(refused, folder):
    (folder / "a" / "b").mkdir(parents=True)
    kept = {"config.toml": b"of an earlier run", "model.joblib": b"its model"}
    for name, content in kept.items():
        (folder / "a" / "b" / name).write_bytes(content)
    refused()
    assert {path.name: path.read_bytes() for path in (folder / "a" / "b").iterdir()} == kept


def test_a_file_that_is_not_whole_is_not_there(run, table, fast, folder, monkeypatch):
    def write_half(model, file):
        Path(file).write_bytes(b"half")
        raise SystemError

    monkeypatch.setattr(joblib, "dump", write_half)
    (folder / "run.toml").write_text(DATA + fast)
    with pytest.raises(SystemError):
        run("train", "run.toml")
    assert sorted(path.name for path in (folder / "results").iterdir()) == ["config.toml", "split.npz"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[data]\npath = 'rows.csv'\ntarget = 'z'",
            r"data.target: expected a column 'z', got \['x', 'noise', 'y', 'w'\]",
        ),
        ("[data]\npath = 'none.csv'", "none.csv"),
        ("[data]\npath = 'rows.xls'", r"data.path: expected a file that ends with one of .*, got 'rows.xls'"),
        ("[data]\npath = 3", "data.path: expected the name of a file, got 3"),
        ("[data]", r"data: expected either path or dataset, got \[\]"),
        ("[data]\ndataset = 'moon'", r"data.dataset: expected one of .*'two_regimes'.*, got 'moon'"),
        ("[data]\nfile = 'rows.csv'", "data.file: unknown key"),
        ("[data]\ndataset = 'step'\nn_samples = 0", "data.n_samples: expected a positive integer"),
        ("[data]\npath = 'rows.csv'\nrandom_state = 0", "data.random_state: expected none for a file"),
        ("[data]\npath = 'rows.csv'\n[split]\ntest_size = 1.5", "split.test_size: .*1.5"),
        (
            "[data]\npath = 'rows.csv'\n[split]\ntest_size = true",
            "split.test_size: expected a number, got True",
        ),
        ("[data]\npath = 'rows.csv'\n[split]\nsize = 0.3", "split.size: unknown key"),
        (
            "[data]\npath = 'rows.csv'\n[split]\nrandom_state = -1",
            "split.random_state: expected an integer of 0",
        ),
        ("[data]\npath = 'rows.csv'\n[output]\nfigures = 1", "output.figures: expected true or false, got 1"),
        (
            "[data]\npath = 'rows.csv'\n[output]\ndirectory = 1",
            "output.directory: expected the name of a dir",
        ),
        ("[estimator]\nn_experts = 0", "estimator.n_experts: .* must be"),
        (
            "[data]\npath = 'rows.csv'\n[[estimator.experts]]\nkernel = {name='rbf', lengthscales=[1, 1]}",
            r"experts\[0\].kernel.lengthscales: expected a positive number or a list of 3",
        ),
    ],
)
def test_errors_of_files(error, table, folder, text, message):
    (folder / "run.toml").write_text(text)
    assert re.search(f"^sklearn-mogpe: (run.toml: )?.*{message}", error("train", "run.toml"), re.MULTILINE)
    assert not (folder / "run" / "model.joblib").exists()
