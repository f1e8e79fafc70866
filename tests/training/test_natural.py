"""Natural gradient steps against the exact posterior and against GPflow's own."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.mixture_of_experts import MixtureOfSVGPExperts
from sklearn_mogpe.training.natural import assign, natural_step

RNG = np.random.default_rng(1)
X = np.sort(RNG.uniform(-2, 2, (30, 1)), axis=0)
Y = np.sin(2 * X) + 0.2 * RNG.standard_normal((30, 1))
Z = np.linspace(-2, 2, 8)[:, None]


def make_mixture(n_experts, bound="further"):
    experts = [
        SVGPExpert(
            gpflow.kernels.RBF(lengthscales=0.5 + 0.3 * k), gpflow.likelihoods.Gaussian(0.1 + 0.1 * k), Z
        )
        for k in range(n_experts)
    ]
    gate = SVGPGatingNetwork(gpflow.kernels.RBF(), Z, num_experts=n_experts)
    return MixtureOfSVGPExperts(SVGPExperts(experts), gate, bound=bound)


def step(mixture, step_size):
    def objective(latents):
        return mixture.expected_log_lik(latents, tf.constant(Y))

    _, _, q = natural_step(mixture, tf.constant(X), objective, [], step_size)
    assign(q, True)


def test_a_whole_step_of_one_expert_reaches_the_collapsed_bound():
    mixture = make_mixture(1)
    step(mixture, 1.0)
    expert = mixture.experts.experts[0]
    sgpr = gpflow.models.SGPR((X, Y), expert.gp.kernel, Z, noise_variance=0.1)
    np.testing.assert_allclose(mixture.elbo((X, Y)), sgpr.elbo(), rtol=1e-9)


def test_a_part_of_a_step_equals_gpflows_natural_gradient():
    mixture = make_mixture(1)
    expert = mixture.experts.experts[0]
    svgp = gpflow.models.SVGP(expert.gp.kernel, expert.likelihood, Z, whiten=True)
    q = [(svgp.q_mu, svgp.q_sqrt)]
    for _ in range(2):
        step(mixture, 0.3)
        gpflow.optimizers.NaturalGradient(gamma=0.3).minimize(lambda: -svgp.elbo((X, Y)), q)
    np.testing.assert_allclose(expert.gp.q_mu, svgp.q_mu, rtol=1e-7, atol=1e-10)
    covariance = [r.numpy()[0] @ r.numpy()[0].T for r in (expert.gp.q_sqrt, svgp.q_sqrt)]
    np.testing.assert_allclose(*covariance, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("n_experts", [2, 3])
@pytest.mark.parametrize("bound", ["tight", "further"])
def test_steps_raise_the_bound_of_a_mixture_and_end_where_its_gradient_vanishes(n_experts, bound):
    mixture = make_mixture(n_experts, bound)
    for expert, shift in zip(mixture.experts.experts, (-0.5, 0.5, 0.0), strict=False):
        expert.gp.q_mu.assign(np.full((8, 1), shift))  # break the symmetry
    before = float(mixture.elbo((X, Y)))
    compiled_step = tf.function(lambda: step(mixture, 0.2), autograph=False)
    for _ in range(200):
        compiled_step()
    variables = [v for gp in mixture.gps for v in (gp.q_mu.unconstrained_variable,)]
    with tf.GradientTape() as tape:
        bound_value = mixture.elbo((X, Y))
    assert float(bound_value) > before
    gradients = tape.gradient(bound_value, variables)
    assert max(float(tf.reduce_max(tf.abs(g))) for g in gradients) < 1e-3


def test_q_stays_where_a_step_is_not_accepted():
    mixture = make_mixture(2)
    before = [gp.q_mu.numpy().copy() for gp in mixture.gps]
    _, _, q = natural_step(
        mixture, tf.constant(X), lambda latents: mixture.expected_log_lik(latents, tf.constant(Y)), [], 1.0
    )
    assign(q, False)
    for gp, old in zip(mixture.gps, before, strict=True):
        np.testing.assert_array_equal(gp.q_mu, old)


def test_derivatives_by_hyperparameters_are_those_of_the_bound():
    mixture = make_mixture(2, "tight")
    variables = [p.unconstrained_variable for gp in mixture.gps for p in gp.kernel.parameters]
    _, gradients, _ = natural_step(
        mixture,
        tf.constant(X),
        lambda latents: mixture.expected_log_lik(latents, tf.constant(Y)),
        variables,
        1.0,
    )
    with tf.GradientTape() as tape:
        value = mixture.elbo((X, Y))
    for ours, theirs in zip(gradients, tape.gradient(value, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)
