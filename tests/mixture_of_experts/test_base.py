"""The mixture's objective over batches and weights, and its predictive density."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import norm

from sklearn_mogpe.experts import SVGPExperts
from sklearn_mogpe.mixture_of_experts import BOUNDS, MixtureOfExperts, MixtureOfSVGPExperts

every_bound = pytest.mark.parametrize("bound", BOUNDS)
every_kind = pytest.mark.parametrize(
    ("K", "bound"), [(1, "tight"), (2, "further"), (3, "further_gating"), (3, "tight")]
)


@every_kind
def test_elbo_is_the_weighted_sum_of_rows_less_the_kl(make_mixture, make_data, K, bound):
    (X, Y), weight = make_data(), np.linspace(0.0, 2.0, 12)
    mixture = make_mixture(K, bound=bound)
    rows = BOUNDS[bound](mixture.latents(tf.constant(X)), tf.constant(Y), tf.constant(mixture.points)).numpy()
    kls = [expert.gp.prior_kl() for expert in mixture.experts.experts]
    kls += [gp.prior_kl() for gp in mixture.gating_network.gps]
    assert mixture.prior_kl().numpy() == pytest.approx(np.sum(kls), rel=1e-12)
    assert mixture.elbo((X, Y)).numpy() == pytest.approx(np.sum(rows) - np.sum(kls), rel=1e-12)
    weighted = np.sum(weight * rows) - np.sum(kls)
    assert mixture.elbo((X, Y, weight)).numpy() == pytest.approx(weighted, rel=1e-12)


def test_one_expert_has_the_closed_form_of_rows_with_known_errors(make_mixture, make_data):
    X, Y = make_data(2)
    weight, error = np.linspace(0.0, 2.0, 12), np.linspace(0.0, 3.0, 24).reshape(12, 2)
    mixture = make_mixture(1, 2, bound="further", num_samples=2)
    f, noise, *_ = mixture.latents(tf.constant(X))
    # E log N(y; f, v) = log N(y; mu, v) - (s + r) / (2 v)
    variance = np.transpose(noise[0]) + error**2
    rows = norm.logpdf(Y, np.transpose(f.mean[0]), np.sqrt(variance)) - np.transpose(f.variance[0]) / (
        2 * variance
    )
    expected = np.sum(weight @ rows) - mixture.prior_kl().numpy()
    assert mixture.elbo((X, Y, weight, error)).numpy() == pytest.approx(expected, rel=1e-9)


def test_a_bound_of_ones_own_gets_the_known_errors(make_mixture, make_data):
    X, Y = make_data(2)
    error = np.linspace(0.0, 3.0, 24).reshape(12, 2)
    mixture = make_mixture(2, 2, bound=lambda latents, Y, points: tf.reduce_sum(latents.error_variance, 0))
    latents = mixture.latents(tf.constant(X))
    found = mixture.expected_log_lik(
        latents, tf.constant(Y), tf.constant(np.arange(12.0)), tf.constant(error)
    )
    assert found.numpy() == pytest.approx(np.arange(12.0) @ np.sum(error**2, axis=1), rel=1e-12)
    assert latents.error_variance is None


def test_the_noise_that_a_bound_is_told_includes_the_known_errors(make_mixture, make_data):
    X, Y = make_data(2)
    error = np.linspace(0.0, 3.0, 24).reshape(12, 2)
    mixture = make_mixture(2, 2, bound=lambda latents, Y, points: latents.expected_noise()[1, 0])
    latents = mixture.latents(tf.constant(X))
    found = mixture.expected_log_lik(latents, tf.constant(Y), error=tf.constant(error))
    expected = np.sum(latents.expected_noise()[1, 0] + error[:, 0] ** 2)
    assert found.numpy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("K", "weighted"), [(1, True), (2, True), (3, False)])
def test_batches_of_a_partition_average_to_the_whole(make_mixture, make_data, K, weighted):
    data = (*make_data(), np.linspace(0.5, 1.5, 12)) if weighted else make_data()
    mixture = make_mixture(K, num_data=12)
    order = np.random.default_rng(0).permutation(12).reshape(3, 4)
    batches = [mixture.elbo([part[rows] for part in data]).numpy() for rows in order]
    assert np.mean(batches) == pytest.approx(mixture.elbo(data).numpy(), rel=1e-11)
    assert np.ptp(batches) > 1.0


@every_bound
def test_weight_two_is_a_repeated_row_and_weight_zero_no_row(make_mixture, make_data, bound):
    X, Y = make_data()
    weight = np.array([2.0, 0.0] + [1.0] * 10)
    rows = [0, 0, *range(2, 12)]
    mixture = make_mixture(bound=bound)
    repeated = mixture.elbo((X[rows], Y[rows])).numpy()
    assert mixture.elbo((X, Y, weight)).numpy() == pytest.approx(repeated, rel=1e-12)


@every_kind
def test_an_outlier_leaves_value_and_gradients_finite(make_mixture, make_data, K, bound):
    X, Y = make_data()
    mixture = make_mixture(K, bound=bound)
    Y[3] += 40.0 * mixture.predict_y(X[3:4]).stddev().numpy()[0]
    with tf.GradientTape() as tape:
        value = mixture.elbo((X, Y))
    assert np.isfinite(value)
    for gradient in tape.gradient(value, mixture.trainable_variables):
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient)


def test_swapped_experts_give_the_same_elbo(make_mixture, make_data):
    data = make_data()
    one = make_mixture(num_samples=4096)
    other = make_mixture(num_samples=4096)
    other.experts = SVGPExperts(other.experts.experts[::-1])
    (gp,) = other.gating_network.gps
    gp.q_mu.assign(-gp.q_mu)
    assert other.elbo(data).numpy() == pytest.approx(one.elbo(data).numpy(), abs=0.01)
    np.testing.assert_allclose(
        other.predict_y(data[0]).log_prob(data[1]), one.predict_y(data[0]).log_prob(data[1]), rtol=1e-10
    )


def test_a_bound_of_ones_own(make_mixture, make_data):
    """Without sampling: log sum_k exp(E log gate_k + E log expert_k), lower than all others."""

    def closed(latents, Y, points):
        f, noise = latents.experts, latents.noise_variance
        log_density = -0.5 * (
            tf.math.log(2 * np.pi * noise) + ((tf.transpose(Y) - f.mean) ** 2 + f.variance) / noise
        )
        h, weights = np.polynomial.hermite_e.hermegauss(20)
        h = latents.gates.mean + tf.sqrt(latents.gates.variance) * h[:, None, None]
        log_probs = tf.tensordot(weights / weights.sum(), latents.gating_network.log_mixing_probs(h), 1)
        return tf.reduce_logsumexp(log_probs + tf.reduce_sum(log_density, 1), 0)

    X, Y = make_data()
    mixture = make_mixture(bound=closed)
    rows = closed(mixture.latents(tf.constant(X)), tf.constant(Y), None).numpy()
    value = mixture.elbo((X, Y)).numpy()
    assert value == pytest.approx(np.sum(rows) - mixture.prior_kl().numpy(), rel=1e-12)
    assert value < make_mixture(bound="further").elbo((X, Y)).numpy()


def parts_of(mixture, X):
    """Weights (N, K), means and variances (N, K, P), from the experts and the gate one by one."""
    experts = [expert.marginals(tf.constant(X)) for expert in mixture.experts.experts]
    noise = [expert.noise_variance(X) for expert in mixture.experts.experts]
    means = np.stack([np.transpose(f.mean) for f in experts], axis=1)
    variances = np.stack([np.transpose(f.variance + v) for f, v in zip(experts, noise, strict=True)], axis=1)
    return mixture.gating_network.predict_mixing_probs(tf.constant(X)).numpy(), means, variances


@pytest.fixture(
    scope="module",
    params=[
        (1, 1, MixtureOfSVGPExperts),
        (2, 1, MixtureOfSVGPExperts),
        (2, 2, MixtureOfExperts),
        (3, 1, MixtureOfExperts),
        (3, 2, MixtureOfSVGPExperts),
    ],
    ids=lambda param: f"K={param[0]}, P={param[1]}, {param[2].__name__}",
)
def predicted(request, make_mixture, make_data):
    """A mixture, data, and the parts of its prediction at them."""
    K, P, kind = request.param
    X, Y = make_data(P)
    mixture = make_mixture(K, P, kind=kind)
    return mixture, X, Y, parts_of(mixture, X)


def test_log_density_is_that_of_the_parts(predicted):
    mixture, X, Y, (weights, means, variances) = predicted
    log_density = norm.logpdf(Y[:, None], means, np.sqrt(variances)).sum(axis=2)
    expected = logsumexp(np.log(weights) + log_density, axis=1)
    np.testing.assert_allclose(mixture.predict_y(X).log_prob(Y), expected, rtol=1e-9)


def test_moments_include_the_spread_between_experts(predicted):
    mixture, X, _, (weights, means, variances) = predicted
    mean = np.einsum("nk,nkp->np", weights, means)
    second = np.einsum("nk,nkp->np", weights, variances + means**2)
    y = mixture.predict_y(X)
    np.testing.assert_allclose(y.mean(), mean, rtol=1e-9)
    np.testing.assert_allclose(y.variance(), second - mean**2, rtol=1e-8)


def test_predictions_of_the_parts_agree_with_the_mixture(predicted):
    mixture, X, _, (weights, means, variances) = predicted
    for part, same in zip(mixture.predict_mixture(X), (weights, means, variances), strict=True):
        np.testing.assert_allclose(part, same, rtol=1e-9)
    experts = mixture.predict_experts_dists(X)
    np.testing.assert_allclose(mixture.predict_mixing_probs(X), weights, rtol=1e-9)
    np.testing.assert_allclose(experts.mean(), means, rtol=1e-9)
    np.testing.assert_allclose(experts.variance(), variances, rtol=1e-9)


def test_samples_have_the_moments_of_the_density(make_mixture, make_data):
    X, _ = make_data()
    mixture, S = make_mixture(3, 2), 20_000
    samples = mixture.predict_y_samples(X[:4], S, seed=(1, 2)).numpy()
    y = mixture.predict_y(X[:4])
    mean, variance = y.mean().numpy(), y.variance().numpy()
    assert samples.shape == (S, 4, 2)
    assert np.max(np.abs(samples.mean(axis=0) - mean) / np.sqrt(variance / S)) < 4.0
    fourth = np.mean((samples - mean) ** 4, axis=0)
    variance_error = np.sqrt((fourth - variance**2) / S)
    assert np.max(np.abs(samples.var(axis=0) - variance) / variance_error) < 4.0


def test_outputs_of_a_sample_come_from_one_expert(make_mixture, make_data):
    """The outputs are independent given the expert only: their covariance is that of the experts' means."""
    X, _ = make_data(num_rows=3)
    mixture = make_mixture(2, 2)
    weights, means, _ = parts_of(mixture, X)
    gap = means[:, 0] - means[:, 1]
    expected = weights[:, 0] * weights[:, 1] * gap[:, 0] * gap[:, 1]
    np.testing.assert_allclose(mixture.predict_y(X).covariance()[:, 0, 1], expected, rtol=1e-7)
    samples = mixture.predict_y_samples(X, 20_000, seed=(3, 4)).numpy()
    drawn = [np.cov(samples[:, n], rowvar=False)[0, 1] for n in range(3)]
    scale = np.prod(samples.std(axis=0), axis=1)
    assert np.max(np.abs(drawn - expected) / scale) < 4.0 * np.sqrt(2 / 20_000)


