"""Fits of one structure use one set of graphs, whatever their sizes, and leave nothing behind in memory."""

import gc

import numpy as np
import psutil
import pytest
from tensorflow.python.framework.func_graph import FuncGraph

from sklearn_mogpe.engine import program as pool

SOLVERS = ("natgrad", "adam", "lbfgs")


@pytest.fixture
def traces(monkeypatch):
    """Names of all graphs that are made, loops and branches included, beginning with no program at all."""
    names, make = [], FuncGraph.__init__

    def init(self, name, *args, **kwargs):
        names.append(name)
        make(self, name, *args, **kwargs)

    monkeypatch.setattr(FuncGraph, "__init__", init)
    monkeypatch.setattr(pool, "_programs", type(pool._programs)())
    return names


def fit_and_predict(make_regressor, number, n_rows, n_features, n_inducing, n_new, **params):
    """Fit random rows; ask for everything that needs a graph."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((n_rows, n_features))
    params = {"n_inducing": n_inducing, "max_iter": 2, "batch_size": 7, **params}
    model = make_regressor(random_state=number, **params).fit(X, X[:, 0] + rng.standard_normal(n_rows))
    new = rng.standard_normal((n_new, n_features))
    assert np.all(np.isfinite(model.predict(new)))
    assert np.all(np.isfinite(model.predict_gating_functions(new)))


@pytest.mark.slow
def test_twenty_fits_of_any_sizes_trace_once(make_regressor, short_search, traces):
    for solver in SOLVERS:
        fit_and_predict(make_regressor, 0, 30, 2, 5, 10, solver=solver)
    assert len(pool._programs) == 2  # of the mixture and of the single process
    assert traces
    traces.clear()
    for number in range(1, 21):
        sizes = {"n_rows": 20 + 3 * number, "n_features": 1 + number % 4, "n_inducing": 3 + number % 5}
        fit_and_predict(make_regressor, number, n_new=number**3, solver=SOLVERS[number % 3], **sizes)
    assert traces == []


@pytest.mark.slow
def test_nothing_grows_with_the_number_of_fits(make_regressor, short_search):
    """Neither memory nor threads, open files and processes; the first fits may fill caches."""
    process, resident, others = psutil.Process(), [], []
    for some in (range(30), range(30, 110)):
        for number in some:
            sizes = {"n_rows": 30 + number % 20, "n_features": 1 + number % 2, "n_new": 1 + number % 30}
            fit_and_predict(make_regressor, number, n_inducing=5, solver="natgrad", **sizes)
        gc.collect()
        resident.append(process.memory_info().rss)
        others.append(
            [process.num_threads(), len(process.open_files()), len(process.children(recursive=True))]
        )
    assert resident[1] - resident[0] < 10e6
    assert np.all(np.subtract(*others) >= 0)
