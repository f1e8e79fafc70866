"""Parameters together are the parameters one by one."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.utilities import positive, triangular

from sklearn_mogpe.gps import stacked
from sklearn_mogpe.gps.stacking import concatenated

VALUES = np.array([[0.5, 2.0], [1e-3, 7.0]])
TRANSFORMS = {
    "exp": [positive(base="exp")] * 2,
    "softplus": [positive(), positive()],
    "different": [positive(base="exp"), positive()],
    "different hinges": [tfp.bijectors.Softplus(), tfp.bijectors.Softplus(np.float64(2.0))],
    "shifted": [positive(lower=1e-6), positive(lower=1e-4)],
    "none": [None, None],
}


@pytest.mark.parametrize("transforms", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize(("join", "plain"), [(stacked, np.stack), (concatenated, np.concatenate)])
def test_values_and_derivatives(transforms, join, plain):
    parameters = [gpflow.Parameter(v, transform=t) for v, t in zip(VALUES, transforms, strict=True)]
    np.testing.assert_allclose(join(parameters), plain(VALUES), rtol=1e-12)
    with tf.GradientTape(persistent=True) as tape:
        together = tf.reduce_sum(tf.square(join(parameters)))
        alone = tf.add_n([tf.reduce_sum(tf.square(p)) for p in parameters])
    for parameter in parameters:
        variable = parameter.unconstrained_variable
        np.testing.assert_allclose(
            tape.gradient(together, variable), tape.gradient(alone, variable), rtol=1e-12
        )


def test_triangular_roots_of_different_numbers():
    roots = [np.tril(np.random.default_rng(n).normal(size=(n, 3, 3))) for n in (1, 2)]
    parameters = [gpflow.Parameter(root, transform=triangular()) for root in roots]
    np.testing.assert_array_equal(concatenated(parameters), np.concatenate(roots))


def test_tensors_beside_parameters():
    parts = [gpflow.Parameter(VALUES[0], transform=positive()), tf.constant(VALUES[1])]
    np.testing.assert_allclose(stacked(parts), VALUES, rtol=1e-12)


def test_parameters_of_one_transform_go_through_it_once(monkeypatch):
    calls = []
    transform = positive(base="exp")
    parameters = [gpflow.Parameter(v, transform=transform) for v in VALUES]
    monkeypatch.setattr(type(transform), "_forward", lambda self, x: calls.append(x.shape) or tf.exp(x))
    stacked(parameters)
    assert calls == [(2, 2)]
