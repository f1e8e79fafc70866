"""The safe square root is a square root whose derivative stays finite."""

import numpy as np
import tensorflow as tf

from sklearn_mogpe.gps import safe_sqrt


def value_and_gradient(x):
    x = tf.constant(x, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        root = safe_sqrt(x)
    return root.numpy(), tape.gradient(root, x).numpy()


def test_positive_numbers_have_the_true_root_and_derivative():
    x = np.array([1e-30, 1e-4, 1.0, 2.0, 1e10])
    root, gradient = value_and_gradient(x)
    np.testing.assert_allclose(root, np.sqrt(x), rtol=1e-15)
    np.testing.assert_allclose(gradient, 0.5 / np.sqrt(x), rtol=1e-14)


def test_zero_and_rounding_errors_below_it_have_derivative_zero():
    root, gradient = value_and_gradient([0.0, -1e-17])
    np.testing.assert_allclose(root, 0.0, atol=1e-18)
    np.testing.assert_array_equal(gradient, 0.0)
