"""Streams: rows in batches of any sizes, pass after pass, through the loop of the mini-batch solver."""

import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from sklearn_mogpe.data.problem import make_problem
from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.data.stream import Stream
from sklearn_mogpe.descriptions.read import read_descriptions
from sklearn_mogpe.training import settings
from sklearn_mogpe.training.deadline import Deadline
from sklearn_mogpe.training.fit import train
from sklearn_mogpe.training.settings import make_settings, make_structures
from sklearn_mogpe.training.solvers import ADAM, BATCH_NATGRAD

SMALL = {"batch_size": 16}


class Again:
    """Can be iterated anew: calls a generator function each time."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __iter__(self):
        return self.function(*self.args)


def cut(arrays, sizes):
    """Batches of some sizes, the last of which is repeated."""
    start, sizes = 0, list(sizes)
    while start < len(arrays[0]):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        yield tuple(array[start : start + size] for array in arrays)
        start += size


def to_rows(X, y, sample_weight=None, *, is_first):
    return Rows(X, y[:, None], np.ones(len(X)) if sample_weight is None else sample_weight)


def numbered(n_rows):
    return np.arange(float(n_rows))[:, None], np.arange(float(n_rows))


def problem_of(rows, n_inducing=3, stream=None):
    random_state = np.random.RandomState(0)
    return make_problem(rows, whole=False, n_inducing=n_inducing, stream=stream, random_state=random_state)


def draw_all(stream, sizes):
    fed = problem_of(stream.head, stream=stream)
    drawn = [fed.draw(sum(sizes[:i]), size) for i, size in enumerate(sizes)]
    return [fed.scales.X.inverse_transform(rows.X)[:, 0].round(6).tolist() for rows in drawn]


# Rows, whatever the batches


@pytest.mark.parametrize("sizes", [[1], [3], [7, 1, 2], [10], [11], [25]])
def test_rows_follow_one_another_across_the_borders_of_batches_and_passes(sizes):
    stream = Stream(list(cut(numbered(11), sizes)), None, to_rows)
    assert (stream.n_rows, stream.one_pass) == (11, False)
    drawn = draw_all(stream, [4, 1, 12, 8])
    endless = np.tile(np.arange(11.0), 3)
    assert drawn == [endless[a:b].tolist() for a, b in ((0, 4), (4, 5), (5, 17), (17, 25))]


@pytest.mark.parametrize("sizes", [[1], [4, 3], [11]])
def test_the_last_rows_of_an_iterator_may_be_fewer_and_are_the_last(sizes):
    stream = Stream(cut(numbered(11), sizes), 11, to_rows)
    assert stream.one_pass
    assert draw_all(stream, [8, 8]) == [list(range(8)), [8, 9, 10]]
    with pytest.raises(StopIteration):
        stream._take(1)


def test_a_resumed_fit_passes_over_the_rows_that_it_has_seen_in_a_pass(monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.stream.BLOCK_ROWS", 2)
    stream = Stream(list(cut(numbered(11), [4])), None, to_rows)
    fed = problem_of(stream.head, stream=stream)
    drawn = [fed.draw(first, 3).weight for first in (11 + 5, 11 + 8)]
    assert fed.scales.X.inverse_transform(fed.draw(22, 2).X)[:, 0] == pytest.approx([0, 1], abs=1e-9)
    assert [len(weight) for weight in drawn] == [3, 3]


def test_the_head_is_the_first_rows(monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.stream.WHOLE_DATA_ROWS", 5)
    for n_rows in (None, 11):
        stream = Stream(list(cut(numbered(11), [3])), n_rows, to_rows)
        np.testing.assert_array_equal(stream.head.X[:, 0], np.arange(5))
        assert stream.n_rows == 11


def test_a_stream_that_is_closed_lets_go_of_its_iterators():
    """At once, and not when the garbage collector comes by: that of a tf.data.Dataset has threads."""
    ended = []

    def batches():
        try:
            yield from cut(numbered(10), [4])
        finally:
            ended.append(True)

    stream = Stream(Again(batches), None, to_rows)
    draw_all(stream, [3, 10])
    n_ended = len(ended)
    stream.close()
    assert (n_ended, len(ended)) == (2, 3)  # of the counting and of the first pass, and then of the second


def test_no_more_batches_than_needed_are_looked_at_first(monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.stream.WHOLE_DATA_ROWS", 5)
    batches = cut(numbered(100), [3])
    Stream(batches, 100, to_rows)
    assert next(batches)[1][0] == 6


# Fits


@pytest.mark.parametrize(("name", "solver"), [("auto", BATCH_NATGRAD), ("adam", ADAM)])
def test_a_stream_is_trained_on_as_the_loop_by_hand(make_regressor, short_search, step, name, solver):
    X, y = step[0][:60], step[1][:60]
    model = make_regressor(**SMALL, solver=name, max_iter=30).fit_stream(list(cut((X, y), [7, 30, 1])))
    rows = Rows(X, y[:, None], np.ones(60))
    problem = problem_of(rows, n_inducing=12)

    def draw(first, size):
        return problem.scales.transform(rows.part(np.arange(first, first + size) % 60))

    how = make_settings(model, read_descriptions(model), 60, solver, 30)
    (structure,) = make_structures(model, read_descriptions(model), problem, None)
    expected = train(structure, replace(problem, draw=draw), how, Deadline())
    assert model.loss_curve_ == expected.loss_curve
    assert model.lower_bound_ == expected.lower_bound
    for path, value in expected.state.items():
        np.testing.assert_array_equal(model._state["parameters"][path], value)


def test_sizes_and_kinds_of_batches_do_not_matter(make_regressor, short_search, wave):
    def fit(batches):
        return make_regressor(**SMALL, max_iter=4).fit_stream(batches)

    X, y = wave
    model = fit([(X, y)])
    dataset = tf.data.Dataset.from_tensor_slices((X, y, np.ones(40)))
    for batches in (
        Again(cut, (X, y), [7]),
        dataset.batch(9),
        [(X[:11].tolist(), y[:11].tolist()), (X[11:], y[11:], None)],
    ):
        np.testing.assert_array_equal(fit(batches).predict(X), model.predict(X))
    assert model.predict(X).shape == (40,)
    assert fit([(X, y[:, None])]).predict(X).shape == (40, 1)


def test_a_stream_fits_as_well_as_an_array(make_regressor, step, new_rows, monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.stream.WHOLE_DATA_ROWS", 100)
    X, y, _ = step
    order = np.random.default_rng(0).permutation(len(X))
    new, y_new, _ = new_rows["step"]
    params = {"solver": "adam", "batch_size": 50, "max_iter": 400, "n_iter_no_change": 400}
    streamed = make_regressor(**params).fit_stream(list(cut((X[order], y[order]), [64])))
    drawn = make_regressor(**params).fit(X, y)
    assert streamed.score_samples(new, y_new).mean() > drawn.score_samples(new, y_new).mean() - 0.05


def test_weights_count_rows(make_regressor, short_search, wave):
    def fit(weight):
        return make_regressor(**SMALL, max_iter=2).fit_stream([(*wave, weight)])

    X, y = wave
    heavy = np.where(y > 0, 1.0, 1e-6)
    assert fit(heavy).predict(X).mean() > fit(None).predict(X).mean() + 0.2
    assert fit(heavy)._state["y_mean"] == pytest.approx(np.average(y, weights=heavy))


def test_max_iter_counts_passes(make_regressor, short_search, wave):
    passes = []

    def batches():
        passes.append(0)
        yield from cut(wave, [10])

    model = make_regressor(**SMALL, max_iter=3).fit_stream(Again(batches))
    assert model.n_iter_ == 3
    # One counts; 3 * 3 steps of 16 rows are a little more than 3 passes over 40.
    assert len(passes) == 1 + 4
    assert model._state["n_rows"] == 40


def test_an_iterator_gives_one_pass(make_regressor, short_search, wave):
    model = make_regressor(**SMALL, max_iter=7).fit_stream(cut(wave, [10]), n_rows=40)
    assert model.n_iter_ == 1
    again = make_regressor(**SMALL, max_iter=1).fit_stream(Again(cut, wave, [6]))
    assert len(model.loss_curve_) == len(again.loss_curve_) == 1
    assert model.score(*wave) > 0.5


def test_an_iterator_without_a_number_of_rows(make_regressor, wave):
    with pytest.raises(ValueError, match=r"Expected n_rows.*with an iterator.*can be iterated again"):
        make_regressor(**SMALL).fit_stream(cut(wave, [10]))


def test_an_iterator_that_ends_too_early_keeps_what_was_learnt(
    make_regressor, short_search, wave, monkeypatch
):
    monkeypatch.setattr(settings, "BATCH_NATGRAD", replace(BATCH_NATGRAD, report_every=2))
    with pytest.warns(UserWarning, match=r"Expected 4000 rows in a pass.*got 40\..*set n_rows=40"):
        model = make_regressor(**SMALL).fit_stream(cut(wave, [10]), n_rows=4000)
    assert len(model.loss_curve_) == 2  # of 2 and of 1 steps
    assert (model.n_iter_, model.converged_) == (1, False)
    assert model.score(*wave) > 0.5


def test_a_pass_of_another_length_is_told(make_regressor, short_search, wave):
    with pytest.warns(UserWarning, match=r"Expected 30 rows in a pass over the stream, got 40"):
        make_regressor(**SMALL, max_iter=3).fit_stream([wave], n_rows=30)


def test_what_can_be_iterated_only_once(make_regressor, short_search, wave):
    generator = cut(wave, [10])

    class Once:
        def __iter__(self):
            return generator

    with pytest.raises(ValueError, match="Expected batches for another pass, got none"):
        make_regressor(**SMALL).fit_stream(Once())


@pytest.mark.parametrize("batches", [[], [(np.zeros((1, 1)), np.zeros(1))]])
def test_less_than_two_rows(make_regressor, batches):
    with pytest.raises(ValueError, match=r"Expected at least two rows in the stream, got [01]"):
        make_regressor(**SMALL).fit_stream(batches)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((np.full((2, 1), np.nan), np.zeros(2)), "Input X contains NaN"),
        ((np.zeros((2, 1)), np.array([0.0, np.inf])), "contains infinity"),
        ((np.zeros((2, 3)), np.zeros(2)), "X has 3 features, but MoGPERegressor is expecting 1"),
        ((np.zeros((2, 1)), np.zeros((2, 2))), "Expected y with 1 outputs, as in the first batch, got 2"),
        ((np.zeros((2, 1)), np.zeros(3)), "inconsistent numbers of samples"),
        ((np.zeros((2, 1)), np.zeros(2), np.array([1.0, -1.0])), "Negative values in sample_weight"),
        (np.zeros((2, 1)), r"Expected \(X, y\), .* or \(X, y, sample_weight, y_std\), got ndarray"),
        ((np.zeros((0, 1)), np.zeros(0)), r"0 sample\(s\)"),
    ],
)
@pytest.mark.parametrize("n_rows", [None, 42])
def test_a_bad_batch_is_named(make_regressor, wave, bad, message, n_rows):
    with pytest.raises(ValueError, match=rf"(?s)In batch 1 of the stream, counted from 0: .*{message}"):
        make_regressor(**SMALL).fit_stream([wave, bad, wave], n_rows=n_rows)


def test_a_bad_batch_while_training_is_named_and_the_last_fit_stays(
    make_regressor, short_search, wave, monkeypatch
):
    monkeypatch.setattr("sklearn_mogpe.data.stream.WHOLE_DATA_ROWS", 20)
    X, y = wave
    model = make_regressor(**SMALL, max_iter=2).fit_stream([wave])
    expected = model.predict(X)
    with pytest.raises(ValueError, match="In batch 3 of the stream, counted from 0: Input X contains NaN"):
        model.fit_stream([*cut(wave, [15]), (X * np.nan, y)], n_rows=80)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_three_passes_hold_a_few_batches_only(make_regressor, short_search, monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.stream.WHOLE_DATA_ROWS", 40)
    monkeypatch.setattr(settings, "BATCH_NATGRAD", replace(BATCH_NATGRAD, report_every=2))
    alive, most, made = set(), [], []

    def batches():
        rng = np.random.default_rng(0)
        for _ in range(50):
            X = rng.uniform(-3, 3, (20, 1))
            made.append(id(X))
            alive.add(len(made))
            weakref.finalize(X, alive.discard, len(made))
            yield X, np.sin(X[:, 0])
            most.append(len(alive))

    model = make_regressor(**SMALL, max_iter=3, tol=0.0).fit_stream(Again(batches))
    assert model.n_iter_ == 3
    assert len(made) >= 4 * 50
    assert max(most) <= 6


# As a citizen


def test_names_are_those_of_the_first_batch(make_regressor, short_search, wave):
    X, y = wave
    table = pd.DataFrame({"time": X[:, 0]})
    model = make_regressor(**SMALL, max_iter=1).fit_stream([(table, y)])
    assert model.feature_names_in_.tolist() == ["time"]
    assert model.n_features_in_ == 1
    with pytest.raises(ValueError, match=r"(?s)In batch 1 of the stream.*feature names should match"):
        model.fit_stream([(table, y), (table.rename(columns={"time": "place"}), y)])


def test_warm_start_goes_on_from_the_last_stream(make_regressor, short_search, wave):
    model = make_regressor(**SMALL, max_iter=20, warm_start=True).fit_stream([wave])
    first, scales = model.lower_bound_, [model._state[name] for name in ("x_mean", "y_scale")]
    model.fit_stream([wave])
    assert model.lower_bound_ > first
    model.fit_stream([(wave[0], wave[1] + 0.1)])
    assert scales == [model._state[name] for name in ("x_mean", "y_scale")]
    with pytest.raises(ValueError, match="Expected y with 1 outputs, as in the last fit, got 2"):
        model.fit_stream([(wave[0], np.column_stack([wave[1]] * 2))])


def test_a_solver_that_needs_the_whole_data(make_regressor, wave):
    with pytest.raises(ValueError, match="Expected a solver that takes mini-batches for a stream"):
        make_regressor(solver="lbfgs").fit_stream([wave])


def test_nothing_can_be_held_out(make_regressor, wave):
    with pytest.raises(ValueError, match="Expected early_stopping=False for a stream"):
        make_regressor(early_stopping=True).fit_stream([wave])


@pytest.mark.parametrize(("n_rows", "error"), [(1, ValueError), (2.5, TypeError), ("many", TypeError)])
def test_bad_numbers_of_rows(make_regressor, wave, n_rows, error):
    with pytest.raises(error, match="n_rows"):
        make_regressor(**SMALL).fit_stream([wave], n_rows=n_rows)


def test_callbacks_get_the_first_batch(make_regressor, short_search, wave):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

    class Recorder:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
            self.data = X, y
            if context.task_name == "fit":
                self.prediction = fitted_estimator.predict(X)

    recorder, batches = Recorder(), list(cut(wave, [25]))
    model = make_regressor(**SMALL, max_iter=2).set_callbacks(recorder).fit_stream(batches)
    assert recorder.data == batches[0]
    np.testing.assert_array_equal(recorder.prediction, model.predict(wave[0][:25]))
