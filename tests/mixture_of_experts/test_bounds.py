"""The bounds row by row: against quadrature, in order, under permutations and far from the data."""

import itertools

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, logsumexp, ndtr, softmax
from scipy.stats import norm

from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals
from sklearn_mogpe.mixture_of_experts import BOUNDS, Latents
from sklearn_mogpe.predictive.quadrature import normal_points

LOWER_BOUNDS = ("tight", "further_gating", "further")  # the highest first

every_bound = pytest.mark.parametrize("bound", BOUNDS)


def gate_of(K):
    """A gate whose response matters only: its latent functions are given."""
    return SVGPGatingNetwork(gpflow.kernels.RBF(), np.zeros((1, 1)), num_experts=K)


def random_marginals(rng, shape):
    """Means and both parts of the variance."""
    return Marginals(rng.normal(size=shape), rng.uniform(0.05, 0.6, shape), rng.uniform(0.05, 0.6, shape))


def random_latents(K, P=1, N=5, seed=0):
    """Latents and targets with NumPy arrays in all places."""
    rng = np.random.default_rng(seed)
    gate = gate_of(K)
    noise = rng.uniform(0.3, 1.0, (K, P, N))
    latents = Latents(
        random_marginals(rng, (K, P, N)), noise, random_marginals(rng, (gate.num_latent_gps, N)), gate
    )
    return latents, rng.normal(size=(N, P))


def evaluate(bound, latents, Y, points=4096):
    """Rows of a bound, with as many points as said or the points given."""
    if np.ndim(points) == 0:
        K, P, _ = latents.noise_variance.shape
        points = normal_points(points, K * P + latents.gating_network.num_latent_gps)
    experts, gates = (Marginals(*map(tf.constant, part)) for part in (latents.experts, latents.gates))
    noise = tf.constant(latents.noise_variance)
    latents = latents._replace(experts=experts, noise_variance=noise, gates=gates)
    return BOUNDS[bound](latents, tf.constant(Y), tf.constant(points)).numpy()


def gauss_hermite(num_nodes, dim):
    """Nodes (J, dim) and weights (J,) of a product rule for a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    grid = np.array(list(itertools.product(nodes, repeat=dim)))
    return grid, np.prod(list(itertools.product(weights / weights.sum(), repeat=dim)), axis=1)


def by_quadrature(bound, latents, Y, num_nodes):
    """Rows of a bound by product rules over expert and gate functions.

    Of more than two experts, those that integrate no gate inside the logarithm.
    """
    K, P, N = latents.noise_variance.shape
    f, h = latents.experts, latents.gates
    f_grid, f_weights = gauss_hermite(num_nodes, K * P)
    h_grid, h_weights = gauss_hermite(num_nodes, len(h.mean))
    # what is averaged outside the logarithm, and what is integrated inside
    f_nothing, h_nothing = 0.0 * f.mean, 0.0 * h.mean
    f_outside, f_inside = {"further": (f.variance, f_nothing), "predictive": (f_nothing, f.variance)}.get(
        bound, f[1:]
    )
    h_outside, h_inside = {"tight": h[1:], "predictive": (h_nothing, h.variance)}.get(
        bound, (h.variance, h_nothing)
    )
    stds = np.sqrt(latents.noise_variance + f_inside)
    rows = []
    for n in range(N):
        g = f.mean[..., n] + np.sqrt(f_outside[..., n]) * f_grid.reshape(-1, K, P)
        log_density = norm.logpdf(Y[n], g, stds[..., n]).sum(axis=2)
        u = (h.mean[:, n] + np.sqrt(h_outside[:, n]) * h_grid) / np.sqrt(1.0 + h_inside[:, n])
        probs = np.hstack([ndtr(u), ndtr(-u)]) if K == 2 else softmax(u, axis=1)
        largest = log_density.max(axis=1)
        log_mixture = np.log(probs @ np.exp(log_density.T - largest)) + largest  # [gate nodes, expert nodes]
        rows.append(h_weights @ log_mixture @ f_weights)
    return np.array(rows)


@pytest.mark.parametrize(
    ("K", "P", "num_nodes", "bound"),
    [
        *((2, 1, 40, bound) for bound in BOUNDS),
        *((2, 2, 16, bound) for bound in BOUNDS),
        (3, 1, 12, "further_gating"),
        (3, 1, 12, "further"),
    ],
)
def test_bounds_equal_quadrature(K, P, num_nodes, bound):
    latents, Y = random_latents(K, P, N=4)
    truth = by_quadrature(bound, latents, Y, num_nodes)
    np.testing.assert_allclose(evaluate(bound, latents, Y), truth, atol=1e-3, rtol=1e-3)
    others = [evaluate(other, latents, Y) for other in BOUNDS if other != bound]
    assert all(np.max(np.abs(other - truth)) > 0.02 for other in others)  # the bounds are told apart


@every_bound
def test_known_errors_are_part_of_the_noise(bound):
    latents, Y = random_latents(2, 2, N=4)
    error = np.random.default_rng(1).uniform(0.0, 2.0, (2, 4))
    truth = by_quadrature(bound, latents._replace(noise_variance=latents.noise_variance + error), Y, 16)
    found = evaluate(bound, latents._replace(error_variance=error), Y)
    np.testing.assert_allclose(found, truth, atol=1e-3, rtol=1e-3)
    assert np.all(np.abs(evaluate(bound, latents, Y) - truth) > 0.01)


def test_tight_softmax_equals_an_average_over_residuals():
    """The gate's residual integral against one with many points; the bound's own rule has eight."""
    K = 3
    latents, Y = random_latents(K)
    h, points = latents.gates, normal_points(64, 2 * K)
    inner = normal_points(1024, K)[:, None, :, None]  # [J, 1, K, 1]
    outer = h.mean + np.sqrt(h.projected_variance) * points[:, K:, None]  # [S, K, N]
    log_probs = log_softmax(outer + np.sqrt(h.residual_variance) * inner, axis=2)
    log_probs = logsumexp(log_probs, axis=0) - np.log(len(inner))
    f = latents.experts
    g = f.mean[:, 0] + np.sqrt(f.projected_variance[:, 0]) * points[:, :K, None]
    stds = np.sqrt(latents.noise_variance + f.residual_variance)[:, 0]
    truth = logsumexp(log_probs + norm.logpdf(Y[:, 0], g, stds), axis=1).mean(axis=0)
    np.testing.assert_allclose(evaluate("tight", latents, Y, points), truth, atol=0.05)


@pytest.mark.parametrize("P", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_bounds_are_ordered(seed, P):
    latents, Y = random_latents(2, P, N=40, seed=seed)
    tight, further_gating, further = (evaluate(bound, latents, Y) for bound in LOWER_BOUNDS)
    predictive = evaluate("predictive", latents, Y)
    rounding = 2e-3  # of 4096 points
    assert np.all(predictive >= tight - rounding)
    assert np.all(tight >= further_gating - rounding)
    assert np.all(further_gating >= further - rounding)
    assert np.mean(predictive - tight) > 0.05
    assert np.mean(tight - further_gating) > 2e-3
    assert np.mean(further_gating - further) > 0.05


@pytest.mark.parametrize("seed", range(3))
def test_the_log_density_of_three_experts_is_the_highest(seed):
    """To what the gate's rules are off, one of 128 points and one of six."""
    latents, Y = random_latents(3, N=40, seed=seed)
    gap = evaluate("predictive", latents, Y) - evaluate("tight", latents, Y)
    assert np.all(gap > -0.02)
    assert np.mean(gap) > 0.05


