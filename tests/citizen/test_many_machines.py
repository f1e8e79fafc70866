"""The scripts for many machines, on two processes of this one."""

import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import cross_val_score

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.metrics import neg_nlpd, nlpd

SCRIPTS = Path(__file__).parents[2] / "examples" / "many_machines"

pytestmark = pytest.mark.slow


def run(script, *arguments):
    """Run a script on two workers, and return what it prints."""
    command = [sys.executable, SCRIPTS / script, *map(str, arguments), "--workers", "2"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


def number(pattern, text):
    return float(re.search(pattern.replace("#", r"(-?[\d.]+)"), text)[1])


def save_rows(file, n_rows):
    X, y = make_step(n_rows, random_state=0)
    np.save(file, np.column_stack([X, y]))
    return X, y


def test_a_search_has_the_scores_that_it_has_without_a_cluster(tmp_path):
    X, y = save_rows(tmp_path / "rows.npy", 60)
    printed = run("search.py", tmp_path / "rows.npy", "--n-inducing", 8, "--kernels", "rbf")
    expected = cross_val_score(
        MoGPERegressor(2, n_inducing=8, random_state=0), X, y, cv=3, scoring=neg_nlpd, error_score="raise"
    )
    assert number("NLPD #", printed) == pytest.approx(-expected.mean(), abs=1e-3)
    assert "3 fits in" in printed


def test_a_fit_by_two_workers_predicts_a_data_set_by_two_workers(tmp_path):
    save_rows(tmp_path / "rows.npy", 600)
    options = ["--n-inducing", "12", "--batch-size", "200", "--passes", "5"]
    printed = run("fit.py", tmp_path / "rows.npy", tmp_path / "model.joblib", *options)
    assert "2 workers" in printed
    model = joblib.load(tmp_path / "model.joblib")
    X, y, truth = make_step(3000, random_state=1, return_truth=True)
    best = nlpd(y, truth.weights, truth.means, truth.stds)
    assert best < -model.score_samples(X, y).mean() < best + 0.1

    (tmp_path / "rows").mkdir()
    for i, part in enumerate(np.split(X[:, 0], [500, 1000])):
        table = pl.DataFrame({"x": part, "y": part})
        table.write_parquet(tmp_path / "rows" / f"{i}.parquet", row_group_size=300)
    printed = run(
        "score.py", *(tmp_path / name for name in ("model.joblib", "rows", "scores")), "--features", "x"
    )
    assert number("# rows in", printed) == 3000
    assert sorted(file.name for file in (tmp_path / "scores").iterdir()) == [f"{i}.parquet" for i in range(3)]
    scores = pl.concat(pl.read_parquet(tmp_path / "scores" / f"{i}.parquet") for i in range(3))
    expected = [*model.predict(X, return_std=True), *model.predict_interval(X, coverage=0.9)]
    np.testing.assert_allclose(scores.to_numpy(), np.column_stack(expected), rtol=1e-9)


def test_a_worker_that_fails_ends_all(tmp_path):
    process = subprocess.run(
        [sys.executable, SCRIPTS / "fit.py", tmp_path / "none.npy", tmp_path / "model.joblib"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 1
    assert "FileNotFoundError" in process.stderr
