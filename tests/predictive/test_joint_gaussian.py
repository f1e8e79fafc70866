"""Draws of Gaussian vectors, and the roots of their covariances."""

import numpy as np
import pytest

from sklearn_mogpe.predictive import joint_gaussian

x = np.linspace(0, 1, 60)
DISTANCES = np.abs(x[:, None] - x)
COVARIANCES = {
    "smooth": np.exp(-0.5 * (DISTANCES / 0.2) ** 2),
    "rough": 3.0 * np.exp(-DISTANCES / 0.2),
    "line": np.outer(x, x),
    "one place": np.outer(np.eye(60)[7], np.eye(60)[7]),
    "nothing": np.zeros((60, 60)),
    "one row": np.full((1, 1), 4.0),
    "small": 1e-30 * np.exp(-DISTANCES),
}


@pytest.mark.parametrize("covariance", COVARIANCES.values(), ids=COVARIANCES.keys())
def test_root_of_a_covariance(covariance):
    root = joint_gaussian.square_root(covariance)
    np.testing.assert_allclose(root @ root.T, covariance, rtol=0, atol=1e-9 * covariance.max())


def test_a_smooth_function_has_few_degrees_of_freedom():
    ranks = [joint_gaussian.square_root(COVARIANCES[name]).shape[1] for name in ("smooth", "rough", "line")]
    assert ranks[0] < 20
    assert ranks[1:] == [60, 1]


def test_draws_have_the_moments():
    """Within five standard deviations of sample moments."""
    mean = np.stack([np.sin(x), 100 + x], 1)[:, :, None]
    covariance = np.stack([COVARIANCES["smooth"], COVARIANCES["rough"]])[:, None]
    n_samples = 4000
    draws = joint_gaussian.sample(n_samples, mean, covariance, np.random.RandomState(0))
    assert draws.shape == (60, 2, 1, n_samples)
    for k in range(2):
        own, C = draws[:, k, 0], covariance[k, 0]
        variances = C.diagonal()
        np.testing.assert_array_less(
            np.abs(own.mean(axis=1) - mean[:, k, 0]), 5 * np.sqrt(variances / n_samples)
        )
        error = np.sqrt((np.outer(variances, variances) + C**2) / n_samples)
        np.testing.assert_array_less(np.abs(np.cov(own) - C), 5 * error)
    together = np.corrcoef(draws[30, :, 0])[0, 1]
    assert abs(together) < 5 / np.sqrt(n_samples)  # vectors are independent of each other