@pytest.mark.parametrize("K", [2, 3])
def test_bounds_agree_where_nothing_is_left_open(K):
    latents, Y = random_latents(K)
    experts, gates = (
        part._replace(residual_variance=np.zeros_like(part.mean)) for part in (latents.experts, latents.gates)
    )
    latents = latents._replace(experts=experts, gates=gates)
    tight, further_gating, further = (evaluate(bound, latents, Y, 32) for bound in LOWER_BOUNDS)
    np.testing.assert_allclose(tight, further, rtol=1e-12)
    np.testing.assert_allclose(further_gating, further, rtol=1e-12)


@pytest.mark.parametrize("K", [2, 3])
def test_tight_without_uncertain_inducing_variables_is_the_log_of_the_predictive_density(K):
    """With q(v) a point, nothing is averaged outside: E_n is log sum_k Pr(k) N(y; mu, r + noise)."""
    latents, Y = random_latents(K, P=2)
    experts, gates = (
        part._replace(projected_variance=np.zeros_like(part.mean))
        for part in (latents.experts, latents.gates)
    )
    latents = latents._replace(experts=experts, gates=gates)
    stds = np.sqrt(experts.residual_variance + latents.noise_variance)
    log_density = norm.logpdf(Y.T, experts.mean, stds).sum(axis=1)
    log_probs = latents.gating_network.log_mixing_probs(
        tf.constant(gates.mean), tf.constant(gates.residual_variance)
    )
    expected = logsumexp(log_probs + log_density, axis=0)
    np.testing.assert_allclose(evaluate("tight", latents, Y, 4), expected, rtol=1e-12)


