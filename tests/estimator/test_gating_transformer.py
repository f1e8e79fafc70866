"""The mixing probabilities as features of later steps."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.special import softmax
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_mogpe import GatingTransformer, MoGPERegressor


class QuickMixture(RegressorMixin, BaseEstimator):
    """Has what the transformer needs of a mixture, and fits at once."""

    n_experts_ = 3

    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        self.mean_ = np.average(y, weights=weight)
        self.coef_ = np.outer((X - X.mean(0)).T @ (weight * (y - self.mean_)), [-1.0, 0.0, 1.0]) / len(y)
        return self

    def predict_mixing_proba(self, X):
        check_is_fitted(self)
        return softmax(validate_data(self, X, reset=False, dtype=np.float64) @ self.coef_, axis=1)


@parametrize_with_checks([GatingTransformer(QuickMixture())])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def fitted(step, step_model):
    """A transformer around a mixture of the step that was fitted before."""
    return GatingTransformer(FrozenEstimator(step_model)).fit(*step[:2])


def test_transforms_to_the_probabilities_of_its_own_mixture(make_regressor, short_search, wave):
    regressor = make_regressor()
    transformer = GatingTransformer(regressor)
    found = transformer.fit_transform(*wave)
    np.testing.assert_array_equal(found, make_regressor().fit(*wave).predict_mixing_proba(wave[0]))
    np.testing.assert_array_equal(found, transformer.regressor_.predict_mixing_proba(wave[0]))
    assert not hasattr(regressor, "lower_bound_")
    assert transformer.regressor_.get_params() == regressor.get_params()


def test_frozen_mixture_is_not_fitted_again(step, step_model, fitted):
    proba = step_model.predict_mixing_proba(step[0])
    np.testing.assert_array_equal(fitted.transform(step[0]), proba)
    assert fitted.regressor_.estimator is step_model
    again = clone(fitted).fit(step[0], -step[1], sample_weight=np.zeros(150))
    np.testing.assert_array_equal(again.transform(step[0]), proba)
    with pytest.raises(NotFittedError):
        GatingTransformer(FrozenEstimator(MoGPERegressor())).fit(*step[:2])


def test_default_is_the_default_mixture(monkeypatch, wave):
    seen = []
    monkeypatch.setattr(MoGPERegressor, "fit", lambda self, X, y: seen.append(self.get_params()) or self)
    assert type(GatingTransformer().fit(*wave).regressor_) is MoGPERegressor
    assert seen == [MoGPERegressor(n_experts=2).get_params()]


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_tables(step, step_model, fitted, library):
    rows = step[0]
    table = fitted.set_output(transform=library.__name__).transform(rows)
    assert isinstance(table, library.DataFrame)
    assert list(table.columns) == ["expert0", "expert1"]
    np.testing.assert_array_equal(table.to_numpy(), step_model.predict_mixing_proba(rows))
    fitted.set_output(transform="default")
    assert isinstance(fitted.transform(rows), np.ndarray)


def test_pandas_table_keeps_the_index():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]}, index=["x", "y", "z"])
    transformer = GatingTransformer(QuickMixture()).set_output(transform="pandas")
    assert list(transformer.fit_transform(X, [1.0, 2.0, 3.0]).index) == ["x", "y", "z"]


def test_names_of_features_are_checked():
    X, y = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]}), [1.0, 2.0, 3.0]
    transformer = GatingTransformer(QuickMixture())
    assert not hasattr(transformer, "n_features_in_")
    transformer.fit(X, y)
    assert list(transformer.feature_names_in_) == ["a", "b"]
    assert list(transformer.get_feature_names_out(["a", "b"])) == ["expert0", "expert1", "expert2"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(["b", "a"])
    with pytest.raises(ValueError, match="must be in the same order"):
        transformer.transform(X[["b", "a"]])
    with pytest.raises(ValueError, match="missing:\n- b"):
        transformer.transform(X[["a"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        transformer.transform(X.to_numpy())


def test_needs_y_and_a_mixture(wave):
    tags = get_tags(GatingTransformer())
    assert tags.target_tags.required
    assert not tags.input_tags.sparse
    with pytest.raises(ValueError, match="requires y"):
        GatingTransformer().fit(wave[0], None)
    with pytest.raises(ValueError, match=r"'regressor'.*'predict_mixing_proba'.*Got Ridge"):
        GatingTransformer(Ridge()).fit(*wave)


def test_a_line_jumps_where_the_expert_changes(make_regressor, short_search, step, new_rows):
    rows, y, _ = step
    new, y_new, truth = new_rows["step"]
    union = FeatureUnion([("raw", "passthrough"), ("gate", GatingTransformer(make_regressor()))])
    pipeline = make_pipeline(union, Ridge()).fit(rows, y)
    assert list(union.get_feature_names_out(["x"])) == ["raw__x", "gate__expert0", "gate__expert1"]
    mean = truth.density(new)[1][:, 0]
    line, jump = Ridge().fit(rows, y).predict(new), pipeline.predict(new)
    assert np.mean((jump - mean) ** 2) < 0.4 * np.mean((line - mean) ** 2)
    assert pipeline.score(new, y_new) > 0.85


def test_in_a_column_transformer(make_regressor, short_search, wave):
    table = pd.DataFrame({"time": wave[0][:, 0], "size": np.arange(40.0)})
    columns = ColumnTransformer(
        [("gate", GatingTransformer(make_regressor()), ["time"]), ("scaled", StandardScaler(), ["size"])]
    )
    found = columns.set_output(transform="pandas").fit_transform(table, wave[1])
    assert list(found.columns) == ["gate__expert0", "gate__expert1", "scaled__size"]
    expected = make_regressor().fit(*wave).predict_mixing_proba(wave[0])
    np.testing.assert_array_equal(found.iloc[:, :2], expected)


def test_weights_reach_the_mixture():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(30, 2)), rng.normal(size=30), rng.uniform(size=30)
    expected = QuickMixture().fit(X, y, weight).predict_mixing_proba(X)
    assert np.ptp(expected - QuickMixture().fit(X, y).predict_mixing_proba(X)) > 0.01
    gate = GatingTransformer(QuickMixture())
    np.testing.assert_array_equal(gate.fit_transform(X, y, sample_weight=weight), expected)
    pipeline = make_pipeline(gate, Ridge())
    pipeline.fit(X, y, gatingtransformer__sample_weight=weight)
    np.testing.assert_array_equal(pipeline[0].transform(X), expected)


def test_weights_are_routed_as_requested():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(30, 2)), rng.normal(size=30), rng.uniform(size=30)
    expected = QuickMixture().fit(X, y, weight).predict_mixing_proba(X)
    plain = QuickMixture().fit(X, y).predict_mixing_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        for request, proba in ((True, expected), (False, plain)):
            gate = GatingTransformer(QuickMixture().set_fit_request(sample_weight=request))
            union = FeatureUnion([("raw", "passthrough"), ("gate", gate)])
            last = Ridge().set_fit_request(sample_weight=True)
            pipeline = make_pipeline(union, last).fit(X, y, sample_weight=weight)
            np.testing.assert_array_equal(pipeline[0].transform(X)[:, 2:], proba)
            scoring = get_scorer("r2").set_score_request(sample_weight=True)
            search = GridSearchCV(pipeline, {"ridge__alpha": [1.0]}, scoring=scoring, cv=2)
            search.fit(X, y, sample_weight=weight)
            np.testing.assert_array_equal(search.predict(X), pipeline.predict(X))
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            GatingTransformer(QuickMixture()).fit(X, y, sample_weight=weight)
