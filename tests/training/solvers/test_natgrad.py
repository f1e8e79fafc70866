"""Steps on the whole data: what moves, and what happens where a step was too long."""

import numpy as np
import pytest

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import Candidate, Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers import NATGRAD, Feed, Options
from sklearn_mogpe.training.solvers.steps import Adam, in_chunks
from sklearn_mogpe.training.tracking import Tracker

X = np.random.default_rng(0).uniform(-1, 1, (12, 3))
ROWS = Rows(X, np.sin(3 * X[:, :1]), np.ones(12))


@pytest.fixture(scope="module")
def program():
    return Program(Structure(("rbf",) * 2, "rbf", 1, 8, "further"))


def tracker_and_feed(program):
    tracker = Tracker(program, Candidate(np.inf, program.read()))
    return tracker, Feed(program.data(ROWS), len(X))


@pytest.mark.parametrize(("n_inducing", "moves"), [(12, False), (11, True)])
def test_inducing_inputs_at_all_rows_stay_there(program, n_inducing, moves):
    program.reset(X[:n_inducing])
    tracker, feed = tracker_and_feed(program)
    NATGRAD.run(program, feed, tracker, Options(5, 0.1, report_every=5))
    for gp in program.model.gps:
        assert np.allclose(gp.inducing_variable.Z.numpy(), X[:n_inducing], atol=1e-3) != moves
    assert np.isfinite(tracker.best_loss)


def test_a_chunk_that_fails_is_taken_again_with_shorter_steps_and_no_momentum(program):
    program.reset(X)
    tracker, feed = tracker_and_feed(program)
    optimizer, seen = Adam(program.hyperparameters), []

    def steps(first, rates):
        seen.append((first, rates.numpy()[0], optimizer.count.numpy()))
        optimizer.count.assign_add(len(rates))
        return rates.numpy()[0] < 0.3

    in_chunks(program, feed, tracker, Options(4, 1.0, report_every=2), steps, optimizer)
    later = 0.25 * 0.1**0.5
    # once too long, they stay short; moments, of gradients that led there, are forgotten
    np.testing.assert_allclose(seen, [(0, 1, 0), (0, 0.5, 0), (0, 0.25, 0), (2, later, 2)])
    assert tracker.n_iter == 4
