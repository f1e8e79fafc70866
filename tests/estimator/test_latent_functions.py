"""Joint moments and draws of the experts' functions."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from sklearn_mogpe import MoGPERegressor

X = np.linspace(-2.9, 2.9, 15)[:, None]
MODELS = ["step_model", "two_outputs_model", "three_experts_model"]


@pytest.fixture(params=MODELS)
def model(request):
    return request.getfixturevalue(request.param)


def with_outputs(model, *values):
    """Moments (n, K, P) and covariance (K, P, n, n), whether the model drops the axis of outputs or not."""
    mean, covariance = values
    return values if mean.ndim == 3 else (mean[:, :, None], covariance[:, None])


def test_variances_are_those_of_single_rows(model):
    std = model.predict_latent_functions(X, return_std=True)[1]
    std, covariance = with_outputs(model, std, model.predict_function_covariance(X))
    assert covariance.shape == (*std.shape[1:], 15, 15)
    variances = np.diagonal(covariance, axis1=2, axis2=3)
    np.testing.assert_allclose(np.sqrt(variances), np.moveaxis(std, 0, 2), rtol=1e-8)
    np.testing.assert_allclose(covariance, np.swapaxes(covariance, 2, 3), rtol=1e-10, atol=1e-14)


def test_covariance_of_some_rows_is_a_part_of_that_of_more(model):
    some = [9, 0, 4]
    whole, part = (model.predict_function_covariance(rows) for rows in (X, X[some]))
    scale = np.abs(whole).max()
    np.testing.assert_allclose(part, whole[..., some, :][..., some], rtol=0, atol=1e-10 * scale)


def test_covariance_equals_that_of_gpflow(step_model, step):
    """In standardised units, of the fitted model's own parts."""
    import gpflow

    rows, y, _ = step
    standard = (X - rows.mean(axis=0)) / rows.std(axis=0)
    covariance = step_model.predict_function_covariance(X)
    for k, expert in enumerate(step_model.model_.experts.experts):
        gp = expert.gp
        svgp = gpflow.models.SVGP(
            gp.kernel,
            gpflow.likelihoods.Gaussian(),
            gp.inducing_variable,
            q_mu=gp.q_mu.numpy(),
            q_sqrt=gp.q_sqrt.numpy(),
        )
        jitter = step_model._state["parameters"][".jitter"]
        with gpflow.config.as_context(gpflow.config.Config(jitter=jitter)):
            expected = svgp.predict_f(standard, full_cov=True)[1][0]
        np.testing.assert_allclose(covariance[k], expected * y.var(), rtol=1e-6, atol=1e-9)


def test_one_expert_is_a_gaussian_process(wave):
    """With as many inducing points as rows, the exact one, of the same hyperparameters."""
    rows, y = wave
    model = MoGPERegressor(1, noise="constant", n_inducing=40, random_state=0).fit(rows, y)
    (expert,) = model.experts_
    kernel = ConstantKernel(expert["signal_std"][0] ** 2) * RBF(expert["lengthscales"][0])
    exact = GaussianProcessRegressor(kernel, alpha=expert["noise_std"][0] ** 2, optimizer=None)
    mean, covariance = exact.fit(rows, y - y.mean()).predict(X, return_cov=True)
    np.testing.assert_allclose(model.predict_latent_functions(X)[:, 0] - y.mean(), mean, atol=2e-3)
    own = model.predict_function_covariance(X)[0]
    np.testing.assert_allclose(own, covariance, atol=0.02 * covariance.max())


def test_draws_have_the_moments_of_the_functions(model):
    """Within five standard deviations of sample moments."""
    n_samples = 3000
    mean, covariance = with_outputs(
        model, model.predict_latent_functions(X), model.predict_function_covariance(X)
    )
    draws = model.sample_functions(X, n_samples, random_state=0)
    assert draws.shape == (15, *model.predict_latent_functions(X).shape[1:], n_samples)
    draws = draws.reshape(*mean.shape, n_samples)
    for k, p in np.ndindex(mean.shape[1:]):
        C, own = covariance[k, p], draws[:, k, p]
        variances = C.diagonal()
        error = np.abs(own.mean(axis=1) - mean[:, k, p])
        np.testing.assert_array_less(error, 5 * np.sqrt(variances / n_samples))
        tolerance = 5 * np.sqrt((np.outer(variances, variances) + C**2) / n_samples)
        np.testing.assert_array_less(np.abs(np.cov(own) - C), tolerance)


def test_a_draw_is_one_function(step_model):
    """Rows side by side have nearly the same value, unlike draws of single rows."""
    grid = np.linspace(-2, 2, 400)[:, None]
    draws = step_model.sample_functions(grid, 5, random_state=0)
    std = step_model.predict_latent_functions(grid, return_std=True)[1]
    steps = np.abs(np.diff(draws - draws.mean(axis=2, keepdims=True), axis=0)).max(axis=(0, 2))
    np.testing.assert_array_less(steps, 0.2 * std.max(axis=0))
    twice = step_model.sample_functions(np.repeat(X, 2, axis=0), 3)
    np.testing.assert_allclose(twice[::2], twice[1::2], atol=1e-4 * std.max())


def test_draws_are_a_function_of_random_state(step_model):
    one, same, other = (step_model.sample_functions(X, 2, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).min() > 0
    np.testing.assert_array_equal(step_model.sample_functions(X, 2, np.random.RandomState(1)), other)
    assert step_model.sample_functions(X).shape == (15, 2, 1)


def test_noise_that_varies_is_left_out(step):
    params = {"n_inducing": 10, "n_samples": 8, "init_params": "noise", "max_iter": 5, "random_state": 0}
    model = MoGPERegressor(2, noise="varying", **params).fit(*step[:2])
    std = model.predict_latent_functions(X, return_std=True)[1]
    covariance = model.predict_function_covariance(X)
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), std.T, rtol=1e-8)
    assert model.sample_functions(X, 4).shape == (15, 2, 4)


def test_single_precision(make_fitted):
    """Joint moments are taken in double: of the same parameters, they are the same."""
    single = make_fitted(dtype="float32")
    std = single.predict_latent_functions(X, return_std=True)[1]
    covariance = single.predict_function_covariance(X)
    assert covariance.dtype == np.float64
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), std.T, rtol=1e-3)
    for own in covariance:
        assert np.linalg.eigvalsh(own)[0] > -1e-10 * own.max()


def test_kernels_of_all_kinds(make_fitted):
    import gpflow

    kernels = (lambda D: gpflow.kernels.White(0.1) + gpflow.kernels.Linear()), "matern12"
    model = make_fitted(kernels, n_outputs=2)
    std = model.predict_latent_functions(X, return_std=True)[1]
    covariance = model.predict_function_covariance(X)
    assert covariance.shape == (2, 2, 15, 15)
    variances = np.diagonal(covariance, axis1=2, axis2=3)
    np.testing.assert_allclose(np.sqrt(variances), np.moveaxis(std, 0, 2), rtol=1e-8)


def test_too_many_rows(step_model):
    rows = np.zeros((5001, 1))
    for ask in (step_model.predict_function_covariance, step_model.sample_functions):
        with pytest.raises(ValueError, match=r"at most 5000 rows.*got 5001; try a coarser grid"):
            ask(rows)
