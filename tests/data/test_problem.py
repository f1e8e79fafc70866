"""Problems: rows scaled, divided and drawn."""

import numpy as np
import pytest

from sklearn_mogpe.data.problem import FEW, make_problem, number_of_points, resolution
from sklearn_mogpe.data.rows import Rows, Scaler, Scales, fit_scales
from sklearn_mogpe.data.stream import Stream


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def problem_of(rows, **options):
    """A problem in the rows' own units."""
    unit = Scales(*(Scaler(np.zeros(part.shape[1]), np.ones(part.shape[1])) for part in (rows.X, rows.Y)))
    options = {"whole": True, "n_inducing": 3, "scales": unit, "seed": 0, **options}
    return make_problem(rows, random_state=np.random.RandomState(options.pop("seed")), **options)


@pytest.fixture
def numbered():
    """Twenty rows, whose weights tell them apart."""
    rng = np.random.default_rng(0)
    return Rows(rng.normal(size=(20, 2)), rng.normal(size=(20, 1)), np.arange(1.0, 21.0))


def test_all_rows_are_looked_at_as_they_are(numbered):
    problem = problem_of(numbered, n_before=5)
    for part in (problem.sample, problem.evaluation):
        np.testing.assert_allclose(part.X, numbered.X, atol=1e-11)
        assert_same(part[2:], numbered[2:])
    assert (problem.n_rows, problem.num_data, problem.held_out) == (20, 25, None)


