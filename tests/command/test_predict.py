"""``sklearn-mogpe predict`` writes what the model predicts."""

import joblib
import numpy as np
import polars as pl
import pytest

from sklearn_mogpe.command.columns import read_columns


@pytest.fixture
def results(run, table, fast, folder):
    data = '[data]\npath = "rows.csv"\ntarget = ["y", "w"]\n[output]\nfigures = false\n'
    (folder / "run.toml").write_text(data + fast)
    run("train", "run.toml", "--output", "results")
    return folder / "results"


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_predictions(run, results, table, folder, suffix):
    new = table.select("noise", "x").with_columns(pl.lit("text").alias("remark"))  # another order, and more
    new.head(7).write_parquet("new.parquet")
    run("predict", "results", "new.parquet", "--output", f"out.{suffix}", "--coverage", 0.5)
    found = read_columns(folder / f"out.{suffix}")
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


def test_one_array_of_several_targets(run, fast, folder):
    (folder / "run.toml").write_text(
        '[data]\ndataset = "two_regimes"\nn_samples = 30\n[output]\nfigures = false' + fast
    )
    run("train", "run.toml")
    np.savez("new.npz", X=np.zeros((1, 2)))
    run("predict", "run", "new.npz", "--output", "out.npz")
    assert {"y_0_mean", "y_1_mean", "y_0_std", "mixing_proba_1"} <= read_columns("out.npz").keys()


def test_errors(error, results, table, folder):
    table.select("x").write_csv("new.csv")
    message = error("predict", "results", "new.csv")
    assert "new.csv: features: expected some of the columns ['x'], got 'noise'" in message
    assert "none" in error("predict", "none", "new.csv")
    assert "ends with one of" in error("predict", "results", "new.csv", "--output", "out.xls")
    assert "coverage" in error("predict", "results", "rows.csv", "--coverage", 1.5)
    assert not (folder / "predictions.csv").exists()
