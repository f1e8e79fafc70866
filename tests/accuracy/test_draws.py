"""Moments of many draws, within four standard errors of those in numbers of 50 digits."""

import numpy as np
import pytest

from .conftest import Y_MEAN, Y_SCALE

N_DRAWS = 20_000


@pytest.fixture(scope="module", params=[(2, "constant"), (3, "varying")], ids=str)
def case(request, cases):
    return cases[request.param]


def assert_near(found, expected, variance):
    """Whether averages of the draws are within four standard errors, by the variance of one draw."""
    assert np.all(np.abs(found - expected) < 4.0 * np.sqrt(variance / N_DRAWS))


def test_draws_of_y(case):
    draws = case.estimator.sample_y(case.X, N_DRAWS, random_state=1)
    mean, variance = (part.astype(float) for part in (case.mixture.mean(), case.mixture.variance()))
    weights, means, stds = (part.astype(float) for part in case.mixture)
    # E (y - m)^4 = sum_k w_k (3 s^4 + 6 s^2 d^2 + d^4),  d = m_k - m
    d = means - mean
    fourth = np.sum(weights * (3 * stds**4 + 6 * stds**2 * d**2 + d**4), axis=0)
    assert_near(draws.mean(axis=1), mean, variance)
    assert_near(np.mean((draws - mean[:, None]) ** 2, axis=1), variance, fourth - variance**2)
    for level in (0.05, 0.5, 0.9):
        quantiles = case.mixture.quantile(level, case.estimator.predict_quantile(case.X, level)).astype(float)
        assert_near(np.mean(draws < quantiles[:, None], axis=1), level, level * (1 - level))


def test_draws_of_rows_are_independent(case):
    draws = case.estimator.sample_y(case.X, N_DRAWS, random_state=1)
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert_near(correlations, 0.0, 1.0)


def test_draws_of_functions(case):
    draws = case.estimator.sample_functions(case.X, N_DRAWS, random_state=1)
    for k, gp in enumerate(case.exact_model.experts):
        mean = (Y_MEAN + Y_SCALE * case.latents.experts.mean[k]).astype(float)
        (covariance,) = Y_SCALE**2 * gp.joint_covariance(case.rows[0], case.values[".jitter"])
        covariance = covariance.astype(float)
        variance = np.diag(covariance)
        centred = draws[:, k] - mean[:, None]
        assert_near(draws[:, k].mean(axis=1), mean, variance)
        # var(a b) = c_aa c_bb + c_ab^2
        assert_near(centred @ centred.T / N_DRAWS, covariance, np.outer(variance, variance) + covariance**2)
