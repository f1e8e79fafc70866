"""In which precision steps compute what is of the size of the rows, and that it hardly matters."""

from dataclasses import replace

import gpflow
import numpy as np
import pytest

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.program import Candidate, Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers import BATCH_NATGRAD, NATGRAD, Feed, Options
from sklearn_mogpe.training.solvers.precision import in_precision, precision_of_rows, prepare_precision
from sklearn_mogpe.training.starts.divisions import spread_points
from sklearn_mogpe.training.tracking import Tracker

USUAL = Structure(("rbf",) * 2, "rbf", 1, 8, "further", noise="varying")
NOISY = np.array([1e-3])


@pytest.mark.parametrize(
    ("change", "n_rows", "noise", "expected"),
    [
        ({}, 2000, NOISY, "float32"),
        ({}, 1999, NOISY, "float64"),
        ({}, 10**6, 0.99 * NOISY, "float64"),
        ({}, 10**6, np.array([0.5, 0.9e-3]), "float64"),  # of several outputs, the quietest
        ({}, 10**6, np.array([[0.5], [0.02]]), "float32"),
        ({"kernels": ("rbf", lambda D: gpflow.kernels.RBF())}, 10**6, NOISY, "float64"),
        ({"gating_kernel": lambda D: gpflow.kernels.RBF()}, 10**6, NOISY, "float64"),
        ({"bound": lambda *_: 0.0}, 10**6, NOISY, "float64"),
        ({"n_inducing": 20}, 10**6, NOISY, "float64"),  # something is described
        ({"dtype": "float32"}, 10, 0.0 * NOISY, "float32"),
    ],
)
def test_single_only_where_rows_are_many_and_noisy(change, n_rows, noise, expected):
    assert precision_of_rows(replace(USUAL, **change), n_rows, noise) == expected


@pytest.fixture(scope="module")
def program():
    return Program(USUAL)


def begin(program, noises=(0.05, 0.2), noise_floor=0.0):
    program.reset(np.linspace(-1.5, 1.5, 10)[:, None], noise_floor)
    for expert, noise in zip(program.model.experts.experts, noises, strict=True):
        expert.likelihood.variance.assign([noise])


def feed_of(program, n_rows):
    """Some rows that stand for so many."""
    X = np.linspace(-1.0, 1.0, 5)[:, None]
    return Feed(program.data(Rows(X, X, np.ones(5)), n_rows), n_rows)


@pytest.mark.parametrize(
    ("n_rows", "noises", "floor", "options", "expected"),
    [
        (4000, (0.05, 0.2), 0.0, {}, "float32"),
        (1999, (0.05, 0.2), 0.0, {}, "float64"),
        (4000, (0.2, 5e-4), 0.0, {}, "float64"),
        (4000, (0.2, 5e-4), 6e-4, {}, "float32"),  # the floor is part of the noise
        (4000, (0.05, 0.2), 0.0, {"dtype": "float64"}, "float64"),
        (40, (0.05, 1e-6), 0.0, {"dtype": "float32"}, "float32"),
    ],
)
def test_the_noise_is_the_present_one_and_the_jitter_what_single_precision_needs(
    program, n_rows, noises, floor, options, expected
):
    begin(program, noises, floor)
    before = float(program.jitter)
    assert prepare_precision(program, feed_of(program, n_rows), Options(10, 0.1, **options)) == expected
    assert before < 1e-10
    assert float(program.jitter) == pytest.approx(1e-6 if expected == "float32" else before, rel=1e-12)


def test_more_jitter_is_not_taken_back(program):
    begin(program)
    program.set_jitter(1e-4)
    assert prepare_precision(program, feed_of(program, 4000), Options(10, 0.1)) == "float32"
    assert float(program.jitter) == pytest.approx(1e-4)


def test_rows_are_rounded():
    rows = in_precision(Rows(*(np.full((3, 1), 0.1) for _ in range(2)), np.full(3, 0.1)), "float32")
    for part in rows[:3]:
        assert part.dtype.name == "float32"
        np.testing.assert_array_equal(part, np.full(part.shape, np.float32(0.1)))


@pytest.fixture(scope="module")
def learnt(program):
    """Rows, and parameters after some steps on them in double precision."""
    X, y = make_step(300, random_state=0)
    rows = Rows(*((part - part.mean()) / part.std() for part in (X, y[:, None])), np.ones(300))
    begin(program)
    program.set_points([rows.X[spread_points(rows.X / 0.3, 15)]] * len(program.model.gps))
    tracker = Tracker(program, Candidate(np.inf, program.read()))
    NATGRAD.run(program, Feed(program.data(rows), 300), tracker, Options(20, 0.1, dtype="float64"))
    return rows, tracker.best_state


@pytest.mark.parametrize("solver", [NATGRAD, BATCH_NATGRAD], ids=lambda solver: solver.name)
def test_training_in_single_precision_is_nearly_the_same_training(program, learnt, solver):
    rows, start = learnt

    def draw(first, size):
        return program.put(rows.part((np.arange(first, first + size) * 7) % 300))

    curves = []
    for dtype in ("float64", "float32"):
        program.assign(start)
        program.set_jitter(1e-6)
        feed = Feed(program.data(rows), 300, draw)
        tracker = Tracker(program, Candidate(np.inf, program.read()))
        solver.run(program, feed, tracker, Options(30, 0.1, report_every=5, batch_size=100, dtype=dtype))
        curves.append(np.array(tracker.loss_curve))
    double, single = curves
    assert np.any(single != double)
    assert double[-1] < double[0] - 0.05
    np.testing.assert_allclose(single, double, atol=3e-3)
