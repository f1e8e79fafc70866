"""What the tracker keeps and when it says stop."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_mogpe.engine.program import Candidate, Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.deadline import Deadline
from sklearn_mogpe.training.tracking import MAX_JITTER, MAX_RECOVERIES, Tracker

Z = np.array([[-1.0], [0.0], [1.0]])
NOISE = ".experts.experts[0].likelihood.variance"


@pytest.fixture(scope="module")
def program():
    return Program(Structure(("rbf",), "rbf", 1, 2, "further"))


@pytest.fixture
def tracker(program):
    program.reset(Z)
    return Tracker(program, Candidate(np.inf, program.read()), tol=0.01, n_iter_no_change=3)


def put(tracker, value):
    tracker.program.assign({NOISE: np.array([value])})


def test_keeps_the_parameters_of_the_lowest_loss(tracker):
    for n_iter, (value, loss) in enumerate([(1.0, 3.0), (2.0, 1.0), (3.0, 2.0)], 1):
        put(tracker, value)
        tracker.update(n_iter, loss)
    assert tracker.best_state[NOISE] == 2.0
    assert (tracker.best_loss, tracker.loss_curve) == (1.0, [3.0, 1.0, 2.0])


def test_stops_after_n_iter_no_change_without_improvement_by_tol(tracker):
    assert not tracker.update(1, 1.0)
    assert not tracker.update(2, 0.995)  # better, but by less than tol
    assert not tracker.update(3, 0.993)
    assert tracker.update(4, 0.992)
    assert tracker.converged
    assert tracker.best_loss == 0.992


def test_a_start_with_a_known_loss_is_kept_if_nothing_is_better(program):
    program.reset(Z)
    start = program.read()
    tracker = Tracker(program, Candidate(0.5, start))
    put(tracker, 7.0)
    tracker.update(1, 0.6)
    assert tracker.best_loss == 0.5
    np.testing.assert_array_equal(tracker.best_state[NOISE], start[NOISE])


def test_a_run_that_is_still_catching_up_with_its_start_has_patience(program):
    program.reset(Z)
    tracker = Tracker(program, Candidate(0.5, program.read()), tol=0.01, n_iter_no_change=3)
    assert not any(tracker.update(n_iter, 1.0 - 0.02 * n_iter) for n_iter in range(1, 10))


def test_held_out_rows_decide_if_given(program):
    scores = iter([1.0, 3.0, 2.0])
    tracker = Tracker(program, Candidate(0.0, program.read()), validate=lambda: next(scores))
    for n_iter, loss in enumerate([3.0, 2.0, 1.0], 1):
        put(tracker, loss)
        tracker.update(n_iter, loss)
    assert tracker.best_state[NOISE] == 2.0
    assert tracker.best_criterion == -3.0
    assert tracker.validation_scores == [1.0, 3.0, 2.0]


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def test_a_deadline_counts_from_when_it_is_made(clock):
    deadline, never = Deadline(5.0), Deadline()
    assert (deadline.remaining(), never.remaining()) == (5.0, np.inf)
    clock.now = 104.5
    assert deadline.remaining() == 0.5
    assert not deadline.has_passed()
    for clock.now in (105.0, 107.0):
        assert deadline.has_passed()
        assert deadline.remaining() == 105.0 - clock.now
        assert not never.has_passed()


def test_a_run_ends_when_the_time_left_is_less_than_the_last_report_took(program, clock):
    program.reset(Z)
    tracker = Tracker(program, Candidate(np.inf, program.read()), deadline=Deadline(10.0))
    clock.now = 103.0
    assert not tracker.update(1, 3.0)  # 3 seconds, and 7 are left
    clock.now = 106.0
    assert not tracker.update(2, 2.0)  # 3, and 4
    assert not tracker.is_late
    clock.now = 108.0
    assert not tracker.update(3, 1.5)  # 2, and 2
    clock.now = 109.5
    put(tracker, 5.0)
    assert tracker.update(4, 1.0)  # 1.5, and 0.5
    assert tracker.is_late
    assert not tracker.converged
    assert (tracker.best_loss, tracker.best_state[NOISE]) == (1.0, 5.0)  # the last report counts


def test_without_a_deadline_time_does_not_matter(program, clock):
    program.reset(Z)
    tracker = Tracker(program, Candidate(np.inf, program.read()))
    for n_iter in range(1, 6):
        clock.now += 1e6
        assert not tracker.update(n_iter, 1.0 / n_iter)
    assert not tracker.is_late


def test_recovery_restores_the_best_with_ten_times_the_jitter_until_that_is_too_much(tracker):
    start = tracker.program.read()
    put(tracker, np.nan)
    jitter = float(tracker.program.model.jitter.numpy())
    tracker.recover()
    np.testing.assert_array_equal(tracker.program.read()[NOISE], start[NOISE])
    assert float(tracker.program.model.jitter.numpy()) == pytest.approx(10 * jitter)
    assert tracker.best_state[".jitter"] == pytest.approx(10 * jitter)
    assert tracker.step_scale == 0.5

    def recover_for_ever():
        while True:
            tracker.recover()

    with pytest.raises(np.linalg.LinAlgError, match="fewer inducing points"):
        recover_for_ever()
    assert float(tracker.program.model.jitter.numpy()) <= MAX_JITTER


def test_recovery_of_a_model_without_jitter_ends_after_some_times():
    states = []
    program = SimpleNamespace(assign=states.append, jitter=None)
    tracker = Tracker(program, Candidate(np.inf, {}), tol=0.01, n_iter_no_change=3)
    for _ in range(MAX_RECOVERIES):
        tracker.recover()
    with pytest.raises(np.linalg.LinAlgError, match=f"not finite {MAX_RECOVERIES + 1} times. Try"):
        tracker.recover()
    assert states == [{}] * (MAX_RECOVERIES + 1)
    assert tracker.step_scale == 0.5 ** (MAX_RECOVERIES + 1)


def test_a_run_that_is_clearly_behind_another_is_given_up(tracker):
    for n_iter, loss in enumerate([5.0, 3.0, 2.0, 2.0], 1):
        tracker.update(n_iter, loss)
    assert not tracker.has_beaten(1, 10.9)  # has to gain 8.9 + tol to catch up; three times 3.0 is allowed
    assert tracker.has_beaten(1, 11.1)
    assert not tracker.has_beaten(2, 4.9)
    assert tracker.has_beaten(2, 5.1)
    assert not tracker.has_beaten(3, 2.005)  # nothing was gained any more
    assert tracker.has_beaten(3, 2.02)
    assert tracker.has_beaten(9, 2.02)  # it had ended by then
    assert not tracker.has_beaten(9, 1.5)
