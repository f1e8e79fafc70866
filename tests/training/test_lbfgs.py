"""SciPy's L-BFGS on functions that are not finite everywhere."""

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.training.solvers.lbfgs import minimize


def barrier(theta):
    """``1e-3 / (5 - x) - x``, lowest at ``5 - sqrt(1e-3)``, and no number from 5 on."""
    room = 5.0 - theta
    value, gradient = 1e-3 / room - theta, 1e-3 / room**2 - 1.0
    bad = tf.cast(tf.where(theta < 5.0, 0.0, np.nan), theta.dtype)
    return tf.reduce_sum(value + bad), gradient + bad


def test_a_step_that_goes_too_far_is_shortened():
    tried = []

    def function(theta):
        tried.append(theta.numpy().item())
        return barrier(theta)

    result = minimize(function, np.zeros(1), max_iter=60)
    assert max(tried) > 5.0
    assert result.x == pytest.approx(5.0 - np.sqrt(1e-3), abs=1e-4)


def test_a_start_that_is_not_finite():
    with pytest.raises(FloatingPointError):
        minimize(barrier, np.full(1, 6.0), max_iter=5)
