"""Steps on rows in single precision agree with those on the same rows in double."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import SparseGP
from sklearn_mogpe.mixture_of_experts import BOUNDS, MixtureOfSVGPExperts
from sklearn_mogpe.training.natural_gradients.batch_sites import batch_step
from sklearn_mogpe.training.natural_gradients.naturals import naturals_of_q
from sklearn_mogpe.training.natural_gradients.sites import Sites, assign_q, prior_sites, site_step

N, M, NOISE = 300, 20, 0.05


def make_mixture(kind):
    """Two experts of a noise that varies, and a gate, at the same inducing inputs."""
    Z = np.random.default_rng(0).uniform(-2, 2, (M, 2))

    def gp(variance, lengthscale):
        return SparseGP(kind(variance=variance, lengthscales=[lengthscale, 1.5 * lengthscale]), Z)

    experts = [
        SVGPExpert(
            kind(lengthscales=[0.7 + 0.5 * k, 1.0]),
            gpflow.likelihoods.Gaussian([NOISE]),
            Z,
            noise_gp=gp(0.3, 1.0 + k),
        )
        for k in range(2)
    ]
    gate = SVGPGatingNetwork(kind(variance=4.0, lengthscales=[1.0, 1.0]), Z, num_experts=2)
    mixture = MixtureOfSVGPExperts(SVGPExperts(experts), gate, num_samples=16)
    mixture.jitter.assign(1e-6)
    return mixture


def data():
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 2, (N, 2))
    level = np.where(X[:, :1] < 0.0, 0.15, 0.4)
    Y = np.sin(2 * X[:, :1]) + 0.5 * X[:, 1:] + level * rng.standard_normal((N, 1))
    return X, Y, rng.uniform(0.5, 2.0, N), rng.uniform(0.0, 0.3, (N, 1))


def objective_of(mixture, dtype):
    _, *targets = (tf.constant(part, dtype) for part in data())
    return lambda latents: mixture.expected_log_lik(latents, *targets)


def weight_of(bound, dtype):
    """As often as a row counts, which the sites of the predictive density ask for."""
    return tf.constant(data()[2], dtype) if bound == "predictive" else None


@pytest.fixture(scope="module", params=[gpflow.kernels.SquaredExponential, gpflow.kernels.Matern52])
def start(request):
    """A mixture, the sites of a few steps in double precision, and the hyperparameters."""
    mixture = make_mixture(request.param)
    X, sites = tf.constant(data()[0]), prior_sites(mixture, tf.constant(data()[0]))
    for _ in range(6):
        *_, sites = site_step(mixture, X, sites, objective_of(mixture, "float64"), [], 0.5)
    assert assign_q(mixture, X, sites)
    q = {id(p.unconstrained_variable) for gp in mixture.gps for p in (gp.q_mu, gp.q_sqrt)}
    return mixture, sites, [v for v in mixture.trainable_variables if id(v) not in q]


def assert_near(found, expected, rtol, atol=0.0):
    """In the norm of each array."""
    for own, other in zip(found, expected, strict=True):
        own, other = (tf.convert_to_tensor(part).numpy().astype(float) for part in (own, other))
        assert np.linalg.norm(own - other) < rtol * np.linalg.norm(other) + atol


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_step_of_the_sites(start, bound):
    mixture, sites, variables = start
    mixture.bound = BOUNDS[bound]
    results = []
    for dtype in ("float64", "float32"):
        X, own = tf.constant(data()[0], dtype), Sites(*(tf.cast(part, dtype) for part in sites))
        objective, weight = objective_of(mixture, dtype), weight_of(bound, dtype)
        results.append(site_step(mixture, X, own, objective, variables, 0.5, weight))
    (value, gradients, moved), (own_value, own_gradients, own_moved) = results
    assert {part.dtype for part in own_moved} == {tf.float32}
    assert 0.0 < abs(own_value - value) < 1e-5 * abs(value)
    assert_near(own_gradients, gradients, rtol=5e-4, atol=1e-3)
    for own, other in zip(own_moved, moved, strict=True):
        assert_near(own, other, rtol=1e-4)  # of each function


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_step_of_the_natural_parameters(start, bound):
    mixture, _, variables = start
    mixture.bound = BOUNDS[bound]
    naturals = naturals_of_q(mixture)
    results = []
    for dtype in ("float64", "float32"):
        X, objective = tf.constant(data()[0], dtype), objective_of(mixture, dtype)
        weight = weight_of(bound, dtype)
        results.append(batch_step(mixture, X, naturals, objective, variables, 0.5, weight))
    (gradients, moved), (own_gradients, own_moved) = results
    assert_near(own_gradients, gradients, rtol=5e-4, atol=1e-3)
    for own, other, before in zip(own_moved, moved, naturals, strict=True):
        assert own.dtype == tf.float64
        assert np.any(own.numpy() != other.numpy())
        assert_near(own - before, other - before, rtol=1e-3)


def test_the_posterior_of_some_sites(start):
    """What it says at the rows, by a mean and variance; the means are of the order of 1."""
    mixture, sites, _ = start
    moments = []
    for dtype in ("float64", "float32"):
        X, own = tf.constant(data()[0], dtype), Sites(*(tf.cast(part, dtype) for part in sites))
        assert assign_q(mixture, X, own)
        functions = mixture.latents(tf.constant(data()[0])).experts
        moments.append((functions.mean.numpy(), np.sqrt(functions.projected_variance)))
    for single, double in zip(*reversed(moments), strict=True):
        assert 0.0 < np.max(np.abs(single - double)) < 1e-3 * np.sqrt(NOISE)
