"""Trouble while a mixture trains: what has been reached so far is kept."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe.data.problem import make_problem
from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import bound_function, checkout
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.deadline import Deadline
from sklearn_mogpe.training.fit import Settings, train
from sklearn_mogpe.training.solvers import NATGRAD, Options

STRUCTURE = Structure(("rbf",), "rbf", 1, 8, "further")
X = np.linspace(-1, 1, 20)[:, None]


SINGULAR = np.linalg.LinAlgError("Singular, after all.")
NO_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def run_and_fail(error):
    def run(program, feed, tracker, options):
        NATGRAD.run(program, feed, tracker, options)
        raise error

    return run


def never_begin(program, feed, tracker, options):
    raise np.linalg.LinAlgError("Singular from the first.")


def fit(run, n_steps=4, bound="further"):
    rows = Rows(X, np.sin(3 * X), np.ones(20))
    problem = make_problem(rows, whole=True, n_inducing=6, random_state=np.random.RandomState(0))
    options = Options(n_steps, 0.1, report_every=2)
    settings = Settings(replace(NATGRAD, run=run), options, 1e-4, 10, 1, "prior", 0)
    structure = replace(STRUCTURE, bound=bound)
    with checkout(structure) as program:
        program.reset(X[::4])
        starts = [program.read()]
    return problem, train(structure, problem, settings, Deadline(), starts)


@pytest.mark.parametrize(
    ("error", "message"),
    [(SINGULAR, r"Singular, after all\."), (NO_MEMORY, "OOM when allocating tensor")],
    ids=["singular", "memory"],
)
def test_a_run_that_fails_keeps_its_best(error, message):
    with pytest.warns(ConvergenceWarning, match=f"ended early, and keeps the best.*{message}"):
        problem, failed = fit(run_and_fail(error))
    _, whole = fit(NATGRAD.run)
    assert failed.state.keys() == whole.state.keys()
    for path, value in whole.state.items():
        np.testing.assert_array_equal(failed.state[path], value)
    assert failed.lower_bound == whole.lower_bound
    assert failed.iterations == [2, 4]
    assert not failed.converged
    with checkout(STRUCTURE) as program:
        program.assign(failed.state)
        loss = program.get(bound_function)(program.data(problem.evaluation))
        np.testing.assert_allclose(loss / len(X), min(failed.loss_curve), rtol=1e-9)


def test_a_run_that_fails_at_once_keeps_its_start():
    with pytest.warns(ConvergenceWarning, match=r"Singular from the first\."):
        _, failed = fit(never_begin)
    assert np.isfinite(failed.lower_bound)
    assert failed.loss_curve == []


def test_without_a_finite_bound_the_error_is_told():
    def nowhere(latents, Y, points):
        return 0.0 * Y[:, 0] + np.inf

    with pytest.raises(np.linalg.LinAlgError, match=r"Singular from the first\."):
        fit(never_begin, bound=nowhere)
