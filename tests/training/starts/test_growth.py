"""More inducing points: those that were there stay, and so does what the mixture says of the rows."""

import numpy as np
import pytest

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.program import Candidate, Program, bound_function, mixture_function
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers import NATGRAD, Feed, Options
from sklearn_mogpe.training.starts.divisions import spread_points
from sklearn_mogpe.training.starts.growth import grow
from sklearn_mogpe.training.tracking import Tracker

FEW, MANY = 15, 30


def standardised(X, y):
    columns = [(part - part.mean()) / part.std() for part in (X, y[:, None])]
    return Rows(*columns, np.ones(len(X)))


@pytest.fixture(scope="module", params=["further", "tight"])
def trained(request):
    """Two experts of a noise that varies, trained with few points; the program, its state and the rows."""
    rows = standardised(*make_step(150, random_state=0))
    program = Program(Structure(("rbf",) * 2, "rbf", 1, 16, request.param, noise="varying"))
    program.reset(rows.X[spread_points(rows.X / 0.3, FEW)])
    for expert, sign in zip(program.model.experts.experts, (-1.0, 1.0), strict=True):
        expert.gp.q_mu.assign(np.full((FEW, 1), 0.3 * sign))  # no symmetry
        expert.likelihood.variance.assign([0.2])
        expert.gp.kernel.lengthscales.assign([0.5])
    tracker = Tracker(program, Candidate(np.inf, program.read()))
    NATGRAD.run(program, Feed(program.data(rows), 150), tracker, Options(100, 0.1))
    return program, tracker.best_state, rows


def bound_of(program, state, rows):
    program.assign(state)
    return -float(program.get(bound_function)(program.data(rows)))


def predictions(program, state, X):
    """Mean and standard deviation of y."""
    program.assign(state)
    weights, means, variances = (part.numpy() for part in program.get(mixture_function)(program.tensor(X)))
    mean = np.sum(weights * means[..., 0], axis=1)
    return mean, np.sqrt(np.sum(weights * (variances[..., 0] + means[..., 0] ** 2), axis=1) - mean**2)


def test_points_are_added_to_those_that_are_there(trained):
    program, state, rows = trained
    grown = grow(program, state, rows, MANY)
    paths = [path for path in state if path.endswith(".Z")]
    assert len(paths) == 5  # of two functions, two noises and a gate
    for path in paths:
        assert grown[path].shape == (MANY, 1)
        np.testing.assert_array_equal(grown[path][:FEW], state[path])
        assert np.isin(grown[path][FEW:], rows.X).all()
        assert len(np.unique(grown[path])) == MANY
    for path, value in grown.items():
        assert np.all(np.isfinite(value))
        if not path.endswith((".Z", ".q_mu", ".q_sqrt")):
            np.testing.assert_array_equal(value, state[path])


def test_what_is_said_of_the_rows_stays(trained):
    program, state, rows = trained
    before, bound = predictions(program, state, rows.X), bound_of(program, state, rows)
    grown = grow(program, state, rows, MANY)
    after = predictions(program, grown, rows.X)
    for old, new in zip(before, after, strict=True):  # where y has a standard deviation of 1
        assert np.sqrt(np.mean((new - old) ** 2)) < 0.07
    assert bound_of(program, grown, rows) > bound - 0.5
    forgotten = {path: 0.0 * value if path.endswith(".q_mu") else value for path, value in grown.items()}
    mean, _ = predictions(program, forgotten, rows.X)
    assert np.sqrt(np.mean((mean - before[0]) ** 2)) > 0.5


def test_a_q_that_is_not_finite_is_told(trained):
    program, state, rows = trained
    bad = {path: value * np.nan if "lengthscales" in path else value for path, value in state.items()}
    with pytest.raises(np.linalg.LinAlgError, match="finite q of 30 inducing points"):
        grow(program, bad, rows, MANY)


@pytest.mark.parametrize("bound", ["further", "tight"])
def test_rows_on_a_grid_give_points_that_are_distinct(bound):
    """A row is no point that is there already for having each of its coordinates in common with some."""
    axis = np.linspace(-1.5, 1.5, 6)
    X = np.array([[first, second] for first in axis for second in axis])
    rows = Rows(X, np.sin(X[:, :1]), np.ones(len(X)))
    program = Program(Structure(("rbf",), "rbf", 1, 16, bound, n_features=2))
    program.reset(X[spread_points(X, FEW)], 0.1)
    state = grow(program, program.read(), rows, MANY)
    program.assign(state)
    for gp in program.model.gps:
        Z = gp.inducing_variable.Z.numpy()
        assert len(np.unique(Z, axis=0)) == len(Z) == MANY
