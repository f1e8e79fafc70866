"""Functions with derivatives of their own agree with TensorFlow's, and stay finite where those do not."""

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.gps import log_softmax, log_sum_exp, safe_sqrt, squared_norms
from sklearn_mogpe.gps.numerics import projected_moments, whiten


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


RNG = np.random.default_rng(0)


def assert_same_derivatives(ours, plain, *arguments):
    """Compare values and first derivatives of a function with those that TensorFlow finds by itself."""
    arguments = [tf.constant(argument) for argument in arguments]
    results = []
    for function in (ours, plain):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            values = tf.nest.flatten(function(*arguments))
            weights = [np.random.default_rng(i).normal(size=v.shape) for i, v in enumerate(values)]
            total = tf.add_n([tf.reduce_sum(w * v) for w, v in zip(weights, values, strict=True)])
        results.append([*values, *tape.gradient(total, arguments)])
    for own, other in zip(*results, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-10)


def test_squared_norms():
    assert_same_derivatives(squared_norms, lambda A: tf.reduce_sum(A**2, -2), RNG.normal(size=(2, 4, 5)))


def test_whiten():
    def symmetric(root):
        return tf.matmul(root, root, transpose_b=True)

    def plain(root, Kuf):
        L = tf.linalg.cholesky(symmetric(root) + 0.5 * tf.eye(4, dtype=tf.float64))
        return tf.linalg.triangular_solve(L, Kuf)

    def ours(root, Kuf):
        return whiten(symmetric(root), Kuf, 0.5)

    assert_same_derivatives(ours, plain, RNG.normal(size=(3, 4, 4)), RNG.normal(size=(3, 4, 6)))


def test_whiten_of_rows_in_single_precision():
    """Only these are rounded: of a matrix that single precision could not even factorise."""
    inputs = np.linspace(-1, 1, 12)[:, None]
    rows = np.random.default_rng(1).uniform(-1, 1, (1, 40))
    Kuu = np.exp(-0.5 * (inputs - inputs.T) ** 2)[None]
    Kuf = np.exp(-0.5 * (inputs - rows) ** 2)[None]
    assert np.isnan(tf.linalg.cholesky(tf.constant(Kuu, tf.float32))).any()
    jitter, weight = 1e-6, RNG.normal(size=Kuf.shape)
    results = []
    for dtype in (tf.float64, tf.float32):
        arguments = tf.constant(Kuu), tf.constant(Kuf, dtype)
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            A = whiten(*arguments, jitter)
            total = tf.reduce_sum(tf.constant(weight, dtype) * A)
        assert A.dtype == dtype
        by_Kuu, by_Kuf = tape.gradient(total, arguments)
        assert (by_Kuu.dtype, by_Kuf.dtype) == (tf.float64, dtype)
        results.append([part.numpy() for part in (A, by_Kuu, by_Kuf)])
    # Rounding is as large as 1 / sqrt(jitter) makes it, and for Kuu the square of that.
    for own, other, tolerance in zip(*reversed(results), (1e-4, 1e-2, 1e-4), strict=True):
        assert 0.0 < np.max(np.abs(own - other)) < tolerance * np.max(np.abs(other))


@pytest.mark.parametrize("functions", [1, 3])
def test_projected_moments(functions):
    def plain(A, m, R):
        root = tf.einsum("gfij,gin->gfjn", R, A)
        return tf.einsum("gfm,gmn->gfn", m, A), tf.reduce_sum(root**2, 2)

    arguments = RNG.normal(size=(2, 4, 5)), RNG.normal(size=(2, functions, 4))
    assert_same_derivatives(projected_moments, plain, *arguments, RNG.normal(size=(2, functions, 4, 4)))


@pytest.mark.parametrize("axis", [0, -2])
def test_log_sum_exp_and_log_softmax(axis):
    x = 3.0 * RNG.normal(size=(2, 3, 4)) + np.array([0.0, 800.0])[:, None, None] * (axis == -2)
    assert_same_derivatives(
        lambda x: log_sum_exp(x, axis), lambda x: tf.reduce_logsumexp(x, axis, keepdims=True), x
    )
    assert_same_derivatives(
        lambda x: log_softmax(x, axis), lambda x: x - tf.reduce_logsumexp(x, axis, keepdims=True), x
    )
