"""Both log probabilities of the probit and their derivatives, from one far tail to the other."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_ndtr

from sklearn_mogpe.gating_networks.probit import TAIL, log_probit

H = np.concatenate([np.linspace(-40.0, 40.0, 641), [-TAIL, TAIL, 1e-9, -1e-9, -1e3, 1e3]])


def evaluate(h, dtype=tf.float64):
    """Values of shape (2, N) and the derivative of each of the two rows."""
    h = tf.constant(h, dtype)[None]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(h)
        values = log_probit(h)
        rows = tf.unstack(values, axis=0)
    return values.numpy(), np.concatenate([tape.gradient(row, h) for row in rows])


def mills(h):
    """Derivative of log Phi(h), the density over the probability, in log space."""
    return np.exp(-0.5 * h**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(h))


def test_values_equal_scipy():
    values, _ = evaluate(H)
    np.testing.assert_allclose(values[0], log_ndtr(H), rtol=5e-9, atol=1e-300)
    np.testing.assert_allclose(values[1], log_ndtr(-H), rtol=5e-9, atol=1e-300)


def test_derivatives_equal_mills_ratio():
    _, gradients = evaluate(H)
    np.testing.assert_allclose(gradients[0], mills(H), rtol=5e-9, atol=1e-300)
    np.testing.assert_allclose(gradients[1], -mills(-H), rtol=5e-9, atol=1e-300)


def test_derivatives_equal_finite_differences():
    h, step = np.linspace(-38.0, 38.0, 150), 1e-5
    _, gradients = evaluate(h)
    differences = (evaluate(h + step)[0] - evaluate(h - step)[0]) / (2 * step)
    np.testing.assert_allclose(gradients, differences, rtol=1e-6, atol=1e-9)


def test_probabilities_sum_to_one():
    values, _ = evaluate(H)
    np.testing.assert_allclose(np.exp(values).sum(axis=0), 1.0, rtol=1e-14)


def test_far_tails_stay_finite():
    values, gradients = evaluate([-1e6, 1e6])
    np.testing.assert_allclose(values[0], log_ndtr([-1e6, 1e6]), rtol=1e-9)
    # -h (1 - 1/h^2 ...) with log probabilities of 5e11, of which rounding leaves four decimals
    np.testing.assert_allclose(gradients[0], [1e6, 0.0], rtol=1e-3)
    np.testing.assert_allclose(gradients[1], [0.0, -1e6], rtol=1e-3)


def test_single_precision():
    h = np.linspace(-40.0, 40.0, 161)
    values, gradients = evaluate(h, tf.float32)
    np.testing.assert_allclose(values, [log_ndtr(h), log_ndtr(-h)], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(gradients, [mills(h), -mills(-h)], rtol=1e-4, atol=1e-30)


@pytest.mark.parametrize("shape", [(1, 4), (3, 1, 4), (2, 3, 1, 4)])
def test_leading_axes_are_kept(shape):
    h = np.random.default_rng(0).normal(size=shape)
    values = log_probit(tf.constant(h)).numpy()
    np.testing.assert_allclose(values, np.concatenate([log_ndtr(h), log_ndtr(-h)], axis=-2), rtol=1e-12)


def test_both_rows_pass_their_gradient_on():
    h = tf.constant(np.linspace(-3.0, 3.0, 13)[None])
    weights = np.random.default_rng(0).normal(size=(2, 13))
    with tf.GradientTape() as tape:
        tape.watch(h)
        total = tf.reduce_sum(weights * log_probit(h))
    expected = weights[0] * mills(h.numpy()) - weights[1] * mills(-h.numpy())
    np.testing.assert_allclose(tape.gradient(total, h), expected, rtol=1e-12)
