"""How many experts the bound asks for."""

from contextlib import nullcontext

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import selection
from sklearn_mogpe.training.fit import Fit

STRUCTURES = [Structure(("rbf",) * n, "rbf", 1, 8, "tight") for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("bounds", "chosen", "tried"),
    [
        ([-100.0, -96.0, -50.0, -10.0], 1, 2),  # the second is not worth it, the third is not tried
        ([-100.0, -94.0, -90.0, -10.0], 2, 3),
        ([-100.0, -80.0, -60.0, -40.0], 4, 4),
        ([-100.0, -200.0, -60.0, -40.0], 1, 2),
    ],
)
def test_one_more_expert_has_to_be_worth_it(monkeypatch, bounds, chosen, tried):
    def train(structure, *_):
        return Fit({}, bounds[structure.n_experts - 1], [], [], [], 1, True)

    monkeypatch.setattr(selection, "train", train)
    best = selection.train_best(STRUCTURES, None, None)
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
        best = selection.train_best(STRUCTURES, None, None)
    assert best.structure.n_experts == 2
    assert best.scores.get(3) == score
    with pytest.raises(type(trouble)):
        selection.train_best(STRUCTURES[2:], None, None)


def test_an_interrupted_run_is_the_last(monkeypatch):
    def train(structure, *_):
        interrupted = structure.n_experts == 2
        return Fit({}, 10.0 * structure.n_experts, [], [], [], 1, True, interrupted)

    monkeypatch.setattr(selection, "train", train)
    best = selection.train_best(STRUCTURES, None, None)
    assert best.structure.n_experts == 2
    assert list(best.scores) == [1, 2]


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


def test_auto_takes_one_kernel_for_all(wave):
    with pytest.raises(ValueError, match="one kernel, or one for each of 1 experts, got 2"):
        MoGPERegressor("auto", kernel=["rbf", "rbf"]).fit(*wave)
