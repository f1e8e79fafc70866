"""Ensembles and multi-output wrappers do with the regressor what one would do by hand."""

import numpy as np
import pytest
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multioutput import MultiOutputRegressor, RegressorChain

pytestmark = pytest.mark.usefixtures("short_search")

GRID = np.linspace(3, 57, 10)[:, None]


def test_bagging_draws_by_weights(make_regressor, motorcycle):
    X, y = motorcycle
    bagging = BaggingRegressor(make_regressor(), n_estimators=3, random_state=0).fit(X, y)
    fits = []
    for member, rows in zip(bagging.estimators_, bagging.estimators_samples_, strict=True):
        weight = np.bincount(rows, minlength=len(y))
        fits.append(make_regressor(random_state=member.random_state).fit(X, y, weight).predict(GRID))
    np.testing.assert_allclose(bagging.predict(GRID), np.mean(fits, axis=0), rtol=1e-9)
    assert np.ptp(fits, axis=0).max() > 1.0
    assert bagging.score(X, y) > 0.7


def test_voting_is_the_mean(make_regressor, motorcycle):
    X, y = motorcycle
    members = [("mogpe", make_regressor()), ("one", make_regressor(1)), ("ridge", Ridge())]
    voting = VotingRegressor(members).fit(X, y)
    expected = np.mean([member.fit(X, y).predict(GRID) for _, member in members], axis=0)
    np.testing.assert_allclose(voting.predict(GRID), expected, rtol=1e-9)


def test_stacking_learns_from_rows_held_out(make_regressor, motorcycle):
    X, y = motorcycle
    folds = KFold(2)
    members = [("mogpe", make_regressor()), ("ridge", Ridge())]
    stack = StackingRegressor(members, LinearRegression(), cv=folds).fit(X, y)
    held_out = np.column_stack([cross_val_predict(member, X, y, cv=folds) for _, member in members])
    final = LinearRegression().fit(held_out, y)
    np.testing.assert_allclose(stack.final_estimator_.coef_, final.coef_, rtol=1e-6)
    everywhere = np.column_stack([member.fit(X, y).predict(GRID) for _, member in members])
    np.testing.assert_allclose(stack.predict(GRID), final.predict(everywhere), rtol=1e-6)
    assert stack.final_estimator_.coef_[0] > 0.7  # the mixture, not the line


def test_one_fit_for_each_output_or_one_for_all(make_regressor, motorcycle):
    """Wrapped, each output has its own gate; by itself, the mixture has one gate for both."""
    X, y = motorcycle
    both = np.column_stack([y, np.cos(X[:, 0] / 10)])
    wrapped = MultiOutputRegressor(make_regressor()).fit(X, both)
    for column, member in enumerate(wrapped.estimators_):
        expected = make_regressor().fit(X, both[:, column])
        np.testing.assert_array_equal(wrapped.predict(GRID)[:, column], expected.predict(GRID))
        assert member.n_outputs_ == 1
    native = make_regressor().fit(X, both)
    assert native.predict_mixing_proba(GRID).shape == (10, 2)
    gates = [member.predict_mixing_proba(GRID) for member in wrapped.estimators_]
    assert np.abs(gates[0] - gates[1]).max() > 0.1
    scores = [r2(both, model.predict(X)) for model in (wrapped, native)]
    assert np.all(np.array(scores) > [0.7, 0.95])


def r2(y, mean):
    return 1 - np.mean((y - mean) ** 2, axis=0) / np.var(y, axis=0)


def test_chain_of_outputs(make_regressor, motorcycle):
    X, y = motorcycle
    chain = RegressorChain(make_regressor()).fit(X, np.column_stack([y, -y]))
    first = make_regressor().fit(X, y).predict(GRID)
    second = make_regressor().fit(np.column_stack([X, y]), -y).predict(np.column_stack([GRID, first]))
    np.testing.assert_allclose(chain.predict(GRID), np.column_stack([first, second]), rtol=1e-9)
