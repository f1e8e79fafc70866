"""Where the race begins: rows' log likelihoods together with the experts that they are assigned to."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import quad
from scipy.stats import norm

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals
from sklearn_mogpe.mixture_of_experts import Latents
from sklearn_mogpe.training.starts.race import _assigned

K, P, N = 2, 2, 3
RNG = np.random.default_rng(0)
F, G, H = (
    Marginals(RNG.normal(size=shape), RNG.uniform(0.05, 0.3, shape), RNG.uniform(0.05, 0.3, shape))
    for shape in [(K, P, N), (K, P, N), (1, N)]
)
NOISE, ERROR, Y = RNG.uniform(0.2, 0.6, (K, P, N)), RNG.uniform(0.0, 1.0, (N, P)), RNG.normal(size=(N, P))
POINTS = RNG.normal(size=(4, 2 * K * P + 1))


def assigned(expert, error, log_noise):
    """Of rows that are all assigned to one expert."""
    f, h = (Marginals(*map(tf.constant, part)) for part in (F, H))
    g = log_noise and Marginals(*map(tf.constant, log_noise))
    gate = SVGPGatingNetwork(gpflow.kernels.RBF(), np.zeros((1, 1)), num_experts=K)
    latents = Latents(f, tf.constant(NOISE), h, gate, g)
    rows = Rows(*map(tf.constant, (Y, Y, np.ones(N), error)))
    return _assigned(latents, rows, POINTS, np.eye(K)[expert][:, None] * np.ones(N)).numpy()


def expected(expert, error, log_noise):
    """E log N(y; f, noise exp(g) + error^2) over f and g, without the gate's part, which the error leaves."""
    total = np.zeros(N)
    for p, n in np.ndindex(P, N):
        place = expert, p, n
        square = (Y[n, p] - F.mean[place]) ** 2 + F.variance[place]
        m, s = (log_noise.mean[place], np.sqrt(log_noise.variance[place])) if log_noise else (0.0, 0.0)

        def at(z, place=place, square=square, m=m, s=s, e=error[n, p]):
            v = NOISE[place] * np.exp(m + s * z) + e**2
            return norm.pdf(z) * -0.5 * (np.log(2 * np.pi * v) + square / v)

        total[n] += quad(at, -9, 9, epsabs=1e-11)[0]
    return total


@pytest.mark.parametrize("expert", range(K))
@pytest.mark.parametrize("log_noise", [None, G], ids=["constant", "varying"])
def test_known_errors_are_part_of_the_noise(expert, log_noise):
    none = np.zeros_like(ERROR)
    gate = [assigned(expert, e, log_noise) - expected(expert, e, log_noise) for e in (none, ERROR)]
    np.testing.assert_allclose(*gate, rtol=1e-3)
    assert np.all(gate[0] < 0.0)  # a log probability
    assert np.all(np.abs(expected(expert, ERROR, log_noise) - expected(expert, none, log_noise)) > 0.02)
