"""Both log probabilities of a probit, exact in the tails."""

import numpy as np
import tensorflow as tf

from ..gps.numerics import WithGradient

# Below this, erfc in single precision nears underflow, and the asymptotic series is good to 1e-9.
TAIL = 12.0


@tf.custom_gradient
def log_probit(h: tf.Tensor) -> WithGradient:
    """Log of ``Phi(h)`` and of ``Phi(-h)`` side by side.

    Parameters
    ----------
    h : tensor of shape (..., 1, N)

    Returns
    -------
    tensor of shape (..., 2, N)
    """
    distance = tf.abs(h)
    log_density = -0.5 * tf.square(h) - 0.5 * np.log(2.0 * np.pi)
    # log Phi(-|h|): erfc in the body, the asymptotic series of Mills' ratio in the tail
    # (Abramowitz and Stegun 1964, 26.2.12)
    body = tf.math.log(0.5 * tf.math.erfc(np.sqrt(0.5) * tf.minimum(distance, TAIL)))
    far = tf.maximum(distance, TAIL)
    q = 1.0 / tf.square(far)
    mills = (1.0 - q * (1.0 - 3.0 * q * (1.0 - 5.0 * q * (1.0 - 7.0 * q * (1.0 - 9.0 * q))))) / far
    is_body = distance < TAIL
    lower = tf.where(is_body, body, log_density + tf.math.log(mills))
    upper = tf.math.log1p(-tf.exp(lower))
    first, second = tf.where(h > 0, upper, lower), tf.where(h > 0, lower, upper)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # d log Phi(h) / dh = phi(h) / Phi(h), which far in the tail is 1 / Mills' ratio
        lower_slope = tf.where(is_body, tf.exp(log_density - body), 1.0 / mills)
        upper_slope = tf.exp(log_density - upper)
        a, b = tf.split(upstream, 2, -2)
        return tf.where(h > 0, a * upper_slope - b * lower_slope, a * lower_slope - b * upper_slope)

    return tf.concat([first, second], -2), gradient
