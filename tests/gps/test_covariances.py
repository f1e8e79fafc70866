"""Covariances of many kernels equal those of the kernels one by one, batched or not."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from gpflow import kernels as gk
from gpflow.inducing_variables import InducingPoints, Multiscale

from sklearn_mogpe.gps.covariances import CORRELATIONS, covariances

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 3))
Z = RNG.normal(size=(2, 5, 3))
ARD = [0.5, 1.0, 2.0]


def assert_equals_kernels(kernels):
    """Compare with what each kernel itself says of its Z and of X."""
    Kuu, Kuf, Kff_diag = covariances(kernels, [InducingPoints(z) for z in Z], tf.constant(X))
    for g, (kernel, z) in enumerate(zip(kernels, Z, strict=True)):
        # rounding of the squared distance, some 1e-16, passes through the root of the Matern kernels
        np.testing.assert_allclose(Kuu[g], kernel(z), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(Kuf[g], kernel(z, X), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(Kff_diag[g], kernel(X, full_cov=False), rtol=1e-12)


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_kernels_of_one_class_are_batched(kind, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("evaluated one by one")

    monkeypatch.setattr(gpflow.covariances, "Kuu", refuse)
    monkeypatch.setattr(gpflow.covariances, "Kuf", refuse)
    assert_equals_kernels([kind(variance=1.5, lengthscales=ARD), kind(variance=0.4, lengthscales=0.7)])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: [gk.Matern32(lengthscales=ARD), gk.Matern52(variance=2.0)], id="two classes"),
        pytest.param(lambda: [gk.RBF() + gk.Linear(), gk.RBF() + gk.White(0.1)], id="sums"),
        pytest.param(lambda: [gk.RBF() * gk.Periodic(gk.RBF()), gk.Matern12() * gk.Linear()], id="products"),
        pytest.param(lambda: [gk.RBF(active_dims=[1]), gk.RBF(lengthscales=ARD)], id="one active column"),
        pytest.param(lambda: [gk.RBF(active_dims=[0, 2]), gk.RBF()], id="two active columns"),
        pytest.param(lambda: [gk.Matern32(active_dims=slice(1, 3)), gk.Matern32()], id="active slice"),
        pytest.param(lambda: [gk.RationalQuadratic(alpha=0.5), gk.RationalQuadratic()], id="another class"),
    ],
)
def test_other_kernels_are_evaluated_one_by_one(make):
    assert_equals_kernels(make())


def test_multiscale_inducing_variables_keep_their_scales():
    kernel, scales = gk.RBF(variance=1.3, lengthscales=ARD), np.full((5, 3), 0.6)
    variables = [Multiscale(Z[0], scales), InducingPoints(Z[1])]
    Kuu, Kuf, _ = covariances([kernel, kernel], variables, tf.constant(X))
    np.testing.assert_allclose(Kuu[0], gpflow.covariances.Kuu(variables[0], kernel), rtol=1e-12)
    np.testing.assert_allclose(Kuf[0], gpflow.covariances.Kuf(variables[0], kernel, X), rtol=1e-12)
    assert np.max(np.abs(Kuf[0] - kernel(Z[0], X))) > 0.05  # the scales do matter
    np.testing.assert_allclose(Kuf[1], kernel(Z[1], X), rtol=1e-9)


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_gradients_are_finite_at_equal_inputs(kind):
    z = np.repeat(Z[0][:2], 2, axis=0)
    kernels, variables = [kind(lengthscales=ARD), kind()], [InducingPoints(z), InducingPoints(z)]
    with tf.GradientTape() as tape:
        Kuu, Kuf, Kff_diag = covariances(kernels, variables, tf.constant(z))
        total = tf.reduce_sum(Kuu) + tf.reduce_sum(Kuf) + tf.reduce_sum(Kff_diag)
    parameters = [v for part in (*kernels, *variables) for v in part.trainable_variables]
    for gradient in tape.gradient(total, parameters):
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_no_covariance_exceeds_the_variance_far_from_the_origin(kind):
    """There rounding pushes squared distances of neighbours below zero."""
    z = 1e5 + 1e-9 * RNG.normal(size=(30, 3))
    Kuu, _, _ = covariances([kind(variance=2.0)], [InducingPoints(z)], tf.constant(z))
    assert np.max(Kuu) == 2.0


def test_correlations_of_distant_points_vanish_without_nan():
    for correlation in CORRELATIONS.values():
        np.testing.assert_array_equal(correlation.value(tf.constant([0.0, 1e8], tf.float64)), [1.0, 0.0])


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_gradients_are_those_of_the_kernels(kind):
    kernels = [kind(variance=1.5, lengthscales=ARD), kind(variance=0.4, lengthscales=[0.7, 0.9, 1.1])]
    variables = [InducingPoints(z) for z in Z]
    weights = RNG.normal(size=(2, 5, 5)), RNG.normal(size=(2, 5, 9)), RNG.normal(size=(2, 9))

    def batched():
        return covariances(kernels, variables, tf.constant(X))

    def one_by_one():
        pairs = list(zip(kernels, variables, strict=True))
        parts = [(k(z.Z), k(z.Z, X), k(X, full_cov=False)) for k, z in pairs]
        return [tf.stack(part) for part in zip(*parts, strict=True)]

    found = []
    for function in (batched, one_by_one):
        with tf.GradientTape() as tape:
            total = sum(tf.reduce_sum(w * part) for w, part in zip(weights, function(), strict=True))
        found.append(tape.gradient(total, [v for part in (*kernels, *variables) for v in part.variables]))
    for own, plain in zip(*found, strict=True):
        np.testing.assert_allclose(own, plain, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_the_slope_of_a_correlation_is_that_of_its_logarithm(kind):
    """By automatic differentiation, where nothing vanishes or is steep."""
    correlation = CORRELATIONS[kind]
    r2 = tf.constant([1e-6, 0.01, 0.3, 1.0, 4.0, 30.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(r2)
        log_value = tf.math.log(correlation.value(r2))
    slope = np.broadcast_to(correlation.log_slope(r2), 6)
    np.testing.assert_allclose(slope, tape.gradient(log_value, r2), rtol=1e-8)
    kernel = kind()
    np.testing.assert_allclose(correlation.value(r2), kernel.K_r2(r2), rtol=1e-12)


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_slopes_at_no_distance_are_finite(kind):
    """The limit of the smooth kernels; 0 of the rough one, whose slope has none."""
    slope = CORRELATIONS[kind].log_slope(tf.zeros(1, tf.float64))
    limit = {gk.SquaredExponential: -0.5, gk.Matern12: 0.0, gk.Matern32: -1.5, gk.Matern52: -5.0 / 6.0}
    np.testing.assert_allclose(np.ravel(slope), limit[kind], rtol=1e-12)


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_rows_in_single_precision(kind):
    """What is of their size is single, and agrees with double; what is not, is what it was."""
    kernels = [kind(variance=1.5, lengthscales=ARD), kind(variance=0.4, lengthscales=[0.7, 0.9, 1.1])]
    variables = [InducingPoints(z) for z in Z]
    weights = RNG.normal(size=(2, 5, 5)), RNG.normal(size=(2, 5, 9)), RNG.normal(size=(2, 9))
    parameters = [v for part in (*kernels, *variables) for v in part.trainable_variables]
    found = []
    for dtype in (tf.float64, tf.float32):
        rows = tf.constant(X, dtype)
        with tf.GradientTape() as tape:
            tape.watch(rows)
            parts = covariances(kernels, variables, rows)
            total = sum(
                tf.reduce_sum(w * tf.cast(part, tf.float64)) for w, part in zip(weights, parts, strict=True)
            )
        assert [part.dtype for part in parts] == [tf.float64, dtype, dtype]
        found.append((parts, tape.gradient(total, [rows, *parameters])))
    ((Kuu, Kuf, Kff_diag), plain), ((own_Kuu, own_Kuf, own_Kff_diag), gradients) = found
    np.testing.assert_array_equal(own_Kuu, Kuu)
    np.testing.assert_allclose(own_Kuf, Kuf, atol=3e-6)
    np.testing.assert_allclose(own_Kff_diag, Kff_diag, rtol=1e-6)
    assert np.any(own_Kuf.numpy() != Kuf.numpy())
    for own, other in zip(gradients, plain, strict=True):
        np.testing.assert_allclose(own, other, rtol=2e-4, atol=2e-5)