@pytest.mark.parametrize(("K", "P"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_predictive_is_the_log_of_the_density_whatever_the_points(K, P):
    """log sum_k Pr(k) N(y; mu, s + r + noise)."""
    latents, Y = random_latents(K, P)
    f, h = latents.experts, latents.gates
    log_density = norm.logpdf(Y.T, f.mean, np.sqrt(f.variance + latents.noise_variance)).sum(axis=1)
    log_probs = np.zeros((1, len(Y)))
    if K == 2:
        u = h.mean / np.sqrt(1.0 + h.variance)
        log_probs = np.log(np.concatenate([ndtr(u), ndtr(-u)]))
    elif K == 3:
        draws = h.mean + np.sqrt(h.variance) * normal_points(2**14, 3)[:, :, None]
        log_probs = np.log(softmax(draws, axis=1).mean(axis=0))
    expected = logsumexp(log_probs + log_density, axis=0)
    atol = 0.01 if K == 3 else 1e-12
    np.testing.assert_allclose(
        evaluate("predictive", latents, Y, np.full((2, 9), np.nan)), expected, atol=atol
    )


def repeat_expert(latents, K):
    """K copies of the first expert of some latents under the gate of others."""
    experts = Marginals(*(np.repeat(part[:1], K, axis=0) for part in latents.experts))
    return latents._replace(experts=experts, noise_variance=np.repeat(latents.noise_variance[:1], K, axis=0))


def first_expert(latents):
    """The first expert alone, under the gate of a single expert."""
    nothing = np.zeros((0, latents.noise_variance.shape[-1]))
    gates = Marginals(nothing, nothing, nothing)
    return repeat_expert(latents, 1)._replace(gates=gates, gating_network=gate_of(1))


@every_bound
@pytest.mark.parametrize(("K", "P"), [(2, 1), (2, 2), (3, 1)])
def test_copies_of_one_expert_under_any_gate_are_that_expert(bound, K, P):
    """Copies that move together have one density d, and log sum_k Pr(k) d = log d whatever the gate.

    Experts with the same q are still independent: by Jensen their mixture lies above one of them. So the
    copies take the same coordinates of each point, and then the values are equal to rounding. The points of
    the single expert are those coordinates.
    """
    latents, Y = random_latents(K, P)
    points = normal_points(32, K * P + len(latents.gates.mean))
    own, gate = points[:, :P], points[:, K * P :]
    together = np.concatenate([np.tile(own, K), gate], axis=1)
    copies = evaluate(bound, repeat_expert(latents, K), Y, together)
    np.testing.assert_allclose(copies, evaluate(bound, first_expert(latents), Y, own), rtol=1e-12)
    independent = evaluate(bound, repeat_expert(latents, K), Y)
    if bound == "predictive":  # which has no expectation to take by points
        np.testing.assert_allclose(independent, copies, rtol=1e-12)
    else:
        assert np.all(independent > copies)


@every_bound
def test_swapping_two_experts_negates_the_gate(bound):
    """The coordinates of each point move with the experts, so that the value is the same to rounding."""
    latents, Y = random_latents(2, P=2)
    points = normal_points(32, 5)
    swapped = latents._replace(
        experts=Marginals(*(part[::-1] for part in latents.experts)),
        noise_variance=latents.noise_variance[::-1],
        gates=latents.gates._replace(mean=-latents.gates.mean),
    )
    moved = np.concatenate([points[:, 2:4], points[:, :2], -points[:, 4:]], axis=1)
    expected = evaluate(bound, latents, Y, points)
    np.testing.assert_allclose(evaluate(bound, swapped, Y, moved), expected, rtol=1e-12)
    np.testing.assert_allclose(evaluate(bound, swapped, Y), evaluate(bound, latents, Y), atol=0.01)


@every_bound
def test_permuting_three_experts_permutes_the_gate(bound):
    latents, Y = random_latents(3)
    points, order = normal_points(32, 6), [2, 0, 1]
    permuted = latents._replace(
        experts=Marginals(*(part[order] for part in latents.experts)),
        noise_variance=latents.noise_variance[order],
        gates=Marginals(*(part[order] for part in latents.gates)),
    )
    moved = points[:, [2, 0, 1, 5, 3, 4]]
    # The points by which densities integrate the gate are not as many as would treat all experts alike.
    rtol = 0.005 if bound == "predictive" else 1e-12
    expected = evaluate(bound, latents, Y, points)
    np.testing.assert_allclose(evaluate(bound, permuted, Y, moved), expected, rtol=rtol)


@every_bound
@pytest.mark.parametrize("K", [1, 2, 3])
def test_a_target_far_out_has_a_finite_value_and_gradient(bound, K):
    latents, _ = random_latents(K, N=3)
    far = np.array([[40.0], [-40.0], [4000.0]])  # the standard deviations of y are about 1
    gate = latents.gating_network
    flat = [tf.constant(part) for part in (*latents.experts, latents.noise_variance, *latents.gates)]
    points = tf.constant(normal_points(32, K + gate.num_latent_gps))
    with tf.GradientTape() as tape:
        tape.watch(flat)
        rows = BOUNDS[bound](
            Latents(Marginals(*flat[:3]), flat[3], Marginals(*flat[4:]), gate), tf.constant(far), points
        )
        total = tf.reduce_sum(rows)
    assert np.all(np.isfinite(rows))
    assert np.all(rows < -100.0)
    for gradient in tape.gradient(total, flat, unconnected_gradients="zero"):
        assert np.all(np.isfinite(gradient))


@every_bound
def test_rows_do_not_depend_on_each_other(bound):
    latents, Y = random_latents(3, N=6)
    alone = latents._replace(
        experts=Marginals(*(part[..., 4:5] for part in latents.experts)),
        noise_variance=latents.noise_variance[..., 4:5],
        gates=Marginals(*(part[..., 4:5] for part in latents.gates)),
    )
    rows = evaluate(bound, latents, Y, 32)
    np.testing.assert_allclose(evaluate(bound, alone, Y[4:5], 32), rows[4:5], rtol=1e-12)
