"""Far tails: values 40 standard deviations off, gates of 40 and more, levels of 1e-12, a distant y's CRPS."""

import numpy as np
import pytest

from sklearn_mogpe.metrics import crps, pit
from sklearn_mogpe.mixture_of_experts import BOUNDS

from . import exact
from .conftest import Y_MEAN, Y_SCALE
from .exact import difference, exp, log, relative_error

GATE = ".gating_network.gps[0].q_mu"


def decided(values):
    """Gates whose functions reach from -60 to 50."""
    values[GATE] = 50.0 * values[GATE]


@pytest.fixture(scope="module", params=[(2, "constant"), (3, "varying")], ids=str)
def case(request, make_case):
    K, noise = request.param
    return make_case(K, noise, change=decided)


def far_off(case, distance):
    """Values (N,) so many standard deviations of the first component from its mean."""
    _, means, stds = case.estimator.predict_mixture(case.X)
    return means[:, 0, 0] + distance * stds[:, 0, 0]


def test_probabilities_of_experts_that_all_but_never_speak(case):
    weights, _, _ = case.estimator.predict_mixture(case.X)
    assert relative_error(weights, case.mixture.weights.T) < 1e-8
    assert np.min(weights) < 1e-40


@pytest.mark.parametrize("distance", [-40.0, 40.0, 1e4])
def test_log_densities_and_responsibilities(case, distance):
    y = far_off(case, distance)
    assert relative_error(case.estimator.score_samples(case.X, y), case.mixture.log_density(y)) < 1e-8
    joint = case.mixture.log_joint(y).reshape(case.estimator.n_experts_, -1, len(y))
    expected = (exp(joint).sum(axis=1) / exp(joint).sum(axis=(0, 1))).T
    found = case.estimator.predict_responsibilities(case.X, y)
    normal = expected > 1e-300  # what is less is no normal number
    assert relative_error(found[normal], expected[normal]) < 1e-8
    np.testing.assert_allclose(found[~normal], 0.0, atol=1e-300)


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_of_values_far_off(case, bound):
    latents = case.model.latents(case.tensors[0])
    y = np.array([40.0, -40.0, 1e3, -1e3, 1e6, -1e6])  # noise and functions are of a size of about 1
    found = BOUNDS[bound](latents, y[:, None], case.model.points)
    expected = exact.bound_rows(bound, case.latents, exact.exact(y), case.points, case.gate_points)
    assert relative_error(found, expected) < 1e-8


@pytest.mark.parametrize("distance", [-20.0, -8.0])
def test_distribution_functions_at_the_lower_end(case, distance):
    y = far_off(case, distance)
    found = pit(y, *case.estimator.predict_mixture(case.X))
    assert relative_error(found, case.mixture.cdf(exact.exact(y))) < 1e-8


@pytest.mark.parametrize("level", [1e-300, 1e-12, 1.0 - 1e-6])
def test_quantiles_far_out(case, level):
    found = case.estimator.predict_quantile(case.X, level)
    assert relative_error(found, case.mixture.quantile(level, found)) < 1e-8


def test_the_crps_of_distant_values(case):
    y, components = np.array([1e3, -1e3, 1e6, -1e6, 1e12, -1e12]), case.estimator.predict_mixture(case.X)
    rows = [crps(y[[n]], *(part[[n]] for part in components)) for n in range(len(y))]
    assert relative_error(rows, case.mixture.crps(exact.exact(y))) < 1e-8


def test_log_weights_below_the_smallest_double(make_case):
    """They are kept as logarithms by bounds and by the model; weights of 1e-350 are not, and are 0."""

    def set_gates(values):
        values[GATE] = 200.0 * values[GATE]

    case = make_case(2, change=set_gates)
    X, Y = case.tensors
    latents = case.model.latents(X)
    expected = log(case.mixture.weights).T
    assert np.min(expected) < -800
    assert np.max(abs(difference(case.model.components(latents)[0], expected))) < 1e-8
    # p(y) = p(y') / scale
    found = case.model.predict_y(X).log_prob(Y) - np.log(Y_SCALE)
    assert relative_error(found, case.mixture.log_density(Y_MEAN + Y_SCALE * case.rows[1])) < 1e-8
    weights, _, _ = case.estimator.predict_mixture(case.X)
    np.testing.assert_array_equal(weights[expected < -800], 0.0)


@pytest.mark.parametrize("level", [1.0 - 1e-12, 1.0 - 1e-15])
def test_quantiles_far_above(case, level):
    found = case.estimator.predict_quantile(case.X, level)
    assert relative_error(found, case.mixture.quantile(level, found)) < 1e-8


def test_intervals_with_tails_of_1e_12(case):
    lower, upper = case.estimator.predict_interval(case.X, 1.0 - 2e-12)
    tail = (1.0 - (1.0 - 2e-12)) / 2.0
    mirrored = case.mixture._replace(means=-case.mixture.means)
    assert relative_error(lower, case.mixture.quantile(tail, lower)) < 1e-8
    assert relative_error(-upper, mirrored.quantile(tail, -upper)) < 1e-8
