"""Mixing probabilities: the response, its integral over the latent functions, and the sparse GPs behind."""

import itertools

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import quad
from scipy.special import log_ndtr, logsumexp, ndtr, softmax
from scipy.stats import norm

from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals, marginals

Z = np.linspace(-1.0, 1.0, 4)[:, None]
X = np.random.default_rng(0).normal(size=(7, 1))


def gate_of(num_experts, **kwargs):
    return SVGPGatingNetwork(gpflow.kernels.RBF(), Z, num_experts=num_experts, **kwargs)


def random_gate(num_experts):
    """A gate with a random q."""
    rng = np.random.default_rng(1)
    H = 1 if num_experts == 2 else num_experts
    q_sqrt = np.tril(rng.normal(size=(H, 4, 4)))
    return gate_of(num_experts, q_mu=rng.normal(size=(4, H)), q_sqrt=q_sqrt)


def gaussian_h(num_latent_gps, num_rows=8, largest_variance=4.0):
    """Means and variances of the latent functions, of shape (H, N)."""
    rng = np.random.default_rng(0)
    shape = (num_latent_gps, num_rows)
    return rng.normal(scale=1.5, size=shape), rng.uniform(0.05, largest_variance, shape)


def as_marginals(mean, variance):
    """Put a third of the variance into the projection: only the whole should matter."""
    return Marginals(tf.constant(mean), tf.constant(variance / 3), tf.constant(2 * variance / 3))


def expected_softmax(mean, variance, num_nodes=40):
    """E softmax(h) over a grid of Gauss-Hermite nodes, of shape (N, K)."""
    K = len(mean)
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    grid = np.array(list(itertools.product(nodes, repeat=K)))  # [J, K]
    grid_weights = np.prod(list(itertools.product(weights / weights.sum(), repeat=K)), axis=1)
    h = mean.T[:, None] + np.sqrt(variance.T[:, None]) * grid  # [N, J, K]
    return np.einsum("j,njk->nk", grid_weights, softmax(h, axis=-1))


@pytest.mark.parametrize(("num_experts", "num_latent_gps"), [(1, 0), (2, 1), (3, 3), (5, 5)])
def test_number_of_latent_functions(num_experts, num_latent_gps):
    gate = gate_of(num_experts)
    assert gate.num_latent_gps == num_latent_gps
    assert sum(gp.num_latent_gps for gp in gate.gps) == num_latent_gps


def test_two_experts_are_a_probit():
    h = np.array([[-40.0, -3.0, 0.0, 1.5, 40.0]])
    log_probs = gate_of(2).log_mixing_probs(tf.constant(h))
    np.testing.assert_allclose(log_probs, [log_ndtr(h[0]), log_ndtr(-h[0])], rtol=1e-9)


def test_three_experts_are_a_softmax():
    h = np.random.default_rng(0).normal(scale=20.0, size=(6, 3, 4))
    log_probs = gate_of(3).log_mixing_probs(tf.constant(h))
    np.testing.assert_allclose(log_probs, h - logsumexp(h, axis=-2, keepdims=True), rtol=1e-12, atol=1e-14)


def test_one_expert_has_probability_one():
    gate = SVGPGatingNetwork(num_experts=1)
    h = gate.marginals(tf.constant(X))
    np.testing.assert_array_equal(gate.predict_mixing_probs(tf.constant(X)), np.ones((7, 1)))
    np.testing.assert_array_equal(gate.log_mixing_probs(h.mean, h.variance), np.zeros((1, 7)))
    np.testing.assert_array_equal(gate.log_mixing_probs(tf.zeros([5, 0, 7], tf.float64)), np.zeros((5, 1, 7)))
    assert gate.prior_kl().numpy() == 0.0
    assert gate.trainable_variables == ()


def test_integrated_probit_equals_numerical_integration():
    (mean,), (variance,) = gaussian_h(1)
    log_probs = gate_of(2).log_mixing_probs(tf.constant(mean[None]), tf.constant(variance[None]))
    for n, (m, v) in enumerate(zip(mean, variance, strict=True)):
        density = norm(m, np.sqrt(v)).pdf
        first, _ = quad(lambda h, pdf=density: ndtr(h) * pdf(h), m - 12 * np.sqrt(v), m + 12 * np.sqrt(v))
        np.testing.assert_allclose(np.exp(log_probs[:, n]), [first, 1.0 - first], rtol=1e-7)


def test_integrated_probit_keeps_its_tails():
    log_probs = gate_of(2).log_mixing_probs(
        tf.constant([[-90.0, 90.0]], tf.float64), tf.constant([[8.0, 8.0]], tf.float64)
    )
    np.testing.assert_allclose(log_probs, [log_ndtr([-30.0, 30.0]), log_ndtr([30.0, -30.0])], rtol=1e-9)


@pytest.mark.parametrize(
    ("largest_variance", "tolerance"),
    [(1.0, 2e-3), (4.0, 1e-2)],  # the fixed rule has 128 points
)
def test_integrated_softmax_equals_gauss_hermite(largest_variance, tolerance):
    mean, variance = gaussian_h(3, largest_variance=largest_variance)
    probs = tf.exp(gate_of(3).integrated_log_mixing_probs(as_marginals(mean, variance)))
    np.testing.assert_allclose(probs, expected_softmax(mean, variance), atol=tolerance)


