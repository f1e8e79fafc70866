"""The fitted gate where scikit-learn expects a classifier."""

import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils.validation import check_is_fitted

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_two_regimes
from sklearn_mogpe.estimator.gating_classifier import GatingClassifier

X = np.linspace(-3, 3, 25)[:, None]


@pytest.fixture(params=["branches_model", "three_experts_model"])
def regressor(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def plane_model(make_regressor, short_search):
    return make_regressor(init_params="kmeans").fit(*make_two_regimes(80, n_outputs=1, random_state=0))


def test_probabilities_are_the_mixing_probabilities(regressor):
    proba = regressor.predict_mixing_proba(X)
    np.testing.assert_array_equal(regressor.gating_.predict_proba(X), proba)
    np.testing.assert_allclose(regressor.gating_.predict_log_proba(X), np.log(proba), rtol=1e-14)


def test_predicts_the_most_probable_expert(regressor):
    proba = regressor.predict_mixing_proba(X)
    predicted = regressor.gating_.predict(X)
    np.testing.assert_array_equal(proba[np.arange(25), predicted], proba.max(axis=1))
    assert len(set(predicted)) > 1


def test_classes_are_the_experts_numbers(regressor):
    np.testing.assert_array_equal(regressor.gating_.classes_, np.arange(regressor.n_experts_))
    assert is_classifier(regressor.gating_)
    assert regressor.gating_.n_features_in_ == 1


def test_finds_the_branch_that_spoke(branches_model, new_rows):
    """The truth is Pr(lower) = expit(3 x), whose log loss no classifier can beat by much."""
    rows, _, truth = new_rows["branches"]
    gate = branches_model.gating_
    lower = int(gate.predict([[2.5]])[0])  # the expert of the lower branch
    labels = np.where(truth.labels == 1, lower, 1 - lower)
    best = log_loss(truth.labels, truth.weights)
    assert log_loss(labels, gate.predict_proba(rows), labels=gate.classes_) < best + 0.05
    assert gate.score(rows, labels) == accuracy_score(labels, gate.predict(rows))
    assert gate.score(rows, labels) > np.mean(np.argmax(truth.weights, 1) == truth.labels) - 0.03


def test_is_fitted_as_the_regressor_is(branches_model):
    check_is_fitted(branches_model.gating_)
    with pytest.raises(NotFittedError):
        check_is_fitted(GatingClassifier(MoGPERegressor()))


def test_a_clone_names_what_keeps_the_fit(branches_model):
    gate = clone(branches_model.gating_)
    for method in (gate.predict, gate.predict_proba, gate.predict_log_proba, gate.fit):
        with pytest.raises(NotFittedError, match=r"hand them FrozenEstimator\(model\.gating_\)"):
            method(X)
    assert not hasattr(gate, "classes_")
    frozen = clone(FrozenEstimator(branches_model.gating_)).fit(X, None)
    np.testing.assert_array_equal(frozen.predict_proba(X), branches_model.predict_mixing_proba(X))


def test_draws_a_decision_boundary(plane_model):
    rows = make_two_regimes(80, n_outputs=1, random_state=0)[0]
    mpl.use("agg")
    display = DecisionBoundaryDisplay.from_estimator(
        plane_model.gating_, rows, response_method="predict_proba", class_of_interest=1, grid_resolution=5
    )
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = plane_model.predict_mixing_proba(grid)[:, 1]
    np.testing.assert_allclose(display.response.ravel(), expected, rtol=1e-10)
    mpl.pyplot.close(display.figure_)


def test_has_partial_dependence(branches_model, new_rows):
    rows = new_rows["branches"][0][:50]
    found = partial_dependence(branches_model.gating_, rows, [0], grid_resolution=4, kind="average")
    expected = branches_model.predict_mixing_proba(found["grid_values"][0][:, None])
    # two classes: the probability of the second
    np.testing.assert_allclose(found["average"][0], expected[:, 1], rtol=1e-10)


def test_pickles(branches_model):
    gate = pickle.loads(pickle.dumps(branches_model.gating_))
    np.testing.assert_array_equal(gate.predict_proba(X), branches_model.predict_mixing_proba(X))


def test_knows_the_names_of_the_features(make_regressor, short_search, wave):
    table = pd.DataFrame(wave[0], columns=["time"])
    model = make_regressor().fit(table, wave[1])
    assert list(model.gating_.feature_names_in_) == ["time"]
    np.testing.assert_array_equal(model.gating_.predict_proba(table), model.predict_mixing_proba(table))


def test_has_no_names_without_a_table(branches_model):
    assert not hasattr(branches_model.gating_, "feature_names_in_")
