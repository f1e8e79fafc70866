"""How many experts, where rows are many: by searches on a sample, after which one mixture is trained."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe.data.problem import MANY_ROWS, make_problem
from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.predictions import build_model
from sklearn_mogpe.engine.program import bound_function, checkout
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import selection
from sklearn_mogpe.training.deadline import Deadline
from sklearn_mogpe.training.fit import Fit, Search, Settings, search, train
from sklearn_mogpe.training.solvers import NATGRAD, Options
from sklearn_mogpe.training.starts.divisions import spread_points
from sklearn_mogpe.training.starts.search import settle
from sklearn_mogpe.training.tracking import Tracker

STRUCTURES = [Structure(("rbf",) * n, "rbf", 1, 8, "tight") for n in (1, 2, 3, 4)]
MANY = SimpleNamespace(n_rows=MANY_ROWS)
SETTINGS = Settings(NATGRAD, Options(75, 0.1), 1e-4, 10, 1, "auto", 0)


class Parts:
    """Stand in for the searches and the training, and remember how they were called."""

    def __init__(self, bounds, trouble=None):
        self.bounds, self.trouble = bounds, trouble or {}
        self.searched, self.trained = [], []

    def search(self, structure, problem, settings, deadline, checkpoints, singles):
        K = structure.n_experts
        self.searched.append(K)
        outcome = self.trouble.get(K, False)
        if isinstance(outcome, BaseException):
            raise outcome
        return Search([{"of": K, "place": 1}, {"of": K, "place": 2}], self.bounds[K - 1], outcome)

    def train(self, structure, problem, settings, deadline, starts, callback, checkpoints, singles):
        self.trained.append((structure.n_experts, starts, settings.options.n_steps))
        return Fit(starts and starts[0], -7.0, [], [], [], 1, True)


@pytest.fixture
def run(monkeypatch):
    """Choose among mixtures of one to four experts; return the choice and what was called."""

    def run(bounds, trouble=None, structures=STRUCTURES, problem=MANY, deadline=None, **options):
        parts = Parts(bounds, trouble)
        monkeypatch.setattr(selection, "search", parts.search)
        monkeypatch.setattr(selection, "train", parts.train)
        deadline = deadline or Deadline()
        return selection.train_best(structures, problem, SETTINGS, deadline, **options), parts

    return run


@pytest.mark.parametrize(
    ("bounds", "chosen", "tried"),
    [
        ([-100.0, -98.5, -50.0, -10.0], 1, 2),
        ([-100.0, -97.5, -96.0, -10.0], 2, 3),
        ([-100.0, -80.0, -60.0, -40.0], 4, 4),
    ],
)
def test_only_the_best_is_trained_from_what_its_search_has_found(run, bounds, chosen, tried):
    best, parts = run(bounds)
    assert parts.searched == list(range(1, tried + 1))
    assert parts.trained == [(chosen, [{"of": chosen, "place": 1}, {"of": chosen, "place": 2}], 75)]
    assert best.structure.n_experts == chosen
    assert best.scores == {n + 1: bounds[n] for n in range(tried)}  # of the searches
    assert best.fit.lower_bound == -7.0  # of the training
    assert not best.fit.interrupted


def test_one_number_is_trained_without_a_comparison(run):
    best, parts = run([-100.0] * 4, structures=STRUCTURES[1:2])
    assert parts.searched == []
    assert parts.trained == [(2, None, 75)]
    assert best.scores == {2: -7.0}


def test_a_start_is_where_training_begins(run):
    _, parts = run([-100.0] * 4, structures=STRUCTURES[1:2], start={"of": 0})
    assert parts.trained == [(2, [{"of": 0}], 75)]


def test_few_rows_are_not_compared_by_searches(run):
    _, parts = run([-100.0] * 4, problem=SimpleNamespace(n_rows=MANY_ROWS - 1))
    assert parts.searched == []
    assert [K for K, *_ in parts.trained] == [1, 2]  # the second was no better


def test_a_further_number_that_cannot_be_searched_loses_nothing(run):
    best, parts = run([-100.0, -80.0, None, None], {3: np.linalg.LinAlgError("singular")})
    assert best.scores == {1: -100.0, 2: -80.0, 3: -np.inf}
    assert [(K, n_steps) for K, _, n_steps in parts.trained] == [(2, 75)]
    assert not best.fit.interrupted


def test_trouble_with_the_first_number_is_told(run):
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        run([None] * 4, {1: np.linalg.LinAlgError("singular")})


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), True])
def test_an_interrupted_search_is_the_last_and_nothing_is_trained(run, trouble):
    """Whether it has found something by then, which may be the best so far, or not."""
    has_found = trouble is True
    with nullcontext() if has_found else pytest.warns(ConvergenceWarning, match="interrupted"):
        best, parts = run([-100.0, -80.0, -70.0, -60.0], {2: trouble})
    chosen = 2 if has_found else 1
    assert parts.searched == [1, 2]
    assert parts.trained == [(chosen, [{"of": chosen, "place": 1}, {"of": chosen, "place": 2}], 0)]
    assert best.fit.interrupted
    assert best.scores == ({1: -100.0, 2: -80.0} if has_found else {1: -100.0})


def test_an_interrupted_search_that_is_not_the_best_ends_all_as_well(run):
    best, parts = run([-100.0, -120.0, -70.0, -60.0], {2: True})
    assert [(K, n_steps) for K, _, n_steps in parts.trained] == [(1, 0)]
    assert best.fit.interrupted


def test_no_further_number_is_searched_after_the_deadline(run):
    best, parts = run([-100.0, -80.0, -70.0, -60.0], deadline=Deadline(-1.0))
    assert parts.searched == [1]
    assert [K for K, *_ in parts.trained] == [1]
    assert best.scores == {1: -100.0}


# Real fits, to which 150 rows are many


@pytest.fixture
def small_many(monkeypatch):
    monkeypatch.setattr(selection, "MANY_ROWS", 100)


def test_the_fit_is_that_of_the_number_that_was_chosen(make_regressor, short_search, small_many, branches):
    X, y, _ = branches
    auto = make_regressor((1, 2)).fit(X, y)
    assert auto.n_experts_ == 2
    assert list(auto.n_experts_scores_) == [1, 2]
    fixed = make_regressor(2).fit(X, y)
    np.testing.assert_array_equal(auto.predict(X), fixed.predict(X))
    assert auto.lower_bound_ == fixed.lower_bound_
    assert auto.lower_bound_ > auto.n_experts_scores_[2] + 1.0  # of the search, before training


def test_what_is_left_of_an_interrupted_comparison(
    make_regressor, short_search, small_many, branches, monkeypatch
):
    X, y, _ = branches
    original = selection.search

    def search(structure, *args):
        if structure.n_experts == 2:
            raise KeyboardInterrupt
        return original(structure, *args)

    monkeypatch.setattr(selection, "search", search)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model = make_regressor((1, 2)).fit(X, y)
    assert list(model.n_experts_scores_) == [1]
    assert (model.n_experts_, model.n_iter_, list(model.loss_curve_)) == (1, 1, [])
    assert model.lower_bound_ == pytest.approx(model.n_experts_scores_[1], rel=1e-9)  # of all rows, untrained
    mean, std = model.predict(X, return_std=True)
    assert np.all(np.isfinite(mean) & (std > 0.0))


# Parts of fits


@pytest.fixture(scope="module")
def sampled():
    """A problem of 150 rows of which a search looks at 60, and what trains on it."""
    X, y = make_step(150, random_state=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_mogpe.data.problem.INITIAL_ROWS", 60)
        problem = make_problem(
            Rows(X, y[:, None], np.ones(150)), whole=True, n_inducing=8, random_state=np.random.RandomState(0)
        )
    assert (len(problem.sample.X), problem.n_rows) == (60, 150)
    return Structure(("rbf",) * 2, "rbf", 1, 16, "tight"), problem


def sample_bound(structure, state, problem):
    """The bound of the sample, by a model of its own."""
    rows = problem.sample
    model = build_model(structure, state, 1, len(next(v for p, v in state.items() if p.endswith(".Z"))))
    return float(model.elbo((rows.X, rows.Y, rows.weight)))


def test_a_search_tells_the_bound_of_its_sample(short_search, sampled):
    structure, problem = sampled
    found = search(structure, problem, replace(SETTINGS, n_init=3), Deadline())
    assert not found.interrupted
    bounds = [sample_bound(structure, state, problem) for state in found.states]
    assert found.lower_bound == pytest.approx(bounds[0], rel=1e-6)
    assert len(bounds) == 3
    assert bounds[0] >= max(bounds)
    fit = train(structure, problem, SETTINGS, Deadline(), found.states[:1])
    again = train(structure, problem, replace(SETTINGS, n_init=1), Deadline())
    np.testing.assert_allclose(fit.loss_curve, again.loss_curve, rtol=1e-9)  # from the same start


def test_an_interrupted_search_gives_the_best_so_far(short_search, sampled, monkeypatch):
    structure, problem = sampled
    update, runs = Tracker.update, []

    def interrupted_update(self, *args):
        if len(runs) == 3:
            raise KeyboardInterrupt
        runs.append(self)
        return update(self, *args)

    monkeypatch.setattr(Tracker, "update", interrupted_update)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        found = search(structure, problem, SETTINGS, Deadline())
    assert found.interrupted
    best = min(runs, key=lambda tracker: tracker.best_loss)
    (state,) = found.states
    for path, value in state.items():
        np.testing.assert_array_equal(value, best.best_state[path])
    assert found.lower_bound == pytest.approx(sample_bound(structure, state, problem), rel=1e-6)


def test_settling_trains_on_rows_all_at_once(sampled):
    structure, problem = sampled
    rows = problem.evaluation
    with checkout(structure) as program:
        program.reset(rows.X[spread_points(rows.X, 8)])
        start = program.read()
        tracks = []

        def track(name, candidate, max_iter):
            program.assign(candidate.state)
            tracks.append((max_iter, Tracker(program, candidate)))
            return tracks[-1][1]

        state = settle(program, rows, start, track)
        ((max_iter, tracker),) = tracks
        assert (max_iter, tracker.n_iter) == (125, 125.0)
        program.assign(state)
        loss = float(program.get(bound_function)(program.data(rows))) / 150
        assert loss == pytest.approx(min(tracker.loss_curve), rel=1e-9)
        program.assign(start)
        assert loss < float(program.get(bound_function)(program.data(rows))) / 150 - 0.5
