"""Log densities of priors in few operations: values and derivatives are TFP's."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from sklearn_mogpe.gps import log_density

tfd = tfp.distributions
PRIORS = [
    tfd.Exponential(np.float64(0.05)),
    tfd.LogNormal(np.float64(1.1), np.float64(2.0)),
    tfd.LogNormal(np.array([0.0, 1.0]), np.array([0.5, 2.0])),
    tfd.Gamma(np.float64(2.0), np.float64(3.0)),
]


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_values_and_derivatives(prior):
    values = tf.constant([[0.3, 2.0], [4.0, 0.01]], tf.float64)
    results = []
    for density in log_density, lambda prior, x: tf.reduce_sum(prior.log_prob(x)):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = density(prior, values)
        results.append((total, tape.gradient(total, values)))
    for own, reference in zip(*results, strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-13)