def test_samples_are_a_function_of_the_seed(make_mixture, make_data):
    X, _ = make_data()
    mixture = make_mixture(3)
    first = mixture.predict_y_samples(X, 5, seed=(1, 2))
    tf.random.normal([3])  # moves the global generator
    np.testing.assert_array_equal(first, mixture.predict_y_samples(X, 5, seed=(1, 2)))
    assert np.all(first != mixture.predict_y_samples(X, 5, seed=(1, 3)))


def test_a_gate_of_another_number_of_experts_is_refused(make_mixture):
    two, three = make_mixture(2), make_mixture(3)
    with pytest.raises(ValueError, match="gating network of 2 experts, got one of 3"):
        MixtureOfSVGPExperts(two.experts, three.gating_network)


def test_an_unknown_bound_is_refused(make_mixture):
    with pytest.raises(
        ValueError, match=r"\['further', 'further_gating', 'predictive', 'tight'\] as bound, got 'loose'"
    ):
        make_mixture(bound="loose")


@pytest.mark.parametrize("num_samples", [0, 31])
def test_an_odd_number_of_points_is_refused(make_mixture, num_samples):
    with pytest.raises(ValueError, match="even number of sample points"):
        make_mixture(num_samples=num_samples)


def test_points_have_a_coordinate_for_each_function(make_mixture):
    assert make_mixture(3, 2, num_samples=8).points.shape == (8, 9)
    assert make_mixture(2, 2, num_samples=8).points.shape == (8, 5)
    assert make_mixture(1, 2, num_samples=8).points.shape == (8, 2)


def test_single_precision_agrees_with_double(make_mixture, make_data):
    X, Y = make_data()
    double = make_mixture(3, seed=1).elbo((X, Y)).numpy()
    with gpflow.config.as_context(gpflow.config.Config(float=np.float32, jitter=1e-6)):
        single = make_mixture(3, seed=1).elbo((X.astype(np.float32), Y.astype(np.float32)))
    assert single.dtype == tf.float32
    assert single.numpy() == pytest.approx(double, rel=1e-4)
