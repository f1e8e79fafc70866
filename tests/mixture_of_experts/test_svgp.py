"""The batched mixture of sparse GPs is the general mixture, faster."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import join_marginals, q_moments
from sklearn_mogpe.mixture_of_experts import MixtureOfExperts, MixtureOfSVGPExperts

every_size = pytest.mark.parametrize(("K", "P"), [(1, 1), (2, 1), (3, 2)])


@every_size
def test_latents_equal_those_of_the_general_mixture(make_mixture, make_data, K, P):
    X, Y = make_data(P)
    batched = make_mixture(K, P)
    general = MixtureOfExperts(batched.experts, batched.gating_network)
    ours, theirs = batched.latents(tf.constant(X)), general.latents(tf.constant(X))
    for part, same in zip((*ours.experts, *ours.gates), (*theirs.experts, *theirs.gates), strict=True):
        np.testing.assert_allclose(part, same, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(ours.noise_variance, theirs.noise_variance)
    assert batched.elbo((X, Y)).numpy() == pytest.approx(general.elbo((X, Y)).numpy(), rel=1e-11)


def test_more_inducing_points_in_the_gate_than_in_the_experts(make_data):
    """Sizes that cannot share a batch still come out in their places."""
    X, Y = make_data()
    rng = np.random.default_rng(0)
    experts = [
        SVGPExpert(
            gpflow.kernels.RBF(), gpflow.likelihoods.Gaussian(0.1), X[:M], q_mu=rng.normal(size=(M, 1))
        )
        for M in (3, 5)
    ]
    gate = SVGPGatingNetwork(gpflow.kernels.Matern52(), X[:8], q_mu=rng.normal(size=(8, 1)))
    batched = MixtureOfSVGPExperts(SVGPExperts(experts), gate)
    general = MixtureOfExperts(batched.experts, gate)
    assert batched.elbo((X, Y)).numpy() == pytest.approx(general.elbo((X, Y)).numpy(), rel=1e-11)


def test_gps_are_those_of_the_experts_and_then_of_the_gate(make_mixture):
    mixture = make_mixture(3)
    expected = [expert.gp for expert in mixture.experts.experts] + list(mixture.gating_network.gps)
    assert [id(gp) for gp in mixture.gps] == [id(gp) for gp in expected]
    assert len(mixture.gps) == 4


def test_jitter_is_a_variable_that_is_not_trained(make_mixture, make_data):
    X, Y = make_data()
    mixture = make_mixture()
    before = mixture.elbo((X, Y)).numpy()
    assert mixture.jitter.numpy() == gpflow.default_jitter()
    assert all(variable is not mixture.jitter for variable in mixture.trainable_variables)
    mixture.jitter.assign(0.1)
    assert abs(mixture.elbo((X, Y)).numpy() - before) > 1e-3


@pytest.mark.parametrize("method", ["predict_mixing_probs", "predict_experts_dists"])
def test_jitter_counts_in_every_prediction(make_mixture, make_data, method):
    X, _ = make_data()
    mixture = make_mixture()
    mixture.jitter.assign(0.1)
    weights, means, _ = mixture.predict_mixture(X)
    if method == "predict_mixing_probs":
        np.testing.assert_allclose(mixture.predict_mixing_probs(X), weights, rtol=1e-9)
    else:
        np.testing.assert_allclose(mixture.predict_experts_dists(X).mean(), means, rtol=1e-9)


def test_projections_give_the_latent_functions_after_a_change_of_q(make_mixture, make_data):
    X = tf.constant(make_data()[0])
    mixture = make_mixture(3)
    projections = mixture.project(X)
    for gp in mixture.gps:
        gp.q_mu.assign(gp.q_mu + 1.0)
    moments = [q_moments(projection) for projection in projections]
    ours = mixture.join(X, join_marginals(mixture.gps, projections, moments))
    fresh = mixture.latents(X)
    for part, same in zip((*ours.experts, *ours.gates), (*fresh.experts, *fresh.gates), strict=True):
        np.testing.assert_allclose(part, same, rtol=1e-12)


@pytest.mark.parametrize(("K", "P"), [(1, 1), (3, 2)])
def test_compiled_for_any_number_of_rows_the_values_are_the_same(make_mixture, make_data, K, P):
    mixture = make_mixture(K, P)
    spec = [tf.TensorSpec([None, 1], tf.float64), tf.TensorSpec([None, P], tf.float64)]

    @tf.function(input_signature=spec, autograph=False)
    def compiled(X, Y):
        return mixture.elbo((X, Y)), mixture.predict_y(X).log_prob(Y)

    for num_rows in (1, 7):
        X, Y = make_data(P, num_rows)
        elbo, log_density = compiled(X, Y)
        assert elbo.numpy() == pytest.approx(mixture.elbo((X, Y)).numpy(), rel=1e-11)
        np.testing.assert_allclose(log_density, mixture.predict_y(X).log_prob(Y), rtol=1e-10)