def test_held_out_rows_are_the_others(numbered, monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.problem.EVALUATION_ROWS", 8)
    problem = problem_of(numbered, held_out_fraction=0.25, whole=False)
    assert (len(problem.held_out.X), problem.n_rows, problem.num_data) == (5, 15, 15)
    assert len(problem.evaluation.X) == 8
    drawn = problem.draw(32, 1000)
    assert sorted(set(drawn.weight) | set(problem.held_out.weight)) == list(numbered.weight)
    for part in (problem.held_out, problem.evaluation, problem.sample, drawn):
        places = part.weight.astype(int) - 1
        np.testing.assert_allclose(part.X, numbered.X[places], atol=1e-11)
        np.testing.assert_allclose(part.Y, numbered.Y[places], atol=1e-11)
        assert part is problem.held_out or not set(part.weight) & set(problem.held_out.weight)


def test_draws_are_those_of_the_seed(numbered):
    problem = problem_of(numbered)
    first = problem.draw(30, 30)
    assert not np.array_equal(first.weight, problem.draw(60, 30).weight)
    assert_same(first, problem.draw(30, 30))  # whatever was drawn between
    assert_same(first, problem_of(numbered).draw(30, 30))
    assert not np.array_equal(first.weight, problem_of(numbered, seed=1).draw(30, 30).weight)
    frequencies = np.bincount(problem.draw(0, 20_000).weight.astype(int))[1:]
    assert 850 < frequencies.min() <= frequencies.max() < 1150


def test_held_out_rows_are_those_of_the_random_state(numbered):
    first, same, other = (problem_of(numbered, held_out_fraction=0.5, seed=s).held_out for s in (0, 0, 1))
    assert_same(first, same)
    assert not np.array_equal(first.weight, other.weight)


def test_rows_are_scaled_by_themselves_or_by_an_earlier_fit(numbered):
    own = fit_scales(numbered)
    for scales, normalize_y in ((None, True), (None, False), (Scales(own.Y, own.Y), True)):
        problem = problem_of(numbered, scales=scales, normalize_y=normalize_y)
        expected = scales or (own if normalize_y else own.without_y())
        assert_same([*problem.scales.X, *problem.scales.Y], [*expected.X, *expected.Y])
        assert_same([*problem.own_scales.X, *problem.own_scales.Y], [*own.X, *own.Y])
        assert_same(problem.evaluation, expected.transform(numbered))


@pytest.mark.parametrize(
    ("n_features", "n_rows", "expected"),
    [
        (1, 133, 50),
        (1, 1_000_000, 50),
        (2, FEW, 100),
        (2, 133, 100),
        (2, 225, 100),  # 97.5 by the root
        (2, 900, 195),
        (8, 1024, 208),
        (8, 1200, 220),  # 225.2 by the root
        (2, 20_000, 220),
        (2, 20_001, 300),
    ],
)
def test_automatic_number_of_inducing_points(n_features, n_rows, expected):
    assert number_of_points("auto", n_rows, n_features) == expected
    assert number_of_points(7, n_rows, n_features) == 7


@pytest.mark.parametrize(("n_features", "usual"), [(1, 50), (2, 100)])
def test_a_search_has_few_inducing_points(n_features, usual):
    rng = np.random.default_rng(0)
    rows = Rows(rng.normal(size=(400, n_features)), rng.normal(size=(400, 1)), np.ones(400))
    for n_inducing in (7, usual, 300):
        problem = problem_of(rows, n_inducing=n_inducing)
        assert (problem.n_inducing, problem.n_search) == (n_inducing, min(n_inducing, usual))


def many_rows(n_rows):
    """Rows that are told apart by their weights, and by their inputs."""
    rng = np.random.default_rng(1)
    return Rows(rng.normal(size=(n_rows, 1)), rng.normal(size=(n_rows, 1)), np.arange(1.0, n_rows + 1))


@pytest.mark.parametrize(
    ("n_rows", "n_inducing", "expected"),
    [
        (900, 3, 900),
        (1999, 3, 1000),
        (2000, 3, 2000),
        (1999, 700, 1400),
        (4000, 700, 2000),
        (4000, 1500, 3000),
    ],
)
def test_rows_of_a_sample(n_rows, n_inducing, expected):
    rows = many_rows(n_rows)
    sample = problem_of(rows, n_inducing=n_inducing).sample
    assert len(sample.X) == len(np.unique(sample.weight)) == expected
    np.testing.assert_allclose(sample.X, rows.X[sample.weight.astype(int) - 1], atol=1e-11)


def test_rows_to_settle_on_are_others_than_those_that_judge():
    rows = many_rows(20_020)
    problem = problem_of(rows, scales=None, whole=False, held_out_fraction=0.0005)
    evaluation, settling, held_out = problem.evaluation, problem.settling, problem.held_out
    assert (len(evaluation.X), len(settling.X), len(held_out.X)) == (2048, 9000, 10)
    inputs = [problem.scales.X.inverse_transform(part.X) for part in (evaluation, settling, held_out)]
    assert len(np.unique(np.concatenate(inputs).round(9))) == 2048 + 9000 + 10
    for part, own in zip((evaluation, settling, held_out), inputs, strict=True):
        np.testing.assert_allclose(own, rows.X[part.weight.astype(int) - 1], atol=1e-9)
        # from all of the rows, and not in the order in which they were drawn
        assert np.all(np.diff(part.weight) > 0)
        assert part.weight.mean() == pytest.approx(10_010, abs=4 * 5780 / np.sqrt(len(part.X)))


@pytest.mark.parametrize(
    ("n_rows", "options"),
    [(20_000, {}), (20_001, {"whole": True}), (20_001, {"scales": fit_scales(many_rows(20_001))})],
    ids=["no more than can be used at once", "all at once", "going on"],
)
def test_there_are_none_to_settle_on(n_rows, options):
    problem = problem_of(many_rows(n_rows), **{"whole": False, "scales": None, **options})
    assert problem.settling is None
    assert len(problem.evaluation.X) == (n_rows if options.get("whole") else 2048)


def test_the_head_of_a_long_stream_has_rows_to_settle_on():
    rows = many_rows(20_100)
    stream = Stream(
        [(rows.X, rows.Y[:, 0], rows.weight)], None, lambda X, y, w, is_first: Rows(X, y[:, None], w)
    )
    problem = problem_of(stream.head, scales=None, whole=False, stream=stream)
    assert (problem.n_rows, len(problem.settling.X)) == (20_100, 9000)
    chosen = np.concatenate([problem.evaluation.weight, problem.settling.weight])
    assert len(np.unique(chosen)) == 2048 + 9000
    assert chosen.max() <= 20_000


def test_inducing_points_are_no_more_than_inputs_unless_an_earlier_fit_had_them(numbered):
    scales = fit_scales(numbered)
    assert problem_of(numbered, n_inducing=30, scales=None).n_inducing == 20
    assert problem_of(numbered, n_inducing=30, scales=scales).n_inducing == 30


RNG = np.random.default_rng(0)
CONTINUOUS = RNG.normal(size=200)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (CONTINUOUS, 0.0),
        (np.append(CONTINUOUS, CONTINUOUS[:3]), 0.0),  # by chance
        (np.round(CONTINUOUS, 1), 0.1),
        (RNG.integers(0, 5, 100) * 3.0, 3.0),
        (np.zeros(50), 0.0),
        (np.repeat([0.0, 1.0], 30), 1.0),
    ],
)
def test_resolution(y, expected):
    assert resolution(y) == pytest.approx(expected, abs=1e-12)


def test_resolution_of_values_among_which_one_stands_out():
    """The distance to the nearest others, or what these are apart from one another, whichever is less."""
    clipped = np.maximum(CONTINUOUS, 0.0)
    assert 0.0 < resolution(clipped) <= np.sort(clipped[clipped > 0])[0]
    wild = np.append(CONTINUOUS, np.full(50, 1e6))
    assert resolution(wild) == np.median(np.diff(np.sort(np.append(CONTINUOUS, 1e6))))


def test_the_noise_of_ties_is_what_rounding_adds(numbered):
    """A rounding error is uniform: its variance is h^2 / 12."""
    rounded = numbered._replace(Y=np.round(numbered.Y))
    problem = problem_of(rounded, scales=None)
    expected = (1.0 / problem.scales.Y.scale) ** 2 / 12
    np.testing.assert_allclose(problem.tied_noise, expected, rtol=1e-9)
    assert problem_of(numbered, scales=None).tied_noise == 0.0
    finely = numbered._replace(Y=np.repeat(numbered.Y[:10], 2, axis=0) * np.array([[1.0], [1.0 + 1e-9]] * 10))
    finely.Y[:10] = finely.Y[10:20]
    assert problem_of(finely, scales=None).tied_noise == 1e-6
