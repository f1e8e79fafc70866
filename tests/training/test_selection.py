"""How many experts the bound asks for."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data.problem import MANY_ROWS
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import selection
from sklearn_mogpe.training.deadline import Deadline
from sklearn_mogpe.training.fit import Fit

STRUCTURES = [Structure(("rbf",) * n, "rbf", 1, 8, "tight") for n in (1, 2, 3, 4)]
FEW_ROWS = SimpleNamespace(n_rows=MANY_ROWS - 1)  # of a problem; the rest is not looked at


def choose(structures):
    return selection.train_best(structures, FEW_ROWS, None, Deadline())


@pytest.mark.parametrize(
    ("bounds", "chosen", "tried"),
    [
        ([-100.0, -98.5, -50.0, -10.0], 1, 2),  # the second is not worth it, the third is not tried
        ([-100.0, -97.5, -96.0, -10.0], 2, 3),
        ([-100.0, -80.0, -60.0, -40.0], 4, 4),
        ([-100.0, -200.0, -60.0, -40.0], 1, 2),
    ],
)
def test_one_more_expert_has_to_be_worth_it(monkeypatch, bounds, chosen, tried):
    def train(structure, *_):
        return Fit({}, bounds[structure.n_experts - 1], [], [], [], 1, True)

    monkeypatch.setattr(selection, "train", train)
    best = choose(STRUCTURES)
    assert best.structure.n_experts == chosen
    assert best.fit.lower_bound == bounds[chosen - 1]
    assert best.scores == {n + 1: bounds[n] for n in range(tried)}


@pytest.mark.parametrize(
    ("trouble", "score"), [(np.linalg.LinAlgError("singular"), -np.inf), (KeyboardInterrupt(), None)]
)
def test_trouble_with_a_further_expert_loses_nothing(monkeypatch, trouble, score):
    def train(structure, *_):
        if structure.n_experts == 3:
            raise trouble
        return Fit({}, -10.0 / structure.n_experts, [], [], [], 1, True)

    monkeypatch.setattr(selection, "train", train)
    monkeypatch.setattr(selection, "WORTH", 1.0)
    warned = pytest.warns(ConvergenceWarning, match="interrupted") if score is None else nullcontext()
    with warned:
        best = choose(STRUCTURES)
    assert best.structure.n_experts == 2
    assert best.scores.get(3) == score
    with pytest.raises(type(trouble)):
        choose(STRUCTURES[2:])


def test_an_interrupted_run_is_the_last(monkeypatch):
    def train(structure, *_):
        interrupted = structure.n_experts == 2
        return Fit({}, 10.0 * structure.n_experts, [], [], [], 1, True, interrupted)

    monkeypatch.setattr(selection, "train", train)
    best = choose(STRUCTURES)
    assert best.structure.n_experts == 2
    assert list(best.scores) == [1, 2]


def test_no_further_number_is_tried_after_the_deadline(monkeypatch):
    tried = []

    def train(structure, *_):
        tried.append(structure.n_experts)
        return Fit({}, 10.0 * structure.n_experts, [], [], [], 1, True)

    monkeypatch.setattr(selection, "train", train)
    best = selection.train_best(STRUCTURES, FEW_ROWS, None, Deadline(-1.0))
    assert best.structure.n_experts == 1
    assert tried == [1]
    assert best.scores == {1: 10.0}


def test_auto_is_the_fit_of_the_number_it_chose(make_regressor, branches):
    X, y, _ = branches
    auto = make_regressor("auto", max_iter=50).fit(X, y)
    fixed = make_regressor(2, max_iter=50).fit(X, y)
    assert auto.n_experts_ == 2
    assert list(auto.n_experts_scores_) == [1, 2, 3]
    assert auto.lower_bound_ == auto.n_experts_scores_[2] == fixed.lower_bound_
    np.testing.assert_array_equal(auto.predict(X), fixed.predict(X))
    assert fixed.n_experts_scores_ == {2: fixed.lower_bound_}


def test_auto_is_no_worse_than_one_expert_where_one_is_enough(make_regressor):
    rng = np.random.default_rng(0)
    X, X_new = rng.uniform(-3, 3, (80, 1)), rng.uniform(-3, 3, (500, 1))
    y, y_new = (np.sin(2 * x[:, 0]) + 0.3 * rng.normal(size=len(x)) for x in (X, X_new))
    auto, one = (make_regressor(n, max_iter=50).fit(X, y) for n in ("auto", 1))
    assert auto.score_samples(X_new, y_new).mean() > one.score_samples(X_new, y_new).mean() - 0.03


def test_auto_sees_a_change_of_noise(make_regressor, new_rows, step):
    auto, one = (make_regressor(n, max_iter=50).fit(*step[:2]) for n in ("auto", 1))
    rows, y, _ = new_rows["step"]
    assert auto.n_experts_ > 1
    assert auto.score_samples(rows, y).mean() > one.score_samples(rows, y).mean() + 0.2


def test_auto_goes_on_with_the_number_it_chose(make_regressor, short_search, wave):
    model = make_regressor("auto", warm_start=True).fit(*wave)
    chosen = model.n_experts_
    again = model.fit(*wave)
    assert again.n_experts_ == chosen
    assert list(again.n_experts_scores_) == [chosen]


def test_auto_takes_no_more_experts_than_rows(make_regressor, short_search):
    model = make_regressor("auto", n_inducing=2).fit([[0.0], [1.0]], [0.0, 1.0])
    assert max(model.n_experts_scores_) <= 2


@pytest.mark.parametrize("n_experts", ["auto", (1, 2)])
@pytest.mark.parametrize(
    "params",
    [{"kernel": ["rbf"] * 3}, {"gating_network": {"functions": [{}] * 3}}, {"experts": [{}] * 3}],
    ids=str,
)
def test_what_is_given_one_by_one_says_how_many(make_regressor, short_search, wave, n_experts, params):
    model = make_regressor(n_experts, max_iter=2, **params).fit(*wave)
    assert model.n_experts_scores_.keys() == {3}


def test_numbers_are_tried_as_given(make_regressor, short_search, wave):
    scores = make_regressor([1, 3], max_iter=10).fit(*wave).n_experts_scores_
    assert list(scores) == [1, 3]
    assert MoGPERegressor().get_params()["n_experts"] == (1, 2)


@pytest.mark.parametrize("n_experts", [[], [2, 1], [1, 1], [0, 1], [1, 1.5], ["auto"]], ids=str)
def test_numbers_that_are_none(wave, n_experts):
    with pytest.raises(ValueError, match="n_experts: expected positive integers in ascending order"):
        MoGPERegressor(n_experts).fit(*wave)


def test_a_pass_goes_on_with_the_number_that_was_chosen(make_regressor, short_search, wave):
    model = make_regressor((1, 2), noise="varying", max_iter=10).fit(*wave)
    assert model.n_experts_ == 1
    assert model.partial_fit(*wave).n_experts_ == 1


def test_one_pass_takes_two_experts(make_regressor, short_search, wave):
    assert make_regressor((1, 2, 3)).partial_fit(*wave).n_experts_ == 2
    assert make_regressor((1, 3)).fit_stream(iter([wave]), n_rows=40).n_experts_ == 3


@pytest.mark.parametrize(
    ("curve", "converged", "warns"),
    [
        ([2.0, 1.5, 1.2, 1.1, 1.0], False, True),
        ([2.0, 1.5, 1.2, 1.1, 1.0], True, False),
        ([2.0, 1.5, 1.2, 1.001, 1.0], False, False),
        ([1.0], False, False),
    ],
)
@pytest.mark.parametrize(("is_late", "limit"), [(False, "max_iter"), (True, "max_time")])
def test_a_fit_that_still_rises_says_so(monkeypatch, curve, converged, warns, is_late, limit):
    iterations = [25 * (i + 1) for i in range(len(curve))]
    fit = Fit({}, -1.0, iterations, curve, [], iterations[-1], converged, is_late=is_late)
    monkeypatch.setattr(selection, "train", lambda *_: fit)
    message = rf"ended by {limit}, after 125 iterations, .* by 0.1 nats per row .* Raise {limit}"
    with pytest.warns(ConvergenceWarning, match=message) if warns else nullcontext():
        choose(STRUCTURES[:1])


def test_one_expert_is_enough_for_a_smooth_function():
    """A second one would blur it, and is not tried: one process leaves no noise."""
    rng = np.random.default_rng(0)
    X, X_new = rng.uniform(-1, 1, (40, 2)), rng.uniform(-1, 1, (200, 2))
    y, y_new = (np.sin(3 * x[:, 0]) + x[:, 1] ** 2 for x in (X, X_new))
    model = MoGPERegressor(random_state=0).fit(X, y)
    assert model.n_experts_ == 1
    assert list(model.n_experts_scores_) == [1]
    mean, std = model.predict(X_new, return_std=True)
    assert np.sqrt(np.mean((mean - y_new) ** 2)) < 0.01 * y.std()
    assert std.mean() < 0.01 * y.std()


def test_many_features_of_which_few_matter():
    """Eighty, of which two matter, and 150 rows: their priors must not outweigh the data."""
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(150, 80)), rng.normal(size=(200, 80))
    y = X[:, 0] + 0.5 * X[:, 1] + 0.1 * rng.normal(size=150)
    model = MoGPERegressor(1, noise="constant", random_state=0).fit(X, y)
    assert np.sqrt(np.mean((model.predict(X_new) - X_new[:, 0] - 0.5 * X_new[:, 1]) ** 2)) < 0.3
