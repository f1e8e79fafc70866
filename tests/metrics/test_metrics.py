"""Scores of densities against quadrature, SciPy and sums by hand; scorers against the scores themselves."""

import pickle
from functools import partial

import numpy as np
import pytest
import sklearn
from packaging.version import Version
from scipy.integrate import quad
from scipy.stats import kstest, norm
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mogpe.datasets import make_two_branches, make_two_regimes
from sklearn_mogpe.metrics import (
    crps,
    interval_coverage,
    interval_score,
    neg_crps,
    neg_interval_score,
    neg_nlpd,
    nlpd,
    observed_coverage,
    pit,
)
from sklearn_mogpe.predictive import gaussian_mixture as gm
from sklearn_mogpe.predictive.predictor import MixturePredictorMixin

SCORERS = {
    "nlpd": neg_nlpd,
    "crps": neg_crps,
    "interval": neg_interval_score,
    "coverage": observed_coverage,
    "half": partial(neg_interval_score, coverage=0.5),
}
every_scorer = pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS.keys())
every_metric = pytest.mark.parametrize("metric", [nlpd, crps, pit])


class Known(MixturePredictorMixin, BaseEstimator):
    """Predicts a given density."""

    def __init__(self, density=None):
        self.density = density

    def fit(self, X, y):
        return self

    def predict_mixture(self, X):
        weights, means, stds = self.density(X)
        return weights, means.reshape(*weights.shape, -1), stds.reshape(*weights.shape, -1)

    def __sklearn_is_fitted__(self):
        return True


