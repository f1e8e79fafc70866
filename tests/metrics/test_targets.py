"""Scores under a transformed target: closed forms, quadrature over y, and what does not change with units."""

import numpy as np
import pandas as pd
import pytest
import scoringrules
from scipy.integrate import trapezoid
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import BayesianRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_mogpe.metrics import (
    crps,
    interval_score,
    neg_crps,
    neg_interval_score,
    neg_nlpd,
    nlpd,
    observed_coverage,
)
from sklearn_mogpe.metrics.targets import LOG_SLOPES, Target
from sklearn_mogpe.predictive import gaussian_mixture

SCORERS = [neg_nlpd, neg_crps, neg_interval_score, observed_coverage]
every_scorer = pytest.mark.parametrize("scorer", SCORERS)

SCALERS = {
    "standard": StandardScaler(),
    "without mean": StandardScaler(with_mean=False),
    "without scale": StandardScaler(with_std=False),
    "to a range": MinMaxScaler((2.0, 5.0)),
    "by the largest": MaxAbsScaler(),
    "robust": RobustScaler(),
    "twice": make_pipeline(make_pipeline(RobustScaler(), "passthrough"), StandardScaler()),
    "frozen": make_pipeline(FrozenEstimator(StandardScaler())),
    "nothing": FunctionTransformer(),
}


def functions(func, inverse_func):
    return {"func": func, "inverse_func": inverse_func}


# What is smooth: with closed forms, and numerical; rising and falling.
SMOOTH = {
    "log": functions(np.log, np.exp),
    "log of one's own": functions(lambda y: np.log(y), lambda z: np.exp(z)),
    "log2": functions(np.log2, np.exp2),
    "log10": functions(np.log10, lambda z: 10.0**z),
    "log1p": functions(np.log1p, np.expm1),
    "arcsinh": functions(np.arcsinh, np.sinh),
    "cube root": functions(np.cbrt, lambda z: z**3),
    "minus": functions(np.negative, np.negative),
    "falling log": functions(lambda y: -np.log(y), lambda z: np.exp(-z)),
    "log, then scaled": {"transformer": make_pipeline(FunctionTransformer(np.log, np.exp), StandardScaler())},
    "scaled, then arcsinh": {
        "transformer": make_pipeline(StandardScaler(), FunctionTransformer(np.arcsinh, np.sinh))
    },
    "with a keyword": {
        "transformer": FunctionTransformer(
            lambda y, by: np.log(y / by), lambda z: 3 * np.exp(z), kw_args={"by": 3}
        )
    },
    "Box-Cox": {"transformer": PowerTransformer("box-cox")},
    "Yeo-Johnson": {"transformer": PowerTransformer(standardize=False)},
}
smooth = pytest.mark.parametrize("how", SMOOTH.values(), ids=SMOOTH.keys())


def of_one_row(model, X, y):
    """Density and distribution function at values y (m,) of the first row of a fitted target."""
    target = Target([model.transformer_])
    rows = np.repeat(X[:1], len(y), axis=0)
    mixture = target.take_scales(model.regressor_.predict_mixture(rows))
    z = target.transform(y[:, None], len(y))
    log_density = gaussian_mixture.log_density(z, *mixture)
    density = np.exp(log_density + target.log_slope(y[:, None], z, gaussian_mixture.std(*mixture)))
    below = gaussian_mixture.cdf(z, *mixture)[:, 0]
    return density, below if z[-1] > z[0] else 1.0 - below


def nodes_of_y(model, X, extra=()):
    """Values and lengths of a quadrature over y at the first row, on panels that also end at the extra."""
    _, means, stds = model.regressor_.predict_mixture(X[:1])
    z = np.linspace((means - 8 * stds).min(), (means + 8 * stds).max(), 80)
    edges = model.transformer_.inverse_transform(z[:, None])[:, 0]
    edges = np.unique(np.append(edges[np.isfinite(edges)], extra))
    points, lengths = np.polynomial.legendre.leggauss(10)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (1 + points)).ravel(), (half * lengths).ravel()


