"""Experts of any kind, side by side."""

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import ExpertBase, Experts
from sklearn_mogpe.gps import Marginals


class Line(ExpertBase):
    """The p-th output is a line of slope p + 1 with constant variances."""

    def __init__(self, offset, num_outputs, kl=0.0):
        super().__init__()
        self.offset, self.num_outputs, self.kl = offset, num_outputs, kl

    def marginals(self, X):
        slopes = tf.range(1, self.num_outputs + 1, dtype=X.dtype)[:, None]
        mean = self.offset + slopes * X[:, 0]
        one = tf.ones_like(mean)
        return Marginals(mean, (0.5 + self.offset) * one, 0.25 * one)

    def noise_variance(self, X):
        return tf.ones([self.num_outputs, tf.shape(X)[0]], X.dtype)

    def prior_kl(self):
        return tf.constant(self.kl)


X = tf.constant([[0.0], [1.0], [2.0]], tf.float64)
EXPERTS = Experts([Line(0.0, 2, kl=1.5), Line(10.0, 2, kl=2.0)])


def test_marginals_are_stacked_over_experts():
    f = EXPERTS.marginals(X)
    lines = np.array([[0.0, 1.0, 2.0], [0.0, 2.0, 4.0]])
    np.testing.assert_allclose(f.mean, [lines, lines + 10.0], rtol=1e-15)
    np.testing.assert_allclose(f.projected_variance[:, 1, 2], [0.5, 10.5], rtol=1e-15)
    np.testing.assert_array_equal(f.residual_variance, np.full((2, 2, 3), 0.25))


def test_kl_divergences_are_added():
    assert EXPERTS.prior_kl().numpy() == 3.5


def test_experts_with_different_outputs_are_refused():
    with pytest.raises(ValueError, match=r"got 3 experts with \[1, 2\] outputs"):
        Experts([Line(0.0, 1), Line(0.0, 2), Line(0.0, 1)])


def test_no_experts_are_refused():
    with pytest.raises(ValueError, match=r"one or more experts .* got 0 experts"):
        Experts([])


def test_an_expert_must_say_what_its_functions_are():
    class Incomplete(ExpertBase):
        num_outputs = 1

        def prior_kl(self):
            return tf.constant(0.0)

    with pytest.raises(TypeError, match="abstract method"):
        Incomplete()
