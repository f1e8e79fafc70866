"""Functions that are measured with next to no noise, such as surrogates of simulations."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from sklearn_mogpe import MoGPERegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(-2, 2, (40, 1))
X_TEST = np.linspace(-1.9, 1.9, 301)[:, None]
ALL, ONE = {"random_state": 0}, {"n_experts": 1, "random_state": 0}


def function(X):
    return np.sin(3 * X[:, 0]) + 0.3 * X[:, 0] ** 2


@pytest.mark.filterwarnings("ignore:lbfgs failed")  # of scikit-learn's
@pytest.mark.parametrize(("noise", "nats"), [(1e-5, 0.05), (1e-3, 0.02)])
def test_as_good_as_a_gaussian_process(noise, nats):
    """In nats, and in the error of the mean."""
    y, y_test = (function(x) + noise * RNG.normal(size=len(x)) for x in (X, X_TEST))
    model = MoGPERegressor(**ALL).fit(X, y)
    kernel = ConstantKernel() * RBF() + WhiteKernel(1e-6, (1e-14, 1.0))
    mean, std = GaussianProcessRegressor(kernel, normalize_y=True).fit(X, y).predict(X_TEST, return_std=True)
    log_density = -0.5 * (np.log(2 * np.pi * std**2) + ((y_test - mean) / std) ** 2)
    assert model.score_samples(X_TEST, y_test).mean() > log_density.mean() - nats
    errors = [np.sqrt(np.mean((y_test - found) ** 2)) for found in (model.predict(X_TEST), mean)]
    assert errors[0] < 1.05 * errors[1]


@pytest.mark.parametrize("params", [ALL, {**ONE, "noise": "constant"}])
def test_no_noise(params):
    model = MoGPERegressor(**params).fit(X, function(X))
    assert model.n_experts_ == 1
    mean, std = model.predict(X_TEST, return_std=True)
    np.testing.assert_allclose(mean, function(X_TEST), rtol=0, atol=5e-5)
    assert np.all(std < 1e-4)


def test_equal_values_of_a_smooth_function_are_no_rounding():
    """All values of a cosine on a symmetric grid come twice."""
    grid = np.linspace(-3, 3, 40)[:, None]
    model = MoGPERegressor(**ALL).fit(grid, np.cos(grid[:, 0]))
    mean, std = model.predict(X_TEST, return_std=True)
    np.testing.assert_allclose(mean, np.cos(X_TEST[:, 0]), rtol=0, atol=1e-6)
    assert np.all(std < 1e-5)


def test_a_start_whose_kernel_needs_more_jitter():
    """A paraboloid is a Gaussian process of great variance and great lengthscales."""
    axis = np.linspace(-1, 1, 10)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    model = MoGPERegressor(**ONE, n_inducing=60).fit(grid, np.sum(grid**2, axis=1))
    rows = RNG.uniform(-1, 1, (100, 2))
    np.testing.assert_allclose(model.predict(rows), np.sum(rows**2, axis=1), rtol=0, atol=1e-4)