def test_log_normal(two_bands, lognormal):
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, func=np.log, inverse_func=np.exp).fit(X, y)
    expected = -neg_nlpd(two_bands.fit(X, np.log(y)), X, np.log(y)) + np.mean(np.log(y))
    assert -neg_nlpd(model, X, y) == pytest.approx(expected, rel=1e-13)
    assert observed_coverage(model, X, y) == observed_coverage(two_bands, X, np.log(y))


def test_crps_of_a_log_normal(lognormal):
    X, y, _ = lognormal
    model = TransformedTargetRegressor(BayesianRidge(), func=np.log, inverse_func=np.exp).fit(X, y)
    mean, std = model.regressor_.predict(X, return_std=True)
    assert -neg_crps(model, X, y) == pytest.approx(scoringrules.crps_lognormal(y, mean, std).mean(), rel=1e-9)
    weight = np.random.default_rng(0).uniform(size=60)
    expected = np.average(scoringrules.crps_lognormal(y, mean, std), weights=weight)
    assert -neg_crps(model, X, y, weight) == pytest.approx(expected, rel=1e-9)


@every_scorer
@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS.keys())
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_scaling_changes_nothing(scorer, scaler, n_outputs, two_bands, lognormal):
    """The mixture of scaled y is the scaled mixture, so that the scores are those of a direct fit."""
    X, y, both = lognormal
    y = y if n_outputs == 1 else both
    if isinstance(scaler, Pipeline) and isinstance(scaler[0], FrozenEstimator):
        scaler[0].estimator.fit(2 * y.reshape(60, -1))
    model = TransformedTargetRegressor(two_bands, transformer=scaler).fit(X, y)
    assert scorer(model, X, y) == pytest.approx(scorer(two_bands.fit(X, y), X, y), rel=1e-10)


@pytest.mark.parametrize("scorer", SCORERS[:3])
def test_a_scaler_of_another_kind_has_the_same_scores(scorer, two_bands, lognormal):
    """A line that is not known to be one goes by differences and quadrature."""
    X, y, _ = lognormal
    line = TransformedTargetRegressor(two_bands, func=lambda y: 5 - 2 * y, inverse_func=lambda z: (5 - z) / 2)
    line.fit(X, y)
    weights, means, stds = line.regressor_.predict_mixture(X)
    mixture = weights, (5 - means) / 2, stds / 2
    lower, upper = gaussian_mixture.interval(0.05, *mixture)
    expected = {
        neg_nlpd: -nlpd(y, *mixture),
        neg_crps: -crps(y, *mixture),
        neg_interval_score: -interval_score(y, lower, upper),
    }
    assert scorer(line, X, y) == pytest.approx(expected[scorer], rel=1e-9)


@smooth
def test_the_density_of_y_is_one(how, two_bands, lognormal):
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, **how).fit(X, y)
    nodes, lengths = nodes_of_y(model, X)
    density, _ = of_one_row(model, X, nodes)
    assert lengths @ density == pytest.approx(1.0, abs=1e-8)
    scored = [neg_nlpd(model, X[:1], nodes[[i]]) for i in (100, 400, 700)]
    np.testing.assert_allclose(scored, np.log(density[[100, 400, 700]]), rtol=1e-8)


@smooth
def test_crps_is_the_integral_over_the_distribution_function(how, two_bands, lognormal):
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, **how).fit(X, y)
    for value in (0.5 * y.min(), np.median(y), 3.0 * y.max()):
        nodes, lengths = nodes_of_y(model, X, extra=[value])
        _, cdf = of_one_row(model, X, nodes)
        expected = lengths @ (cdf - (nodes > value)) ** 2
        assert -neg_crps(model, X[:1], np.array([value])) == pytest.approx(expected, rel=1e-7)


@smooth
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_are_those_of_the_transformed_y(how, coverage, two_bands, lognormal):
    """Of a falling transformation with their bounds swapped."""
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, **how).fit(X, y)
    z = model.transformer_.transform(y[:, None])
    inside = observed_coverage(model.regressor_, X, z, coverage=coverage)
    assert observed_coverage(model, X, y, coverage=coverage) == inside
    bounds = np.column_stack(model.regressor_.predict_interval(X, coverage))
    bounds = np.sort(np.column_stack([model.transformer_.inverse_transform(b[:, None]) for b in bounds.T]))
    expected = -interval_score(y, bounds[:, 0], bounds[:, 1], coverage=coverage)
    assert neg_interval_score(model, X, y, coverage=coverage) == pytest.approx(expected, rel=1e-10)


