"""Log densities of prior distributions, of the usual ones in few operations."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from .numerics import WithGradient

tfd = tfp.distributions


def log_density(prior: tfp.distributions.Distribution, values: tf.Tensor) -> tf.Tensor:
    """Sum of the log densities of positive ``values``, of any shape, under a prior; a scalar in nats."""
    return LOG_DENSITIES.get(type(prior), _of_any)(prior, values)


def _of_any(prior: tfp.distributions.Distribution, values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(prior.log_prob(values))


def _exponential(prior: tfp.distributions.Distribution, values: tf.Tensor) -> tf.Tensor:
    rate = prior.rate

    @tf.custom_gradient
    def function(x: tf.Tensor) -> WithGradient:
        # log rate - rate x
        value = tf.reduce_sum(tf.math.log(rate) - rate * x)
        return value, lambda upstream: -upstream * rate * tf.ones_like(x)

    return function(values)


def _log_normal(prior: tfp.distributions.Distribution, values: tf.Tensor) -> tf.Tensor:
    loc, scale = prior.distribution.loc, prior.distribution.scale

    @tf.custom_gradient
    def function(x: tf.Tensor) -> WithGradient:
        # -log x - log scale - (z^2 + log 2 pi) / 2,  z = (log x - loc) / scale
        log_x = tf.math.log(x)
        z = (log_x - loc) / scale
        terms = log_x + 0.5 * tf.square(z) + (tf.math.log(scale) + 0.5 * np.log(2.0 * np.pi))
        return -tf.reduce_sum(terms), lambda upstream: -upstream * (1.0 + z / scale) / x

    return function(values)


LOG_DENSITIES = {tfd.Exponential: _exponential, tfd.LogNormal: _log_normal}
