"""Sparse variational GP experts predict what GPflow's SVGP predicts, alone and in a batch."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from gpflow.kernels import RBF, Matern32, SeparateIndependent
from gpflow.likelihoods import Gaussian

from sklearn_mogpe.experts import Experts, SVGPExpert, SVGPExperts

M = 5
X = np.random.default_rng(0).uniform(-2, 2, (8, 2))


def expert_of(seed, P=1, *, kernel=None, likelihood=None, M=M, **kwargs):
    """An expert with random inducing inputs, kernel and q."""
    rng = np.random.default_rng(seed)
    kernel = kernel or RBF(variance=rng.uniform(0.5, 2.0), lengthscales=rng.uniform(0.5, 1.5, 2))
    return SVGPExpert(
        kernel,
        likelihood or Gaussian(variance=rng.uniform(0.1, 0.5)),
        rng.uniform(-2, 2, (M, 2)),
        num_outputs=P,
        q_mu=rng.normal(size=(M, P)),
        q_sqrt=np.tril(0.5 * rng.normal(size=(P, M, M))),
        **kwargs,
    )


def svgp_prediction(expert):
    """Mean and variance of y by GPflow's SVGP of the same parts, of shape (N, P)."""
    gp = expert.gp
    svgp = gpflow.models.SVGP(
        gp.kernel,
        expert.likelihood,
        gp.inducing_variable,
        num_latent_gps=expert.num_outputs,
        mean_function=gp.mean_function,
        q_mu=gp.q_mu.numpy(),
        q_sqrt=gp.q_sqrt.numpy(),
        whiten=True,
    )
    return svgp.predict_y(X)


def noise_growing_with_x():
    """Noise variance 0.3 + 0.5 x_1^2 as a GPflow function of x."""

    class Growing(gpflow.functions.Function):
        def __call__(self, X):
            return 0.3 + 0.5 * tf.square(X[..., :1])

    return Gaussian(variance=Growing())


LIKELIHOODS = {
    "one noise": lambda: Gaussian(variance=0.3),
    "noise per output": lambda: Gaussian(variance=np.array([0.1, 0.7])),
    "scale": lambda: Gaussian(scale=0.4),
    "function of x": noise_growing_with_x,
    "linear scale": lambda: Gaussian(
        scale=gpflow.functions.Linear(np.array([[0.2], [0.1]]), np.array([1.0]))
    ),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_predictions_equal_svgp(name):
    experts = SVGPExperts([expert_of(seed, P=2, likelihood=LIKELIHOODS[name]()) for seed in range(3)])
    f, noise = experts.marginals(tf.constant(X)), experts.noise_variance(tf.constant(X))
    assert noise.shape == (3, 2, 8)
    for k, expert in enumerate(experts.experts):
        mean, variance = svgp_prediction(expert)
        np.testing.assert_allclose(f.mean[k], tf.transpose(mean), rtol=1e-8)
        np.testing.assert_allclose(f.variance[k] + noise[k], tf.transpose(variance), rtol=1e-8)


def test_noise_has_one_variance_per_output():
    variance = expert_of(0, P=2, likelihood=Gaussian(variance=np.array([0.1, 0.7]))).noise_variance(X)
    np.testing.assert_allclose(variance, np.tile([[0.1], [0.7]], 8), rtol=1e-12)


def test_one_noise_is_shared_by_the_outputs():
    variance = expert_of(0, P=3, likelihood=Gaussian(variance=0.2)).noise_variance(X)
    np.testing.assert_allclose(variance, np.full((3, 8), 0.2), rtol=1e-12)


def test_noise_may_depend_on_x():
    variance = expert_of(0, P=2, likelihood=noise_growing_with_x()).noise_variance(X)
    np.testing.assert_allclose(variance, np.tile(0.3 + 0.5 * X[:, 0] ** 2, (2, 1)), rtol=1e-12)


def test_noise_is_stacked_over_experts():
    experts = [expert_of(k, likelihood=Gaussian(variance=0.1 * (k + 1))) for k in range(3)]
    variance = SVGPExperts(experts).noise_variance(X)
    np.testing.assert_allclose(variance[:, 0, 0], [0.1, 0.2, 0.3], rtol=1e-12)


def mixed_experts():
    """Experts that differ in kernel class, number of inducing points, mean function and kind of q."""
    return [
        expert_of(0, P=2),
        expert_of(1, P=2, kernel=SeparateIndependent([Matern32(), RBF(lengthscales=0.5)])),
        expert_of(2, P=2, M=7, mean_function=gpflow.functions.Constant(np.array([1.0, -2.0]))),
        SVGPExpert(RBF(), Gaussian(0.2), X[:M], num_outputs=2, q_diag=True, q_sqrt=np.full((M, 2), 0.3)),
    ]


@pytest.mark.parametrize("make", [lambda: [expert_of(k, P=2) for k in range(3)], mixed_experts])
def test_a_batch_equals_the_experts_one_by_one(make):
    experts = make()
    batch, loop = SVGPExperts(experts), Experts(experts)
    for part, same in zip(batch.marginals(tf.constant(X)), loop.marginals(tf.constant(X)), strict=True):
        np.testing.assert_allclose(part, same, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(batch.noise_variance(X), loop.noise_variance(X))
    assert batch.prior_kl().numpy() == pytest.approx(loop.prior_kl().numpy(), rel=1e-14)


def test_kl_is_the_sum_over_experts():
    experts = mixed_experts()
    total = sum(gpflow.kullback_leiblers.gauss_kl(e.gp.q_mu, e.gp.q_sqrt).numpy() for e in experts)
    assert SVGPExperts(experts).prior_kl().numpy() == pytest.approx(total, rel=1e-13)
    assert total > 1.0


def test_noise_that_is_not_gaussian_is_refused():
    with pytest.raises(ValueError, match=r"gpflow.likelihoods.Gaussian, got StudentT"):
        SVGPExpert(RBF(), gpflow.likelihoods.StudentT(), X)
