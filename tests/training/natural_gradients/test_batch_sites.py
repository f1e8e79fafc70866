"""Natural gradients from mini-batches against exact posteriors, GPflow's own, and plain derivatives."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.mixture_of_experts import MixtureOfSVGPExperts
from sklearn_mogpe.training.natural_gradients.batch_sites import batch_step
from sklearn_mogpe.training.natural_gradients.naturals import Naturals, assign_naturals, naturals_of_q

RNG = np.random.default_rng(1)
X = np.sort(RNG.uniform(-2, 2, (30, 1)), axis=0)
Y = np.sin(2 * X) + 0.2 * RNG.standard_normal((30, 1))
Z = np.linspace(-2, 2, 8)[:, None]


def make_mixture(n_experts, bound="further", num_data=None):
    experts = [
        SVGPExpert(
            gpflow.kernels.RBF(lengthscales=0.5 + 0.3 * k),
            gpflow.likelihoods.Gaussian(0.1 + 0.1 * k),
            Z,
            q_mu=RNG.normal(size=(8, 1)),
            q_sqrt=np.tril(RNG.normal(size=(1, 8, 8)) + 3 * np.eye(8)),
        )
        for k in range(n_experts)
    ]
    gate = SVGPGatingNetwork(gpflow.kernels.RBF(), Z, num_experts=n_experts)
    return MixtureOfSVGPExperts(SVGPExperts(experts), gate, bound=bound, num_data=num_data)


def step(mixture, naturals, step_size, hyperparameters=(), rows=slice(None)):
    def objective(latents):
        return mixture.expected_log_lik(latents, tf.constant(Y[rows]))

    return batch_step(mixture, tf.constant(X[rows]), naturals, objective, list(hyperparameters), step_size)


def test_natural_parameters_are_those_of_q_and_lead_back():
    mixture = make_mixture(3)
    naturals = naturals_of_q(mixture)
    gp = mixture.gps[1]
    P = np.linalg.inv(gp.q_sqrt[0] @ tf.transpose(gp.q_sqrt[0]))
    np.testing.assert_allclose(naturals.precision[1], P, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(naturals.linear[1], P @ gp.q_mu.numpy()[:, 0], rtol=1e-9)
    before = [(gp.q_mu.numpy(), gp.q_sqrt.numpy() @ gp.q_sqrt.numpy().swapaxes(1, 2)) for gp in mixture.gps]
    assert assign_naturals(mixture.gps, naturals)
    for gp, (mean, covariance) in zip(mixture.gps, before, strict=True):
        np.testing.assert_allclose(gp.q_mu, mean, rtol=1e-8, atol=1e-10)
        root = gp.q_sqrt.numpy()
        np.testing.assert_allclose(root @ root.swapaxes(1, 2), covariance, rtol=1e-8, atol=1e-10)


def test_natural_parameters_that_are_not_finite_change_nothing():
    mixture = make_mixture(2)
    before = [gp.q_mu.numpy() for gp in mixture.gps]
    linear, precision = naturals_of_q(mixture)
    assert not assign_naturals(mixture.gps, Naturals(linear * np.nan, precision))
    for gp, mean in zip(mixture.gps, before, strict=True):
        np.testing.assert_array_equal(gp.q_mu, mean)


def test_a_whole_step_of_one_expert_on_all_rows_reaches_the_collapsed_bound():
    mixture = make_mixture(1)
    *_, naturals = step(mixture, naturals_of_q(mixture), 1.0)
    assign_naturals(mixture.gps, naturals)
    expert = mixture.experts.experts[0]
    sgpr = gpflow.models.SGPR((X, Y), expert.gp.kernel, Z, noise_variance=0.1)
    np.testing.assert_allclose(mixture.elbo((X, Y)), sgpr.elbo(), rtol=1e-9)


def test_a_step_equals_that_of_gpflow_on_a_mini_batch():
    rows = slice(3, 17)
    mixture = make_mixture(1, num_data=30)
    expert = mixture.experts.experts[0]
    svgp = gpflow.models.SVGP(
        expert.gp.kernel,
        expert.likelihood,
        Z,
        q_mu=expert.gp.q_mu.numpy(),
        q_sqrt=expert.gp.q_sqrt.numpy(),
        num_data=30,
    )
    *_, naturals = step(mixture, naturals_of_q(mixture), 0.3, rows=rows)
    assign_naturals(mixture.gps, naturals)
    data = X[rows], Y[rows]
    gpflow.optimizers.NaturalGradient(0.3).minimize(
        svgp.training_loss_closure(data, compile=False), [(svgp.q_mu, svgp.q_sqrt)]
    )
    np.testing.assert_allclose(expert.gp.q_mu, svgp.q_mu, rtol=1e-6, atol=1e-8)
    own, theirs = expert.gp.q_sqrt.numpy()[0], svgp.q_sqrt.numpy()[0]
    np.testing.assert_allclose(own @ own.T, theirs @ theirs.T, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("bound", ["tight", "further"])
@pytest.mark.parametrize("n_experts", [1, 2, 3])
def test_derivatives_by_the_hyperparameters_hold_q(bound, n_experts):
    mixture = make_mixture(n_experts, bound)
    hyperparameters = [
        p.unconstrained_variable
        for gp in mixture.gps
        for p in (*gp.kernel.parameters, *gp.inducing_variable.parameters)
    ]
    gradients, _ = step(mixture, naturals_of_q(mixture), 0.5, hyperparameters)
    with tf.GradientTape() as tape:
        elbo = mixture.elbo((X, Y))
    for own, plain in zip(gradients, tape.gradient(elbo, hyperparameters), strict=True):
        np.testing.assert_allclose(own, tf.convert_to_tensor(plain), rtol=1e-6, atol=1e-7)
