"""Predictions of fitted models: what follows from the components, units, and independence of the rows."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.exceptions import NotFittedError

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.predictive import gaussian_mixture as gm

MODELS = ["step_model", "branches_model", "two_outputs_model", "three_experts_model"]
X = np.linspace(-2.9, 2.9, 13)[:, None]
PREDICTIONS = {
    "mean": lambda model, X: model.predict(X),
    "std": lambda model, X: model.predict(X, return_std=True)[1],
    "mixing_proba": lambda model, X: model.predict_mixing_proba(X),
    "experts": lambda model, X: model.predict_experts(X),
    "quantile": lambda model, X: model.predict_quantile(X, 0.3),
}
every_prediction = pytest.mark.parametrize("prediction", PREDICTIONS.values(), ids=PREDICTIONS.keys())


@pytest.fixture(params=MODELS)
def model(request):
    return request.getfixturevalue(request.param)


def components(model, X):
    """Weights (n, K), means and standard deviations (n, K, P), from the public predictions."""
    means, stds = model.predict_experts(X, return_std=True)
    if means.ndim == 2:
        means, stds = means[:, :, None], stds[:, :, None]
    return model.predict_mixing_proba(X), means, stds


def columns(values):
    """Predictions with an axis of outputs, whether the model drops it or not."""
    return values[:, None] if values.ndim == 1 else values


def test_mean_and_std_are_those_of_the_mixture(model):
    weights, means, stds = components(model, X)
    mean, std = model.predict(X, return_std=True)
    expected = np.einsum("nk,nkp->np", weights, means)
    second_moment = np.einsum("nk,nkp->np", weights, stds**2 + means**2)
    np.testing.assert_allclose(columns(mean), expected, rtol=1e-12)
    np.testing.assert_allclose(columns(std), np.sqrt(second_moment - expected**2), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), mean)


def test_the_mixture_has_the_components_of_all_other_predictions(model):
    for own, other in zip(model.predict_mixture(X), components(model, X), strict=True):
        np.testing.assert_array_equal(own, other)


def test_mixing_proba_may_come_along(model):
    mean, std, proba = model.predict(X, return_std=True, return_mixing_proba=True)
    np.testing.assert_array_equal(proba, model.predict_mixing_proba(X))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-14)
    assert np.all(proba >= 0)
    assert proba.shape == (13, model.n_experts_)
    same_mean, same_proba = model.predict(X, return_mixing_proba=True)
    np.testing.assert_array_equal(same_mean, mean)
    np.testing.assert_array_equal(same_proba, proba)
    assert np.all(std > 0)


def test_score_samples_is_the_density_of_all_outputs_together(model):
    y = model.sample_y(X, random_state=1)[..., 0]
    weights, means, stds = components(model, X)
    parts = np.log(weights) + norm.logpdf(columns(y)[:, None], means, stds).sum(axis=2)
    np.testing.assert_allclose(model.score_samples(X, y), logsumexp(parts, axis=1), rtol=1e-10)


def test_responsibilities_follow_bayes(model):
    y = model.sample_y(X, random_state=2)[..., 0]
    weights, means, stds = components(model, X)
    joint = weights * norm.pdf(columns(y)[:, None], means, stds).prod(axis=2)
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_responsibilities(X, y), expected, rtol=1e-8, atol=1e-14)


def test_responsibilities_tell_the_branches_apart(branches_model, new_rows):
    rows, y, truth = new_rows["branches"]
    found = np.argmax(branches_model.predict_responsibilities(rows, y), axis=1)
    agreement = np.mean(found == truth.labels)
    assert max(agreement, 1 - agreement) > 0.99  # the experts' order is arbitrary


@pytest.mark.parametrize("q", [0.01, 0.3, 0.5, 0.99])
def test_quantile_inverts_the_distribution_function(model, q):
    y = columns(model.predict_quantile(X, q))
    np.testing.assert_allclose(gm.cdf(y, *components(model, X)), q, atol=1e-10)


def test_quantiles_of_several_levels(model):
    several = model.predict_quantile(X, [0.2, 0.7])
    assert several.shape[-1] == 2
    for i, q in enumerate((0.2, 0.7)):
        np.testing.assert_array_equal(several[..., i], model.predict_quantile(X, q))


def test_intervals_of_several_coverages(model):
    coverages = [0.5, 0.9, 0.8]
    for bounds in (
        model.predict_interval(X, coverages),
        model.predict_interval(X, coverage=np.array(coverages)),
    ):
        for i, coverage in enumerate(coverages):
            single = model.predict_interval(X, coverage)
            for several, one in zip(bounds, single, strict=True):
                assert several.shape == (*one.shape, 3)
                np.testing.assert_array_equal(several[..., i], one)


def test_no_levels_have_no_quantiles(model):
    shape = (*model.predict(X).shape, 0)
    assert model.predict_quantile(X, []).shape == shape
    assert [bound.shape for bound in model.predict_interval(X, [])] == [shape, shape]


def test_interval_leaves_half_of_the_rest_on_each_side(model):
    lower, upper = model.predict_interval(X, coverage=0.8)
    np.testing.assert_allclose(lower, model.predict_quantile(X, 0.1), rtol=1e-9)
    np.testing.assert_allclose(upper, model.predict_quantile(X, 0.9), rtol=1e-9)


def test_interval_covers_its_share_of_samples(model):
    n_samples = 4000
    lower, upper = model.predict_interval(X, coverage=0.75)
    draws = model.sample_y(X, n_samples, random_state=0)
    covered = np.mean((draws >= lower[..., None]) & (draws <= upper[..., None]), axis=-1)
    # four standard deviations of a share
    np.testing.assert_allclose(covered, 0.75, atol=4 * np.sqrt(0.75 * 0.25 / n_samples))


@pytest.mark.parametrize("name", ["step", "branches"])
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_interval_covers_its_share_of_new_rows(request, new_rows, name, coverage):
    """150 rows leave the noise uncertain by a tenth, hence the tolerance."""
    rows, y, _ = new_rows[name]
    lower, upper = request.getfixturevalue(f"{name}_model").predict_interval(rows, coverage)
    assert np.mean((y >= lower) & (y <= upper)) == pytest.approx(coverage, abs=0.07)


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, [0.5, 1.5], np.nan, [[0.5]], "0.5", ["0.5"], None])
def test_level_out_of_range(step_model, q):
    with pytest.raises(ValueError, match="strictly between 0 and 1 as q, got"):
        step_model.predict_quantile(X, q)


@pytest.mark.parametrize("coverage", [0, 1, 1.5, -0.5, np.nan, [0.5, 90], [[0.5]], "0.9", ["0.9"], None])
def test_coverage_out_of_range(step_model, coverage):
    with pytest.raises(ValueError, match=r"strictly between 0 and 1 as coverage, got .*; 90 % is 0.9"):
        step_model.predict_interval(X, coverage)


def test_samples_have_the_predicted_moments(model):
    """Within 5 standard deviations of the samples' mean and variance."""
    n_samples = 10_000
    mean, std = model.predict(X, return_std=True)
    draws = model.sample_y(X, n_samples, random_state=0)
    assert draws.shape == (*mean.shape, n_samples)
    np.testing.assert_array_less(np.abs(draws.mean(axis=-1) - mean), 5 * std / np.sqrt(n_samples))
    weights, means, stds = components(model, X)
    spread = means - columns(mean)[:, None]
    # E (y - m)^4 of a normal with mean m + d: 3 s^4 + 6 s^2 d^2 + d^4
    fourth = np.einsum("nk,nkp->np", weights, 3 * stds**4 + 6 * stds**2 * spread**2 + spread**4)
    tolerance = 5 * np.sqrt((fourth - columns(std) ** 4) / n_samples)
    np.testing.assert_array_less(np.abs(columns(draws.var(axis=-1)) - columns(std) ** 2), tolerance)