CLOSED = {
    np.log: np.exp,
    np.log2: np.exp2,
    np.log10: lambda z: 10.0**z,
    np.log1p: np.expm1,
    np.exp: np.log,
    np.expm1: np.log1p,
    np.sqrt: np.square,
    np.square: np.sqrt,
    np.arcsinh: np.sinh,
    logit: expit,
}


@pytest.mark.parametrize("func", CLOSED, ids=lambda func: func.__name__)
def test_closed_forms_are_the_derivatives(func):
    """To the digits of differences, which are right where both agree."""
    assert set(CLOSED) == set(LOG_SLOPES)
    y = np.random.default_rng(0).uniform(0.1, 0.9, (20, 1))
    closed = Target([FunctionTransformer(func, CLOSED[func])])
    by_differences = Target([FunctionTransformer(lambda y: func(y), CLOSED[func])])
    z, stds = func(y), np.full((20, 1), 0.1)
    expected = by_differences.log_slope(y, z, stds)
    np.testing.assert_allclose(closed.log_slope(y, z, stds), expected, atol=1e-9)
    step = 1e-6
    np.testing.assert_allclose(
        expected, np.log((func(y + step) - func(y - step)) / (2 * step))[:, 0], atol=1e-8
    )


@every_scorer
def test_targets_within_targets(scorer, two_bands, lognormal):
    """One after another is one of both."""
    X, y, _ = lognormal
    nested = TransformedTargetRegressor(two_bands, func=np.log1p, inverse_func=np.expm1)
    nested = TransformedTargetRegressor(make_pipeline(nested), transformer=MinMaxScaler((1.0, 2.0)))
    steps = make_pipeline(MinMaxScaler((1.0, 2.0)), FunctionTransformer(np.log1p, np.expm1))
    at_once = TransformedTargetRegressor(two_bands, transformer=steps).fit(X, y)
    assert scorer(nested.fit(X, y), X, y) == pytest.approx(scorer(at_once, X, y), rel=1e-12)


@pytest.mark.parametrize("how", ["log", "log of one's own", "falling log", "arcsinh"])
def test_several_outputs(how, two_bands, lognormal):
    """Density of both: the sum of slopes; the other scores: means over outputs, each by itself."""
    X, _, both = lognormal
    model = TransformedTargetRegressor(two_bands, **SMOOTH[how]).fit(X, both)
    singles = [TransformedTargetRegressor(two_bands, **SMOOTH[how]).fit(X, y) for y in both.T]
    for scorer in SCORERS[1:]:
        expected = np.mean([scorer(single, X, y) for single, y in zip(singles, both.T, strict=True)])
        assert scorer(model, X, both) == pytest.approx(expected, rel=1e-8)
    z = model.transformer_.transform(both)
    moved = (model.transformer_.transform(both + h) for h in (1e-5, -1e-5))
    log_slopes = np.log(np.abs(np.subtract(*moved)) / 2e-5).sum(axis=1)
    expected = neg_nlpd(two_bands.fit(X, z), X, z) + log_slopes.mean()
    assert neg_nlpd(model, X, both) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("scorer", SCORERS[:3])
def test_a_search_chooses_the_transformation(scorer, lognormal):
    """By scores in one unit: of data that are normal after a logarithm, or as they are."""
    X, *_ = lognormal
    y = X[:, 0] + 0.4 * np.random.default_rng(1).normal(size=60)
    log = FunctionTransformer(np.log, np.exp)
    search = GridSearchCV(
        TransformedTargetRegressor(BayesianRidge()),
        {"transformer": [None, StandardScaler(), log]},
        scoring=scorer,
        cv=3,
        error_score="raise",
    )
    assert search.fit(X, np.exp(2 * y)).best_params_["transformer"] is log
    assert search.fit(X, y - y.min() + 0.1).best_params_["transformer"] is not log
    assert search.best_score_ == pytest.approx(search.cv_results_["mean_test_score"][0], rel=1e-3)


