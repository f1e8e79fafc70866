"""Mixtures train with GPflow's own tools."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

f64 = gpflow.utilities.to_default_float


def test_loss_is_the_negative_elbo_less_the_log_priors(make_mixture, make_data):
    data = make_data()
    mixture = make_mixture()
    assert mixture.training_loss(data).numpy() == pytest.approx(-mixture.elbo(data).numpy(), rel=1e-14)
    variance = mixture.experts.experts[0].likelihood.variance
    gate_kernel = mixture.gating_network.gps[0].kernel
    variance.prior = tfp.distributions.LogNormal(f64(-2.0), f64(1.0))
    gate_kernel.lengthscales.prior = tfp.distributions.Gamma(f64(2.0), f64(3.0))
    log_prior = variance.log_prior_density() + gate_kernel.lengthscales.log_prior_density()
    assert abs(log_prior.numpy()) > 0.1
    expected = -(mixture.elbo(data) + log_prior)
    assert mixture.training_loss(data).numpy() == pytest.approx(expected.numpy(), rel=1e-14)


@pytest.mark.parametrize("K", [1, 2, 3])
def test_every_parameter_is_trained_unless_it_is_held(make_mixture, K):
    mixture = make_mixture(K)
    per_gp, gates = 5, int(K > 1)  # kernel variance and lengthscale, Z, q_mu, q_sqrt
    assert len(mixture.trainable_variables) == (per_gp + 1) * K + per_gp * gates
    gpflow.set_trainable(mixture.experts, False)
    assert len(mixture.trainable_variables) == per_gp * gates


def test_scipy_lowers_the_loss_and_leaves_held_parameters(make_mixture, make_data):
    X, _ = make_data(num_rows=30)
    Y = np.sin(3 * X)
    mixture = make_mixture(num_samples=8)
    held = mixture.experts.experts[0].gp.inducing_variable.Z
    gpflow.set_trainable(held, False)
    before, place = mixture.training_loss((X, Y)).numpy(), held.numpy()
    other = mixture.experts.experts[1].gp.inducing_variable.Z.numpy()
    loss = mixture.training_loss_closure((X, Y), compile=False)
    gpflow.optimizers.Scipy().minimize(
        loss, mixture.trainable_variables, options={"maxiter": 8}, compile=False
    )
    assert loss().numpy() < 0.5 * before
    np.testing.assert_array_equal(held, place)
    assert np.any(mixture.experts.experts[1].gp.inducing_variable.Z.numpy() != other)


def test_natural_gradients_reach_the_optimal_q_of_one_expert_in_one_step(make_mixture, make_data):
    X, Y = make_data()
    mixture = make_mixture(1, bound="further")
    (gp,) = mixture.gps
    expert = mixture.experts.experts[0]
    gpflow.optimizers.NaturalGradient(gamma=1.0).minimize(
        mixture.training_loss_closure((X, Y), compile=False), [(gp.q_mu, gp.q_sqrt)]
    )
    collapsed = gpflow.models.SGPR(
        (X, Y), gp.kernel, gp.inducing_variable, noise_variance=expert.likelihood.variance.numpy().item()
    )
    assert mixture.elbo((X, Y)).numpy() == pytest.approx(collapsed.elbo().numpy(), rel=1e-5)


def test_shared_priors_and_priors_of_unconstrained_values_count_like_those_of_single_parameters(make_mixture):
    mixture = make_mixture(3)
    shared = tfp.distributions.Exponential(f64(2.0))
    kernels = [gp.kernel for gp in mixture.gps]
    for kernel in kernels[:3]:
        kernel.variance.prior = shared
    kernels[0].lengthscales.prior = tfp.distributions.Normal(f64(0.0), f64(1.0))
    kernels[0].lengthscales.prior_on = "unconstrained"
    kernels[1].lengthscales.prior = shared
    gpflow.set_trainable(kernels[2].variance, False)
    trained = [kernels[0].variance, kernels[0].lengthscales, kernels[1].variance, kernels[1].lengthscales]
    expected = sum(parameter.log_prior_density().numpy() for parameter in trained)
    assert mixture.log_prior_density().numpy() == pytest.approx(expected, rel=1e-12)


def test_closure_takes_weights_and_iterators(make_mixture, make_data):
    X, Y = make_data()
    weight = np.linspace(0.5, 1.5, 12)
    mixture = make_mixture()
    expected = mixture.training_loss((X, Y, weight)).numpy()
    assert mixture.training_loss_closure((X, Y, weight), compile=False)().numpy() == pytest.approx(expected)
    batches = iter(tf.data.Dataset.from_tensor_slices((X, Y, weight)).batch(12))
    assert mixture.training_loss_closure(batches, compile=False)().numpy() == pytest.approx(expected)


def test_parameters_survive_a_round_trip_by_name(make_mixture, make_data):
    data = make_data()
    one, other = make_mixture(3, seed=0), make_mixture(3, seed=1)
    assert abs(one.elbo(data).numpy() - other.elbo(data).numpy()) > 1.0
    gpflow.utilities.multiple_assign(other, gpflow.utilities.read_values(one))
    assert other.elbo(data).numpy() == pytest.approx(one.elbo(data).numpy(), rel=1e-12)


def test_a_deep_copy_has_the_same_value_and_its_own_parameters(make_mixture, make_data):
    data = make_data()
    one = make_mixture(3)
    copy = gpflow.utilities.deepcopy(one)
    before = one.elbo(data).numpy()
    assert copy.elbo(data).numpy() == pytest.approx(before, rel=1e-12)
    copy.experts.experts[0].gp.q_mu.assign(0.0 * copy.experts.experts[0].gp.q_mu)
    assert abs(copy.elbo(data).numpy() - before) > 0.1
    assert one.elbo(data).numpy() == pytest.approx(before, rel=1e-12)