def test_samples_show_both_branches(branches_model):
    """At zero the truth is N(1, 0.1) or N(-1, 0.2) with equal chances, and nothing in between."""
    draws = branches_model.sample_y([[0.0]], 4000, random_state=0)[0]
    assert np.mean(draws > 0) == pytest.approx(0.5, abs=0.15)
    assert np.mean(np.abs(draws) < 0.3) < 0.02
    assert np.median(draws[draws > 0]) == pytest.approx(1.0, abs=0.15)
    assert np.median(draws[draws < 0]) == pytest.approx(-1.0, abs=0.15)


def test_samples_are_those_of_the_random_state(step_model):
    first = step_model.sample_y(X, 3)
    np.testing.assert_array_equal(first, step_model.sample_y(X, 3, random_state=0))
    assert not np.any(first == step_model.sample_y(X, 3, random_state=1))
    generator = np.random.RandomState(0)
    np.testing.assert_array_equal(first, step_model.sample_y(X, 3, random_state=generator))


def area(model, x):
    """Integral of the density over y, from one expert's mean to the next and far beyond."""
    means, stds = model.predict_experts([[x]], return_std=True)
    cuts = np.sort(np.concatenate([means[0] + z * stds[0] for z in (-12, -3, 0, 3, 12)]))
    # values of y in one call, as prediction costs much more than a density
    total = 0.0
    for low, high in pairwise(cuts):
        nodes, weights = np.polynomial.legendre.leggauss(40)
        y = 0.5 * (high - low) * (nodes + 1) + low
        density = np.exp(model.score_samples(np.full((40, 1), x), y))
        total += 0.5 * (high - low) * weights @ density
    return total