def test_more_points_integrate_the_softmax_more_closely():
    mean, variance = gaussian_h(3)
    truth, gate = expected_softmax(mean, variance).T, gate_of(3)
    errors = []
    for num_points in (8, 128, 4096):
        log_probs = gate.log_mixing_probs(tf.constant(mean), tf.constant(variance), num_points)
        errors.append(np.max(np.abs(np.exp(log_probs) - truth)))
    assert errors[0] < 0.1
    assert errors[1] < 0.01
    assert errors[2] < 5e-4


@pytest.mark.parametrize("num_experts", [2, 3])
def test_without_variance_the_integral_is_the_response_at_the_mean(num_experts):
    gate = gate_of(num_experts)
    mean, _ = gaussian_h(gate.num_latent_gps)
    integrated = gate.log_mixing_probs(tf.constant(mean), tf.zeros_like(mean))
    np.testing.assert_allclose(integrated, gate.log_mixing_probs(tf.constant(mean)), rtol=1e-12)


@pytest.mark.parametrize("num_experts", [2, 3, 4])
def test_leading_axes_of_h_are_samples(num_experts):
    """Each of many values of h, as in the bounds, has the probabilities that it has alone."""
    gate = gate_of(num_experts)
    _, variance = gaussian_h(gate.num_latent_gps)
    h = np.random.default_rng(2).normal(size=(3, gate.num_latent_gps, 8))
    together = gate.log_mixing_probs(tf.constant(h), tf.constant(variance))
    for s in range(3):
        alone = gate.log_mixing_probs(tf.constant(h[s]), tf.constant(variance))
        np.testing.assert_allclose(together[s], alone, rtol=1e-12)


@pytest.mark.parametrize("num_experts", [2, 3, 4])
def test_predicted_probabilities_sum_to_one(num_experts):
    probs = random_gate(num_experts).predict_mixing_probs(tf.constant(X))
    np.testing.assert_allclose(np.sum(probs, axis=1), 1.0, rtol=1e-13)
    assert np.ptp(probs[:, 0]) > 0.05  # and they do depend on x


@pytest.mark.parametrize("num_experts", [2, 4])
def test_a_row_does_not_depend_on_its_neighbours(num_experts):
    gate = random_gate(num_experts)
    together = gate.predict_mixing_probs(tf.constant(X)).numpy()
    for order in ([3], [6, 0, 3]):
        np.testing.assert_allclose(
            gate.predict_mixing_probs(tf.constant(X[order])), together[order], rtol=1e-9
        )


def test_negating_the_latent_function_swaps_two_experts():
    gate = gate_of(2)
    mean, variance = gaussian_h(1)
    probs = tf.exp(gate.integrated_log_mixing_probs(as_marginals(mean, variance)))
    swapped = tf.exp(gate.integrated_log_mixing_probs(as_marginals(-mean, variance)))
    np.testing.assert_allclose(swapped, probs.numpy()[:, ::-1], rtol=1e-13)


def test_permuting_the_latent_functions_permutes_the_probabilities():
    gate, order = gate_of(3), [2, 0, 1]
    mean, variance = gaussian_h(3, largest_variance=1.0)
    exact = gate.log_mixing_probs(tf.constant(mean)).numpy()
    np.testing.assert_allclose(gate.log_mixing_probs(tf.constant(mean[order])), exact[order], rtol=1e-14)
    # the points of the integral stay in place, so that this holds to the rule's accuracy only
    probs = tf.exp(gate.integrated_log_mixing_probs(as_marginals(mean, variance))).numpy()
    permuted = tf.exp(gate.integrated_log_mixing_probs(as_marginals(mean[order], variance[order])))
    np.testing.assert_allclose(permuted, probs[:, order], atol=4e-3)


@pytest.mark.parametrize("num_experts", [2, 3])
def test_latent_functions_are_those_of_the_sparse_gp(num_experts):
    gate = random_gate(num_experts)
    (expected,) = marginals(gate.gps, tf.constant(X))
    for part, same in zip(gate.marginals(tf.constant(X)), expected, strict=True):
        np.testing.assert_array_equal(part, same)
    assert gate.prior_kl().numpy() == pytest.approx(gate.gps[0].prior_kl().numpy(), rel=1e-15)
    assert gate.prior_kl().numpy() > 0.1


@pytest.mark.parametrize("num_experts", [2, 3])
def test_gradients_reach_all_parameters(num_experts):
    gate = random_gate(num_experts)
    with tf.GradientTape() as tape:
        h = gate.marginals(tf.constant(X))
        total = tf.reduce_sum(gate.log_mixing_probs(h.mean, h.variance)[0])
    for gradient in tape.gradient(total, gate.trainable_variables):
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient)


def test_the_training_rule_treats_equal_experts_equally():
    gate = gate_of(3)
    for variance in (0.1, 4.0, 100.0):
        log_probs = gate.log_mixing_probs(
            tf.zeros([3, 2], tf.float64), tf.fill([3, 2], tf.constant(variance, tf.float64))
        )
        np.testing.assert_allclose(log_probs, np.log(1 / 3), rtol=1e-12)