@pytest.fixture
def mixture():
    """Observations of four rows and two outputs, and mixtures of three components."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), size=4)
    return (
        rng.normal(size=(4, 2)),
        weights,
        rng.normal(size=(4, 3, 2)),
        rng.uniform(0.2, 1.5, size=(4, 3, 2)),
    )


@pytest.fixture(scope="module")
def flat_data(step):
    """Rows of the step, few enough for many Gaussian processes."""
    return step[0][:80], step[1][:80]


def gaussian_process():
    return GaussianProcessRegressor(RBF(0.5) + WhiteKernel(0.1), optimizer=None, normalize_y=True)


def crps_by_quadrature(y, weights, means, stds):
    """Of one row and one output."""

    def squared(t):
        return (weights @ norm.cdf(t, means, stds) - (t >= y)) ** 2

    low, high = min(y, (means - 12 * stds).min()), max(y, (means + 12 * stds).max())
    return quad(squared, low, y, limit=200)[0] + quad(squared, y, high, limit=200)[0]


def test_nlpd_is_of_the_outputs_jointly(mixture):
    y, weights, means, stds = mixture
    density = (weights * norm.pdf(y[:, None], means, stds).prod(axis=2)).sum(axis=1)
    assert nlpd(*mixture) == pytest.approx(-np.log(density).mean(), rel=1e-13)


def test_nlpd_is_in_units_of_y(mixture):
    y, weights, means, stds = mixture
    larger = nlpd(10 * y, weights, 10 * means, 10 * stds)
    assert larger == pytest.approx(nlpd(*mixture) + 2 * np.log(10), rel=1e-13)


def test_crps_is_the_integral_over_the_distribution_function(mixture):
    y, weights, means, stds = mixture
    expected = [
        crps_by_quadrature(y[n, p], weights[n], means[n, :, p], stds[n, :, p])
        for n in range(4)
        for p in range(2)
    ]
    assert crps(*mixture) == pytest.approx(np.mean(expected), rel=1e-8)


def test_crps_ignores_a_component_of_weight_zero():
    alone = crps([0.3], [[1.0]], [[0.0]], [[1.0]])
    assert crps([0.3], [[1.0, 0.0]], [[0.0, 1e6]], [[1.0, 2.0]]) == pytest.approx(alone, rel=1e-12)


def test_crps_of_a_certain_prediction_is_the_absolute_error():
    assert crps([3.0], [[1.0]], [[1.0]], [[1e-9]]) == pytest.approx(2.0, rel=1e-8)


def test_pit_is_the_predicted_probability_up_to_y(mixture):
    y, weights, means, stds = mixture
    expected = (weights[:, :, None] * norm.cdf(y[:, None], means, stds)).sum(axis=1)
    np.testing.assert_allclose(pit(*mixture), expected, rtol=1e-13)


def test_pit_of_the_true_density_is_uniform(new_rows):
    _, y, truth = new_rows["branches"]
    values = pit(y, truth.weights, truth.means, truth.stds)
    assert values.shape == y.shape
    assert kstest(values, "uniform").pvalue > 1e-3
    assert kstest(pit(y, truth.weights, truth.means, 0.5 * truth.stds), "uniform").pvalue < 1e-3


def test_interval_coverage_counts_the_bounds():
    y, lower, upper = [0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 3.5]
    assert interval_coverage(y, lower, upper) == 0.75
    assert interval_coverage(y, lower, upper, sample_weight=[1, 1, 6, 2]) == pytest.approx(0.4)


def test_interval_score_by_hand():
    """Width 2; below by 0.5, inside, above by 1, each of the misses times 2 / 0.2."""
    score = interval_score([-0.5, 1.0, 3.0], [0.0] * 3, [2.0] * 3, coverage=0.8)
    assert score == pytest.approx(np.mean([2 + 10 * 0.5, 2, 2 + 10 * 1.0]))


def test_interval_metrics_take_the_mean_over_outputs():
    y, lower, upper = np.array([[0.0, 5.0], [1.0, 5.0]]), np.zeros((2, 2)), np.full((2, 2), 2.0)
    assert interval_coverage(y, lower, upper) == 0.5
    by_output = [interval_score(y[:, p], lower[:, p], upper[:, p]) for p in range(2)]
    assert interval_score(y, lower, upper) == pytest.approx(np.mean(by_output))


@pytest.mark.parametrize("metric", [nlpd, crps])
def test_weight_is_a_number_of_rows(metric, mixture):
    repeated = [np.repeat(part, [2, 1, 0, 3], axis=0) for part in mixture]
    assert metric(*mixture, sample_weight=[2, 1, 0, 3]) == pytest.approx(metric(*repeated), rel=1e-13)


@every_metric
def test_one_output_goes_with_and_without_its_axis(metric, mixture):
    y, weights, means, stds = mixture
    y, means, stds = y[:, 0], means[:, :, 0], stds[:, :, 0]
    with_axis = metric(y[:, None], weights, means[:, :, None], stds[:, :, None])
    np.testing.assert_array_equal(np.ravel(metric(y, weights, means, stds)), np.ravel(with_axis))


@pytest.mark.parametrize(
    "alternative",
    [
        lambda w, m, s: (w, m + 0.1, s),
        lambda w, m, s: (w, m, 1.3 * s),
        lambda w, m, s: (w, m, 0.7 * s),
        lambda w, m, s: (0.5 * w + 0.25, m, s),
        lambda w, m, s: (np.ones((len(w), 1)), gm.mean(w, m)[:, None], gm.std(w, m, s)[:, None]),
    ],
    ids=["mean", "wide", "narrow", "weights", "one Gaussian"],
)
@pytest.mark.parametrize("make", [make_two_branches, make_two_regimes])
@pytest.mark.parametrize("scorer", [neg_nlpd, neg_crps, neg_interval_score])
def test_the_true_density_is_the_best(scorer, make, alternative):
    """On average, as the scores are proper."""
    X, y, truth = make(20_000, random_state=0, return_truth=True)
    true = Known(truth.density)
    other = Known(lambda X: alternative(*true.predict_mixture(X)))
    assert scorer(true, X, y) > scorer(other, X, y)


@pytest.mark.parametrize("name", ["step", "branches", "two_outputs"])
@pytest.mark.parametrize("weighted", [False, True])
def test_scorers_are_the_metrics_of_the_prediction(name, weighted, new_rows, request):
    model = request.getfixturevalue(f"{name}_model")
    X, y = (part[:200] for part in new_rows[name][:2])
    weight = np.random.default_rng(0).uniform(size=200) if weighted else None
    mixture = model.predict_mixing_proba(X), *model.predict_experts(X, return_std=True)
    assert neg_nlpd(model, X, y, weight) == pytest.approx(
        np.average(model.score_samples(X, y), weights=weight), rel=1e-12
    )
    assert neg_crps(model, X, y, weight) == pytest.approx(-crps(y, *mixture, sample_weight=weight))
    for coverage in (0.5, 0.9):
        bounds = model.predict_interval(X, coverage)
        inside = interval_coverage(y, *bounds, sample_weight=weight)
        score = interval_score(y, *bounds, coverage=coverage, sample_weight=weight)
        assert observed_coverage(model, X, y, weight, coverage=coverage) == pytest.approx(inside)
        assert neg_interval_score(model, X, y, weight, coverage=coverage) == pytest.approx(-score)


@every_scorer
def test_scorers_take_y_as_a_column(scorer, step_model, new_rows):
    X, y = (part[:50] for part in new_rows["step"][:2])
    assert scorer(step_model, X, y[:, None]) == scorer(step_model, X, y)


def test_no_model_beats_the_truth_and_one_gaussian_process_is_worse(step_model, step, new_rows):
    X, y, truth = new_rows["step"]
    single = gaussian_process().fit(*step[:2])
    for scorer in (neg_nlpd, neg_crps, neg_interval_score):
        assert scorer(Known(truth.density), X, y) > scorer(step_model, X, y) > scorer(single, X, y)
    assert observed_coverage(Known(truth.density), X, y) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("regressor", [gaussian_process(), BayesianRidge()], ids=["GP", "ridge"])
def test_a_regressor_with_return_std_is_one_gaussian(regressor, flat_data, new_rows):
    X, y = (part[:100] for part in new_rows["step"][:2])
    mean, std = regressor.fit(*flat_data).predict(X, return_std=True)
    assert neg_nlpd(regressor, X, y) == pytest.approx(norm.logpdf(y, mean, std).mean(), rel=1e-12)
    assert observed_coverage(regressor, X, y, coverage=0.8) == np.mean(abs(y - mean) <= norm.ppf(0.9) * std)


def test_a_gaussian_process_of_two_outputs(new_rows):
    X, y = (part[:60] for part in new_rows["two_outputs"])
    single = gaussian_process().fit(X, y)
    mean, std = single.predict(X, return_std=True)
    assert neg_nlpd(single, X, y) == pytest.approx(norm.logpdf(y, mean, std).sum(axis=1).mean(), rel=1e-12)


@every_scorer
def test_pipelines_and_searches_score_what_they_hold(scorer, flat_data):
    X, y = flat_data
    pipeline = make_pipeline(StandardScaler(), gaussian_process()).fit(X, y)
    expected = scorer(pipeline[-1], pipeline[0].transform(X), y)
    assert scorer(pipeline, X, y) == expected
    assert scorer(make_pipeline(gaussian_process()).fit(X, y), X, y) == scorer(
        gaussian_process().fit(X, y), X, y
    )
    name = "gaussianprocessregressor__alpha"
    search = GridSearchCV(pipeline, {name: [1e-10]}, scoring=scorer, cv=2, error_score="raise").fit(X, y)
    assert scorer(search, X, y) == pytest.approx(expected)
    assert scorer(make_pipeline(StandardScaler(), search).fit(X, y), X, y) == pytest.approx(expected)


def test_a_search_scores_each_fold(make_regressor, flat_data, short_search):
    X, y = flat_data
    pipeline = make_pipeline(StandardScaler(), make_regressor(max_iter=5))
    folds = [(np.arange(40), np.arange(40, 80)), (np.arange(40, 80), np.arange(40))]
    search = GridSearchCV(
        pipeline,
        {"mogperegressor__n_experts": [1, 2]},
        scoring={"nlpd": neg_nlpd, "crps": neg_crps},
        refit="nlpd",
        cv=folds,
        error_score="raise",
    ).fit(X, y)
    best = search.cv_results_["params"][search.best_index_]
    for fold, (train, test) in enumerate(folds):
        fitted = pipeline.set_params(**best).fit(X[train], y[train])
        for name, scorer in (("nlpd", neg_nlpd), ("crps", neg_crps)):
            found = search.cv_results_[f"split{fold}_test_{name}"][search.best_index_]
            assert found == pytest.approx(scorer(fitted, X[test], y[test]), rel=1e-6)
    assert neg_nlpd(search, X, y) == neg_nlpd(search.best_estimator_, X, y)


@pytest.mark.skipif(
    Version(sklearn.__version__) < Version("1.7"), reason="scikit-learn below 1.7 scores without weights"
)
def test_a_search_hands_sample_weight_to_a_scorer(flat_data):
    X, y = flat_data
    weight = np.where(X[:, 0] < 0, 3.0, 1.0)
    search = GridSearchCV(BayesianRidge(), {}, scoring=neg_nlpd, cv=[(np.arange(40), np.arange(40, 80))])
    search.fit(X, y, sample_weight=weight)
    model = BayesianRidge().fit(X[:40], y[:40], sample_weight=weight[:40])
    assert search.best_score_ == pytest.approx(neg_nlpd(model, X[40:], y[40:], weight[40:]), rel=1e-12)
    assert search.best_score_ != pytest.approx(neg_nlpd(model, X[40:], y[40:]), rel=1e-3)


@every_scorer
def test_scorers_pickle(scorer, flat_data):
    model = BayesianRidge().fit(*flat_data)
    assert pickle.loads(pickle.dumps(scorer))(model, *flat_data) == scorer(model, *flat_data)


@pytest.mark.slow
def test_scorers_go_to_other_processes(flat_data):
    alone, parallel = (
        cross_validate(BayesianRidge(), *flat_data, scoring=SCORERS, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    for name in SCORERS:
        np.testing.assert_allclose(parallel[f"test_{name}"], alone[f"test_{name}"], rtol=1e-9)


@every_scorer
def test_scorers_need_a_known_density(scorer, flat_data):
    X, y = flat_data
    with pytest.raises(TypeError, match=r"return_std.*got LinearRegression.*Try"):
        scorer(LinearRegression().fit(X, y), X, y)
    search = GridSearchCV(BayesianRidge(), {}, scoring=scorer, refit=False, cv=2).fit(X, y)
    with pytest.raises(TypeError, match="with refit; got GridSearchCV, which does not predict"):
        scorer(search, X, y)


@every_scorer
def test_scorers_need_a_fitted_estimator(scorer, make_regressor, flat_data):
    for estimator in (make_regressor(), make_pipeline(make_regressor()), GridSearchCV(make_regressor(), {})):
        with pytest.raises(NotFittedError):
            scorer(estimator, *flat_data)


@every_scorer
def test_scorers_refuse_y_of_other_outputs(scorer, step_model, flat_data):
    X, y = flat_data
    with pytest.raises(ValueError, match=r"one shape, got|Expected y_true of shape \(n, P\)"):
        scorer(step_model, X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=r"one shape, got|Expected y_true of shape \(n, P\)"):
        scorer(step_model, X, y[:-1])


@every_metric
def test_metrics_refuse_bad_mixtures(metric, mixture):
    y, weights, means, stds = mixture
    for shapes in (
        (y[:3], weights, means, stds),
        (y[:, 0], weights, means, stds),
        (y, weights[:, :2], means, stds),
        (y, weights, means[:, :, 0], stds),
        (y, weights, means, stds[:, :1]),
    ):
        with pytest.raises(ValueError, match=r"Expected y_true of shape \(n, P\).*got y_true \("):
            metric(*shapes)
    for position, name in enumerate(("y_true", "weights", "means", "stds")):
        broken = [part.copy() for part in mixture]
        broken[position][0] = np.nan
        with pytest.raises(ValueError, match=f"Input {name} contains NaN"):
            metric(*broken)
    with pytest.raises(ValueError, match="sums from 2 to 2"):
        metric(y, 2 * weights, means, stds)
    with pytest.raises(ValueError, match="smallest of -1"):
        metric(y, np.tile([-1.0, 1.0, 1.0], (4, 1)), means, stds)
    with pytest.raises(ValueError, match="Expected positive standard deviations, got a smallest of 0"):
        metric(y, weights, means, 0 * stds)


@pytest.mark.parametrize("metric", [nlpd, crps])
def test_metrics_refuse_bad_sample_weights(metric, mixture):
    with pytest.raises(ValueError, match="Negative values in sample_weight"):
        metric(*mixture, sample_weight=[1, 1, 1, -1])
    with pytest.raises(ValueError, match="all zero"):
        metric(*mixture, sample_weight=np.zeros(4))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        metric(*mixture, sample_weight=np.ones(3))


@pytest.mark.parametrize("metric", [interval_coverage, interval_score])
def test_interval_metrics_refuse_bad_bounds(metric):
    with pytest.raises(ValueError, match=r"one shape, got \(2, 1\), \(3, 1\) and \(2, 1\)"):
        metric([0.0, 1.0], [0.0] * 3, [1.0] * 2)
    with pytest.raises(ValueError, match="lower <= upper, got 1 where"):
        metric([0.0, 1.0], [0.0, 2.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="Input upper contains NaN"):
        metric([0.0], [0.0], [np.nan])


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90, "0.9", [0.5, 0.9]])
def test_coverage_is_a_probability(coverage, step_model, flat_data):
    with pytest.raises(ValueError, match="a number strictly between 0 and 1 as coverage"):
        interval_score([0.0], [0.0], [1.0], coverage=coverage)
    for scorer in (neg_interval_score, observed_coverage):
        with pytest.raises(ValueError, match="a number strictly between 0 and 1 as coverage"):
            scorer(step_model, *flat_data, coverage=coverage)