@pytest.mark.parametrize("name", ["step_model", "branches_model", "three_experts_model"])
@pytest.mark.parametrize("x", [-2.0, 0.05, 1.3])
def test_density_integrates_to_one(request, name, x):
    assert area(request.getfixturevalue(name), x) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("normalize_y", [True, False])
def test_density_is_in_units_of_y(make_regressor, short_search, step, normalize_y):
    model = make_regressor(normalize_y=normalize_y).fit(step[0], 30.0 * step[1] + 7.0)
    assert area(model, 1.3) == pytest.approx(1.0, abs=1e-6)


def test_density_of_one_expert_by_adaptive_quadrature(make_regressor, wave):
    model = make_regressor(1).fit(wave[0], 30.0 * wave[1])
    mean, std = (float(part[0]) for part in model.predict([[0.3]], return_std=True))
    total, _ = quad(
        lambda y: np.exp(model.score_samples([[0.3]], [y])[0]), mean - 8 * std, mean + 8 * std, epsabs=1e-8
    )
    assert total == pytest.approx(1.0, abs=1e-7)


@every_prediction
@pytest.mark.parametrize("name", ["step_model", "two_outputs_model", "three_experts_model"])
def test_rows_do_not_depend_on_their_neighbours(request, name, prediction):
    """Ten thousand rows are predicted in chunks; alone, in part or in another order they are the same."""
    model = request.getfixturevalue(name)
    rng = np.random.default_rng(0)
    many = rng.uniform(-4, 4, (10_000, 1))
    all_rows = prediction(model, many)
    some = rng.choice(10_000, 12, replace=False)
    alone = np.concatenate([prediction(model, many[[n]]) for n in some])
    np.testing.assert_allclose(alone, all_rows[some], rtol=0, atol=1e-10)
    np.testing.assert_allclose(prediction(model, many[4090:4100]), all_rows[4090:4100], rtol=0, atol=1e-10)
    order = rng.permutation(10_000)
    np.testing.assert_allclose(prediction(model, many[order]), all_rows[order], rtol=0, atol=1e-10)


@pytest.fixture(scope="module")
def short_model(step, make_regressor):
    return make_regressor(init_params="ladder").fit(*step[:2])


# By a power of two, all numbers keep their digits; others change the last ones.
@pytest.mark.parametrize(("factor", "shift"), [(1024.0, 0.0), (1000.0, -50.0)])
def test_predictions_follow_the_units_of_y(make_regressor, step, short_model, factor, shift):
    rows, y, _ = step
    model = make_regressor(init_params="ladder").fit(rows, factor * y + shift)
    (mean, std), (new_mean, new_std) = (m.predict(X, return_std=True) for m in (short_model, model))
    np.testing.assert_allclose(new_mean, factor * mean + shift, rtol=1e-6)
    np.testing.assert_allclose(new_std, factor * std, rtol=1e-6)
    np.testing.assert_allclose(
        model.score_samples(rows, factor * y + shift),
        short_model.score_samples(rows, y) - np.log(factor),
        atol=1e-5,
    )
    quantiles = factor * short_model.predict_quantile(X, 0.1) + shift
    np.testing.assert_allclose(model.predict_quantile(X, 0.1), quantiles, rtol=1e-6)


