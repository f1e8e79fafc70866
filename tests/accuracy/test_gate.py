"""Mixing probabilities: the probit, the softmax and their integrals, against exact numbers and fine grids."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gating_networks.base import PREDICTION_POINTS
from sklearn_mogpe.gating_networks.probit import log_probit
from sklearn_mogpe.predictive.quadrature import normal_points

from . import exact
from .exact import log_normal, mp, relative_error

# Beyond 37 log Phi is below 1e-299, and no normal number for long.
H = np.concatenate(
    [np.linspace(-40, 37, 155), np.linspace(-12.1, -11.9, 9), np.linspace(11.9, 12.1, 9), [1e-8]]
)


def gate_of(K):
    """A gate whose latent functions are given."""
    return SVGPGatingNetwork(gpflow.kernels.RBF(), np.zeros((1, 1)), num_experts=K)


def log_probs(mean, variance=None, num_points=None):
    """Of a gate's functions with means (H, N)."""
    gate = gate_of(2 if len(mean) == 1 else len(mean))
    return gate.log_mixing_probs(mean, variance, num_points).numpy()


@pytest.mark.parametrize("expert", [0, 1])
def test_the_probit_and_its_slopes_as_far_as_40(expert):
    """Log Phi(h) and log Phi(-h), of which each is asked where it is not too small for a double."""
    sign = 1 - 2 * expert
    h = tf.constant(sign * H[None])
    with tf.GradientTape() as tape:
        tape.watch(h)
        found = log_probit(h)[expert]
    # d log Phi(h) / dh = phi(h) / Phi(h)
    values = exact.log_Phi(exact.exact(H))
    slopes = exact.exp(log_normal(exact.exact(H), 0, 1) - values)
    assert relative_error(found, values) < 1e-8
    assert relative_error(tape.gradient(found, h)[0], sign * slopes) < 1e-8
    assert log_probit(np.array([[40.0 * sign]]))[expert, 0] == 0.0  # of which the logarithm is -4e-350


@pytest.mark.parametrize("variance", [0.3, 16.0])
def test_the_probits_integral(variance):
    """Its closed form against an integral by mpmath."""
    means = np.array([[-6.0, 2.5]])
    found = np.exp(log_probs(means, np.full((1, 2), variance)))
    std = mp.sqrt(variance)

    def integral(sign, mean):
        # E Phi(+-(mean + std z)), where the integrand bends at z = -mean / std
        bend = -mp.mpf(mean) / std
        ends = sorted({mp.mpf(-30), bend - 2, bend, bend + 2, mp.mpf(30)})
        with mp.workdps(20):
            return mp.quad(lambda z: mp.ncdf(sign * (mean + std * z)) * mp.npdf(z), ends)

    expected = np.array([[integral(sign, mean) for mean in means[0]] for sign in (1, -1)])
    assert relative_error(found, expected) < 1e-8


def random_functions(seed=0, K=3, N=5, scale=2.0):
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, scale, (K, N)), rng.uniform(0.1, 4.0, (K, N))


@pytest.mark.parametrize("scale", [2.0, 40.0])
@pytest.mark.parametrize("num_points", [None, PREDICTION_POINTS])
def test_the_softmax_by_its_points(scale, num_points):
    """The bounds' few points, and those of predictions."""
    mean, variance = random_functions(scale=scale)
    points = exact.symmetric_points(3) if num_points is None else exact.exact(normal_points(num_points, 3))
    expected = exact.integrated_log_probs(exact.exact(mean), exact.exact(variance), points)
    assert relative_error(np.exp(log_probs(mean, variance, num_points)), exact.exp(expected)) < 1e-8


def test_the_softmax_with_functions_80_apart():
    mean = np.array([[40.0, -40.0, 0.0], [-40.0, 40.0, 0.0], [0.0, 39.0, 40.0]])
    expected = exact.log_probs(exact.exact(mean))
    assert relative_error(np.exp(log_probs(mean)), exact.exp(expected)) < 1e-8


def fine_grid(step=0.5, reach=9.0):
    """Nodes (J, 3) and weights (J,) of the trapezoidal rule for a standard normal."""
    z = step * np.arange(-int(reach / step), int(reach / step) + 1)
    nodes = np.stack(np.meshgrid(z, z, z), axis=-1).reshape(-1, 3)
    weights = np.exp(-0.5 * np.sum(nodes**2, axis=1))
    kept = weights > 1e-17
    return nodes[kept], weights[kept] / weights.sum()


@pytest.mark.parametrize(("variance", "of_predictions", "of_bounds"), [(1.0, 2e-3, 0.02), (16.0, 0.02, 0.2)])
def test_the_softmax_points_stand_for_the_integral(variance, of_predictions, of_bounds):
    """To what these few points can; the grid, as finer ones show, to 1e-13 and to 1e-4."""
    nodes, weights = fine_grid()
    mean, _ = random_functions(N=100)
    expected = np.array([weights @ softmax(m + np.sqrt(variance) * nodes, axis=1) for m in mean.T]).T
    for num_points, most in ((PREDICTION_POINTS, of_predictions), (None, of_bounds)):
        error = np.max(np.abs(np.exp(log_probs(mean, np.full(mean.shape, variance), num_points)) - expected))
        assert most / 4 < error < most
