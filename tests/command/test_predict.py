"""``sklearn-mogpe predict`` writes what the model predicts."""

import joblib
import numpy as np
import polars as pl
import pytest


@pytest.fixture
def results(run, table, fast, folder):
    data = '[data]\npath = "rows.csv"\ntarget = ["y", "w"]\n[output]\nfigures = false\n'
    (folder / "run.toml").write_text(data + fast)
    run("train", "run.toml", "--output", "results")
    return folder / "results"


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_predictions(run, read, results, table, folder, suffix):
    new = table.select("noise", "x").with_columns(pl.lit("text").alias("remark"))  # another order, and more
    new.head(7).write_parquet("new.parquet")
    run("predict", "results", "new.parquet", "--output", f"out.{suffix}", "--coverage", 0.5)
    found = read(folder / f"out.{suffix}")
    model = joblib.load(results / "model.joblib")
    X = table.select("x", "noise").head(7)
    mean, std = model.predict(X, return_std=True)
    lower, upper = model.predict_interval(X, coverage=0.5)
    expected = {}
    for kind, values in {"mean": mean, "std": std, "lower": lower, "upper": upper}.items():
        expected |= {f"y_{kind}": values[:, 0], f"w_{kind}": values[:, 1]}
    expected |= {f"mixing_proba_{k}": probs for k, probs in enumerate(model.predict_mixing_proba(X).T)}
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-12)


def test_one_array_of_several_targets(run, read, fast, folder):
    (folder / "run.toml").write_text(
        '[data]\ndataset = "two_regimes"\nn_samples = 30\n[output]\nfigures = false' + fast
    )
    run("train", "run.toml")
    np.savez("new.npz", X=np.zeros((1, 2)))
    run("predict", "run", "new.npz", "--output", "out.npz")
    assert {"y_0_mean", "y_1_mean", "y_0_std", "mixing_proba_1"} <= read("out.npz").keys()


def test_cells_are_read_as_in_training(run, error, read, fast, folder):
    """By the keys that the configuration has kept; what is plain is found in the file itself."""

    def write(name, separator, mark):
        lines = ["! station 12", f"rain{separator}flow"]
        lines += [f"{i % 7 + 1.125}{separator}{i % 5 + 0.5}".replace(".", mark) for i in range(30)]
        (folder / name).write_text("\n".join(lines))

    write("rows.csv", ";", ",")
    write("points.csv", " ", ".")
    data = '[data]\npath = "rows.csv"\ntarget = "flow"\ncomment = "!"\ndecimal = ","\ndrop_missing = true\n'
    (folder / "run.toml").write_text(f"{data}[output]\nfigures = false\n{fast}")
    told = run("train", "run.toml")
    assert told.startswith("rows.csv: 30 rows, separator ';', encoding utf-8\n")
    assert "\ndecimal commas\nfeatures: rain\ntarget: flow\n" in told
    model = joblib.load("run/model.joblib")
    rain = np.arange(30) % 7 + 1.125
    told = run("predict", "run", "rows.csv", "--output", "out.csv")
    assert "decimal commas" in told
    assert told.endswith("30 predictions: out.csv\n")
    expected = model.predict(pl.DataFrame({"rain": rain}))
    np.testing.assert_allclose(read("out.csv")["flow_mean"], expected, rtol=1e-12)
    assert "points between thousands" in run("predict", "run", "points.csv", "--output", "out.csv")
    expected = model.predict(pl.DataFrame({"rain": 1000 * rain}))
    np.testing.assert_allclose(read("out.csv")["flow_mean"], expected, rtol=1e-12)
    with open("rows.csv", "a") as file:
        file.write("\nNA;1")
    assert "rows.csv, line 33, column 'rain'" in error("predict", "run", "rows.csv", "--output", "none.csv")
    assert not (folder / "none.csv").exists()


def test_errors(error, results, table, folder):
    table.select("x").write_csv("new.csv")
    message = error("predict", "results", "new.csv")
    assert "new.csv: features: expected a column 'noise', got ['x']" in message
    assert "model.joblib: No such file or directory" in error("predict", "none", "new.csv")
    assert 'new.csv: expected a TOML file, got data; try one with [data], path = "new.csv"' in error(
        "train", "new.csv"
    )
    assert "ends with one of" in error("predict", "results", "new.csv", "--output", "out.xls")
    assert "coverage" in error("predict", "results", "rows.csv", "--coverage", 1.5)
    assert not (folder / "predictions.csv").exists()
