"""Scorers of whatever ends in a density: the score is that of the end, with what reaches it."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE, SelectKBest, f_regression
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from sklearn_mogpe.metrics import (
    interval_coverage,
    interval_score,
    neg_crps,
    neg_interval_score,
    neg_nlpd,
    observed_coverage,
)

SCORERS = {
    "nlpd": neg_nlpd,
    "crps": neg_crps,
    "interval": neg_interval_score,
    "coverage": partial(observed_coverage, coverage=0.5),
}
every_scorer = pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS.keys())


class Passes(RegressorMixin, BaseEstimator):
    """Hands on to the estimator inside, with or without a change."""

    def __init__(self, estimator, shift=0.0):
        self.estimator = estimator
        self.shift = shift

    def fit(self, X, y):
        self.estimator_ = self.estimator.fit(X, y)
        return self

    def predict(self, X):
        return self.estimator_.predict(X) + self.shift


class Conformal(Passes):
    """Has intervals of its own, and no density."""

    def predict_interval(self, X, coverage=0.9):
        mean = self.predict(X)
        return mean - coverage, mean + coverage


def search(estimator):
    return GridSearchCV(estimator, {}, scoring=neg_nlpd, cv=2, error_score="raise")


CHAINS = {
    "pipeline in pipeline": lambda end: make_pipeline(make_pipeline(end)),
    "search in search": lambda end: search(search(end)),
    "search in pipeline": lambda end: Pipeline([("nothing", "passthrough"), ("search", search(end))]),
    "pipeline in search": lambda end: search(make_pipeline(end)),
    "plain target": lambda end: TransformedTargetRegressor(end),
    "search of a target in a pipeline": lambda end: make_pipeline(
        search(TransformedTargetRegressor(make_pipeline(end)))
    ),
    "wrapper": lambda end: Passes(make_pipeline(end)),
    "wrapper with features chosen": lambda end: RFE(
        end, n_features_to_select=2, importance_getter=lambda end: np.ones(2)
    ),
}


@every_scorer
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_a_chain_scores_as_its_end(scorer, chain, two_bands, lognormal):
    X, y, _ = lognormal
    expected = scorer(two_bands.fit(X, y), X, y)
    assert scorer(chain(two_bands).fit(X, y), X, y) == pytest.approx(expected, rel=1e-12)


@every_scorer
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_a_chain_may_end_in_one_gaussian(scorer, chain, lognormal):
    X, y, _ = lognormal
    end = BayesianRidge()
    expected = scorer(end.fit(X, y), X, y)
    assert scorer(chain(end).fit(X, y), X, y) == pytest.approx(expected, rel=1e-12)


@every_scorer
def test_the_end_sees_what_the_steps_before_make_of_X(scorer, two_bands, lognormal):
    X, y, _ = lognormal
    inner = make_pipeline(SelectKBest(f_regression, k=2), two_bands)
    chain = make_pipeline(MinMaxScaler(), search(make_pipeline(PolynomialFeatures(2), inner))).fit(X, y)
    features = PolynomialFeatures(2).fit_transform(MinMaxScaler().fit_transform(X))
    chosen = SelectKBest(f_regression, k=2).fit(features, y).transform(features)
    assert scorer(chain, X, y) == pytest.approx(scorer(two_bands.fit(chosen, y), chosen, y), rel=1e-12)


@every_scorer
@pytest.mark.parametrize("passthrough", [False, True])
def test_stacking_scores_its_final_estimator(scorer, passthrough, two_bands, lognormal):
    X, y, _ = lognormal
    first = [("ridge", Ridge()), ("line", LinearRegression())]
    final = make_pipeline(StandardScaler(), two_bands)
    stack = StackingRegressor(first, final, cv=2, passthrough=passthrough).fit(X, y)
    columns = [model.fit(X, y).predict(X) for _, model in first]
    rows = np.column_stack([*columns, X]) if passthrough else np.column_stack(columns)
    expected = scorer(stack.final_estimator_, rows, y)
    assert scorer(stack, X, y) == pytest.approx(expected, rel=1e-12)
    wrapped = make_pipeline(TransformedTargetRegressor(stack)).fit(X, y)
    assert scorer(wrapped, X, y) == pytest.approx(expected, rel=1e-12)


@every_scorer
def test_frozen_parts_of_a_chain(scorer, step_model, new_rows):
    X, y = (part[:100] for part in new_rows["step"][:2])
    expected = scorer(step_model, X, y)
    for chain in (
        FrozenEstimator(step_model),
        FrozenEstimator(make_pipeline(FrozenEstimator(step_model)).fit(X, y)),
        make_pipeline("passthrough", FrozenEstimator(step_model)).fit(X, y),
        search(make_pipeline("passthrough", FrozenEstimator(step_model))).fit(X, y),
        TransformedTargetRegressor(FrozenEstimator(step_model)).fit(X, y),
    ):
        assert scorer(chain, X, y) == pytest.approx(expected, rel=1e-12)


def test_stacking_with_a_frozen_mixture_last(step_model, new_rows):
    """Its features are those of the step, doubled and halved again."""
    X, y = (part[:100] for part in new_rows["step"][:2])
    double = Ridge(alpha=0.0).fit(X, 2 * X[:, 0])
    final = make_pipeline(StandardScaler(with_mean=False), FrozenEstimator(step_model))
    final[0].fit(2 * np.ones((2, 1))).scale_ = np.array([2.0])
    stack = StackingRegressor([("double", FrozenEstimator(double))], FrozenEstimator(final), cv="prefit").fit(
        X, y
    )
    assert neg_nlpd(stack, X, y) == pytest.approx(neg_nlpd(step_model, X, y), rel=1e-9)


def test_a_target_around_a_gaussian_process(lognormal):
    X, y, _ = lognormal
    process = GaussianProcessRegressor(RBF() + WhiteKernel(0.1), optimizer=None)
    chain = make_pipeline(
        StandardScaler(),
        TransformedTargetRegressor(process, func=np.log, inverse_func=np.exp),
    ).fit(X, y)
    rows = StandardScaler().fit_transform(X)
    mean, std = process.fit(rows, np.log(y)).predict(rows, return_std=True)
    expected = np.mean(norm.logpdf(np.log(y), mean, std) - np.log(y))
    assert neg_nlpd(chain, X, y) == pytest.approx(expected, rel=1e-10)


def test_a_search_within_a_pipeline_within_a_target(two_bands, lognormal):
    """By cross-validation, with weights."""
    X, y, _ = lognormal
    inner = make_pipeline(StandardScaler(), search(two_bands))
    chain = TransformedTargetRegressor(inner, func=np.log, inverse_func=np.exp)
    folds = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]
    scores = cross_val_score(chain, X, y, scoring=neg_nlpd, cv=folds, error_score="raise")
    for score, (train, test) in zip(scores, folds, strict=True):
        direct = make_pipeline(StandardScaler(), two_bands).fit(X[train], np.log(y[train]))
        expected = neg_nlpd(direct, X[test], np.log(y[test])) - np.mean(np.log(y[test]))
        assert score == pytest.approx(expected, rel=1e-10)
    weight = np.random.default_rng(0).uniform(size=60)
    direct = make_pipeline(StandardScaler(), two_bands).fit(X, np.log(y))
    expected = neg_nlpd(direct, X, np.log(y), weight) - np.average(np.log(y), weights=weight)
    assert neg_nlpd(chain.fit(X, y), X, y, weight) == pytest.approx(expected, rel=1e-10)


@every_scorer
def test_an_estimator_with_a_mixture_of_its_own_is_taken_at_its_word(scorer, two_bands, lognormal):
    """As a wrapper that calibrates is: the estimator inside does not count."""
    X, y, _ = lognormal

    class Wider(Passes):
        def predict_mixture(self, X):
            weights, means, stds = self.estimator_.predict_mixture(X)
            return weights, means[..., 0], 2.0 * stds[..., 0]

    plain = two_bands.fit(X, y)
    wider = make_pipeline(Wider(two_bands)).fit(X, y)
    assert scorer(wider, X, y) != pytest.approx(scorer(plain, X, y), rel=0.01)
    weights, means, stds = plain.predict_mixture(X)
    expected = norm.logpdf(y[:, None], means[..., 0], 2.0 * stds[..., 0])
    expected = np.log(np.sum(weights * np.exp(expected), axis=1)).mean()
    assert neg_nlpd(wider, X, y) == pytest.approx(expected, rel=1e-12)


def test_intervals_need_no_density(two_bands, lognormal):
    X, y, _ = lognormal
    model = Conformal(two_bands).fit(X, y)
    bounds = model.predict_interval(X, 0.8)
    assert observed_coverage(model, X, y, coverage=0.8) == interval_coverage(y, *bounds)
    expected = -interval_score(y, *bounds, coverage=0.8)
    assert neg_interval_score(make_pipeline(model), X, y, coverage=0.8) == pytest.approx(expected)
    for scorer in (neg_nlpd, neg_crps):
        with pytest.raises(TypeError, match="got Conformal, whose predictive density is not known"):
            scorer(model, X, y)


@every_scorer
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda end: make_pipeline(StandardScaler(), Ridge()), "got Ridge, whose predictive density"),
        (lambda end: TransformedTargetRegressor(), "got LinearRegression, whose predictive density"),
        (lambda end: StackingRegressor([("end", end)], Ridge(), cv=2), "got Ridge, whose"),
        (
            lambda end: VotingRegressor([("end", end)]),
            "got VotingRegressor, which puts the predictions of sev",
        ),
        (lambda end: BaggingRegressor(end, 2), "got BaggingRegressor, which puts the predictions of several"),
        (
            lambda end: MultiOutputRegressor(end),
            "got MultiOutputRegressor, which puts the predictions of several",
        ),
        (
            lambda end: Passes(end, shift=0.1),
            "got Passes, which changes the predictions of the TwoBands inside",
        ),
        (lambda end: make_pipeline(StandardScaler(), "passthrough"), "got str"),
    ],
)
def test_why_there_is_no_density(scorer, make, why, two_bands, lognormal):
    X, y, both = lognormal
    model = make(two_bands)
    model.fit(X, both if isinstance(model, MultiOutputRegressor) else y)
    with pytest.raises(TypeError, match=f"Expected a MoGPERegressor.*{why}.*Try one of these"):
        scorer(model, X, y)


@every_scorer
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_a_chain_has_to_be_fitted(scorer, chain, two_bands, lognormal):
    X, y, _ = lognormal
    for end in (chain(two_bands), FrozenEstimator(chain(two_bands)), StackingRegressor([("end", two_bands)])):
        with pytest.raises(NotFittedError):
            scorer(end, X, y)
