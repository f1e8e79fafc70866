"""Sample weights and known errors that scikit-learn routes to the regressor."""

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

pytestmark = pytest.mark.usefixtures("short_search")

FOLDS = KFold(2)


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def weight(motorcycle):
    return np.random.default_rng(2).integers(0, 3, len(motorcycle[1])).astype(float)


@pytest.fixture
def requesting(make_regressor):
    """Asks for weights in fit and in score."""
    return make_regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)


def test_weights_through_a_pipeline(make_regressor, requesting, motorcycle, weight):
    X, y = motorcycle
    scaled = MinMaxScaler().fit_transform(X)
    pipeline = make_pipeline(MinMaxScaler(), requesting).fit(X, y, sample_weight=weight)
    direct = make_regressor().fit(scaled, y, sample_weight=weight)
    np.testing.assert_array_equal(pipeline.predict(X), direct.predict(scaled))
    assert pipeline.score(X, y, sample_weight=weight) == direct.score(scaled, y, sample_weight=weight)
    unweighted = make_regressor().fit(scaled, y).predict(scaled)
    assert np.abs(direct.predict(scaled) - unweighted).max() > 1.0


def test_weights_through_a_search(make_regressor, requesting, motorcycle, weight):
    X, y = motorcycle
    search = GridSearchCV(requesting, {"max_iter": [10, 25]}, cv=FOLDS).fit(X, y, sample_weight=weight)
    expected = [
        make_regressor().fit(X[train], y[train], weight[train]).score(X[test], y[test], weight[test])
        for train, test in FOLDS.split(X)
    ]
    assert search.cv_results_["mean_test_score"][1] == pytest.approx(np.mean(expected), rel=1e-9)
    best = make_regressor(**search.best_params_).fit(X, y, weight)
    np.testing.assert_array_equal(search.predict(X), best.predict(X))


def test_weights_through_cross_validation(make_regressor, requesting, motorcycle, weight):
    X, y = motorcycle
    found = cross_validate(requesting, X, y, cv=FOLDS, params={"sample_weight": weight})["test_score"]
    train, test = next(FOLDS.split(X))
    times = weight[train].astype(int)
    repeated = make_regressor().fit(np.repeat(X[train], times, axis=0), np.repeat(y[train], times))
    assert found[0] == pytest.approx(repeated.score(X[test], y[test], weight[test]), rel=1e-9)


@pytest.fixture
def y_std(motorcycle):
    return np.random.default_rng(3).uniform(0.0, 50.0, len(motorcycle[1]))


def test_known_errors_through_a_pipeline_and_cross_validation(make_regressor, motorcycle, y_std):
    X, y = motorcycle
    scaled = MinMaxScaler().fit_transform(X)
    pipeline = make_pipeline(MinMaxScaler(), make_regressor().set_fit_request(y_std=True))
    direct = make_regressor().fit(scaled, y, y_std=y_std).predict(scaled)
    np.testing.assert_array_equal(pipeline.fit(X, y, y_std=y_std).predict(X), direct)
    assert np.abs(direct - make_regressor().fit(scaled, y).predict(scaled)).max() > 1.0
    found = cross_validate(pipeline, X, y, cv=FOLDS, params={"y_std": y_std})["test_score"]
    train, test = next(FOLDS.split(X))
    scaler = MinMaxScaler().fit(X[train])
    fold = make_regressor().fit(scaler.transform(X[train]), y[train], y_std=y_std[train])
    assert found[0] == pytest.approx(fold.score(scaler.transform(X[test]), y[test]), rel=1e-9)


def test_weights_must_be_asked_for(make_regressor, motorcycle, weight):
    X, y = motorcycle
    with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.*explicitly set as requested"):
        make_pipeline(MinMaxScaler(), make_regressor()).fit(X, y, sample_weight=weight)
    ignoring = make_regressor().set_fit_request(sample_weight=False)
    with pytest.raises(UnsetMetadataPassedError, match="score"):
        GridSearchCV(ignoring, {"n_experts": [2]}, cv=FOLDS).fit(X, y, sample_weight=weight)