def test_a_root_has_an_end(two_bands, lognormal):
    """Probability of negative roots is lost to the density, and at 0 for the other scores."""
    X, y, _ = lognormal
    X, y = X[:, :1] * 0.0, np.exp(np.linspace(-4, 2, 60))
    model = TransformedTargetRegressor(BayesianRidge(), func=np.sqrt, inverse_func=np.square).fit(X, y)
    mean, std = (part[0] for part in model.regressor_.predict(X, return_std=True))
    assert 0.02 < norm.cdf(-mean / std) < 0.2
    expected = norm.logpdf(np.sqrt(y), mean, std) - np.log(2 * np.sqrt(y))
    assert neg_nlpd(model, X, y) == pytest.approx(expected.mean(), rel=1e-12)
    z = np.linspace(0.0, mean + 9 * std, 200_001)
    cdf = norm.cdf(z, mean, std)
    for value in (y[0], y[30]):
        # the mean over u = z^2 of (F - 1[u > y])^2, which is 0 below 0
        expected = trapezoid((cdf - (z > np.sqrt(value))) ** 2 * 2 * z, z)
        assert -neg_crps(model, X[:1], np.array([value])) == pytest.approx(expected, rel=1e-4)
    lower, upper = (np.maximum(mean + q * std, 0.0) ** 2 for q in norm.ppf([0.01, 0.99]))
    assert lower == 0.0
    expected = np.mean((lower <= y) & (y <= upper))
    assert observed_coverage(model, X, y, coverage=0.98) == expected
    bounds = np.full(60, lower), np.full(60, upper)
    expected = -interval_score(y, *bounds, coverage=0.98)
    assert neg_interval_score(model, X, y, coverage=0.98) == pytest.approx(expected, rel=1e-6)


@every_scorer
def test_tables_come_and_go(scorer, two_bands, lognormal):
    X, _, both = lognormal
    table = pd.DataFrame(both, columns=["one", "other"])
    model = TransformedTargetRegressor(two_bands, transformer=PowerTransformer()).fit(X, both)
    if scorer is neg_crps:
        model = TransformedTargetRegressor(two_bands, func=np.log, inverse_func=np.exp).fit(X, both)
    expected = scorer(model, X, both)
    with config_context(transform_output="pandas"):
        assert scorer(model, X, table) == pytest.approx(expected, rel=1e-12)


def test_a_transformation_without_derivative(two_bands, lognormal):
    """That of quantiles has corners at the rows of the fit; the other scores do without a derivative."""
    X, y, _ = lognormal
    quantiles = QuantileTransformer(n_quantiles=60, output_distribution="normal")
    model = TransformedTargetRegressor(two_bands, transformer=quantiles).fit(X, y)
    with pytest.raises(ValueError, match=r"with a derivative, got one that has none where y.*try neg_crps"):
        neg_nlpd(model, X, y)
    draws = model.regressor_.sample_y(X[:3], n_samples=200_000)
    draws = model.transformer_.inverse_transform(draws.reshape(-1, 1)).reshape(draws.shape)
    # E |Y - y| - E |Y - Y'| / 2
    expected = np.mean(np.abs(draws - y[:3, None])) - np.mean(np.abs(draws[:, ::2] - draws[:, 1::2])) / 2
    assert -neg_crps(model, X[:3], y[:3]) == pytest.approx(expected, rel=0.01)
    bounds = np.quantile(draws, [0.05, 0.95], axis=1)
    expected = -interval_score(y[:3], *bounds)
    assert neg_interval_score(model, X[:3], y[:3]) == pytest.approx(expected, rel=0.02)


def test_a_transformation_that_is_infinite_where_there_is_probability(two_bands, lognormal):
    X, y, _ = lognormal
    skew = np.exp(np.exp(y / 2))
    model = TransformedTargetRegressor(two_bands, transformer=PowerTransformer()).fit(X, skew)
    assert model.transformer_.lambdas_[0] < 0
    assert np.isfinite(neg_nlpd(model, X, skew))
    with pytest.raises(ValueError, match=r"finite where the model sees probability.*try neg_nlpd"):
        neg_crps(model, X, skew)