@pytest.mark.parametrize(("factor", "shift"), [(64.0, 0.0), (40.0, 3.0)])
def test_predictions_follow_the_units_of_the_features(make_regressor, step, short_model, factor, shift):
    rows, y, _ = step
    model = make_regressor(init_params="ladder").fit(factor * rows + shift, y)
    mean, std = short_model.predict(X, return_std=True)
    new_mean, new_std = model.predict(factor * X + shift, return_std=True)
    np.testing.assert_allclose(new_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(new_std, std, rtol=1e-6)


def test_two_outputs_keep_their_own_noise(two_outputs_model):
    """Both branches have noise 0.05 in the first output and 0.3 in the second."""
    _, stds = two_outputs_model.predict_experts([[-2.0], [2.0]], return_std=True)
    weights = two_outputs_model.predict_mixing_proba([[-2.0], [2.0]])
    likely = stds[[0, 1], np.argmax(weights, axis=1)]
    assert np.all((likely > [0.04, 0.25]) & (likely < [0.1, 0.4]))


def test_two_outputs_jump_together(two_outputs_model, new_rows):
    """The joint density knows the branch of one output from the other; the outputs alone do not."""
    rows, y = new_rows["two_outputs"]
    weights, means, stds = components(two_outputs_model, rows)
    alone = sum(gm.log_density(y[:, [p]], weights, means[..., [p]], stds[..., [p]]) for p in range(2))
    assert two_outputs_model.score_samples(rows, y).mean() > alone.mean() + 0.05


def test_scalar_and_column_targets(make_regressor, short_search, wave):
    """A column of targets gives columns of predictions, otherwise the same."""
    rows, y = wave
    flat, column = make_regressor().fit(rows, y), make_regressor().fit(rows, y[:, None])
    for prediction in PREDICTIONS.values():
        expected = prediction(flat, X)
        if prediction is not PREDICTIONS["mixing_proba"]:
            expected = expected[..., None]
        np.testing.assert_array_equal(prediction(column, X), expected)
    np.testing.assert_array_equal(column.sample_y(X, 4), flat.sample_y(X, 4)[:, None])
    np.testing.assert_array_equal(column.score_samples(rows, y[:, None]), flat.score_samples(rows, y))
    np.testing.assert_array_equal(column.predict_interval(X)[0], flat.predict_interval(X)[0][:, None])


@pytest.mark.parametrize(
    "predict",
    [
        lambda model: model.predict(X),
        lambda model: model.predict_mixing_proba(X),
        lambda model: model.predict_experts(X),
        lambda model: model.predict_responsibilities(X, X[:, 0]),
        lambda model: model.predict_quantile(X, 0.5),
        lambda model: model.predict_interval(X),
        lambda model: model.score_samples(X, X[:, 0]),
        lambda model: model.sample_y(X),
        lambda model: model.score(X, X[:, 0]),
        lambda model: model.gating_,
        lambda model: model.model_,
    ],
)
def test_before_fit(predict):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        predict(MoGPERegressor())


@pytest.mark.parametrize("method", ["score_samples", "predict_responsibilities"])
@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("step_model", (13, 2), r"1 outputs?, as in fit, got shape \(13, 2\)"),
        ("two_outputs_model", (13,), r"2 outputs, as in fit, got shape \(13, 1\)"),
        ("two_outputs_model", (13, 3), r"2 outputs, as in fit, got shape \(13, 3\)"),
        ("step_model", (12,), r"inconsistent numbers of samples: \[13, 12\]"),
    ],
)
def test_targets_of_another_shape(request, method, name, shape, message):
    with pytest.raises(ValueError, match=message):
        getattr(request.getfixturevalue(name), method)(X, np.zeros(shape))


def test_features_of_another_number(step_model):
    with pytest.raises(ValueError, match="X has 2 features, but MoGPERegressor is expecting 1"):
        step_model.predict(np.zeros((3, 2)))
