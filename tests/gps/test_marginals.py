"""Marginals and joint moments of sparse GPs equal GPflow's, and their parts a dense computation."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from gpflow import kernels as gk
from gpflow.inducing_variables import (
    InducingPoints,
    Multiscale,
    SeparateIndependentInducingVariables,
    SharedIndependentInducingVariables,
)

from sklearn_mogpe.gps import (
    SparseGP,
    join_marginals,
    joint_moments,
    marginals,
    project,
    projection,
    q_moments,
)
from sklearn_mogpe.gps.covariances import CORRELATIONS

D = 2
X = np.random.default_rng(1).uniform(-2, 2, (15, D))


def inducing(M, seed=2):
    return InducingPoints(np.random.default_rng(seed).uniform(-2, 2, (M, D)))


def sparse_gp(kernel, variable, L=1, *, q_diag=False, mean_function=None, seed=0):
    """A sparse GP with a random q."""
    rng = np.random.default_rng(seed)
    M = int(variable.num_inducing)
    q_sqrt = rng.uniform(0.2, 1.0, (M, L)) if q_diag else np.tril(0.5 * rng.normal(size=(L, M, M)))
    return SparseGP(
        kernel,
        variable,
        num_latent_gps=L,
        mean_function=mean_function,
        q_diag=q_diag,
        q_mu=rng.normal(size=(M, L)),
        q_sqrt=q_sqrt,
    )


def svgp_prediction(gp):
    """Mean (L, N) and covariance (L, N, N) of GPflow's SVGP of the same parts."""
    svgp = gpflow.models.SVGP(
        gp.kernel,
        gpflow.likelihoods.Gaussian(),
        gp.inducing_variable,
        num_latent_gps=gp.num_latent_gps,
        mean_function=gp.mean_function,
        q_diag=gp.q_diag,
        q_mu=gp.q_mu.numpy(),
        q_sqrt=gp.q_sqrt.numpy(),
        whiten=True,
    )
    # GPflow maps over separate kernels, and AutoGraph would translate all that this calls: many seconds
    predict_f = tf.autograph.experimental.do_not_convert(svgp.predict_f)
    mean, covariance = predict_f(X, full_cov=True)
    return tf.transpose(mean), covariance


def assert_predicts(result, expected):
    """Compare marginals with mean and covariance."""
    mean, covariance = expected
    np.testing.assert_allclose(result.mean, mean, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(result.variance, tf.linalg.diag_part(covariance), rtol=1e-7, atol=1e-8)


def separate(*kernels):
    return gk.SeparateIndependent(list(kernels))


CASES = {
    "one": lambda: sparse_gp(gk.RBF(lengthscales=[0.7, 1.2]), inducing(6)),
    "shared kernel": lambda: sparse_gp(gk.Matern52(variance=2.0), inducing(6), 3),
    "separate kernels, shared Z": lambda: sparse_gp(
        separate(gk.RBF(variance=0.5), gk.RBF(lengthscales=[0.5, 2.0])),
        SharedIndependentInducingVariables(inducing(5)),
        2,
    ),
    "separate kernels and Z": lambda: sparse_gp(
        separate(gk.RBF(variance=0.5), gk.RBF(lengthscales=0.5)),
        SeparateIndependentInducingVariables([inducing(5), inducing(5, seed=3)]),
        2,
    ),
    "separate kernels of two classes": lambda: sparse_gp(
        separate(gk.Matern12(), gk.Matern32()), SharedIndependentInducingVariables(inducing(5)), 2
    ),
    "diagonal q": lambda: sparse_gp(gk.RBF(), inducing(6), 2, q_diag=True),
    "diagonal q, separate kernels": lambda: sparse_gp(
        separate(gk.RBF(), gk.RBF(0.3)), SharedIndependentInducingVariables(inducing(5)), 2, q_diag=True
    ),
    "constant mean": lambda: sparse_gp(
        gk.RBF(), inducing(6), 2, mean_function=gpflow.functions.Constant(np.array([3.0, -1.0]))
    ),
    "linear mean shared": lambda: sparse_gp(
        gk.RBF(), inducing(6), 2, mean_function=gpflow.functions.Linear(np.array([[1.0], [2.0]]), [0.5])
    ),
    "sum of kernels": lambda: sparse_gp(gk.RBF() + gk.Linear(), inducing(6), 2),
    "active columns": lambda: sparse_gp(gk.RBF(active_dims=[1]) * gk.Matern12(active_dims=[0]), inducing(6)),
    "white noise in the function": lambda: sparse_gp(gk.Matern32() + gk.White(0.3), inducing(6)),
    "periodic": lambda: sparse_gp(gk.Periodic(gk.RBF(lengthscales=0.7), period=1.5), inducing(6)),
    "not stationary": lambda: sparse_gp(gk.ArcCosine() + gk.Polynomial(), inducing(6)),
    "multiscale": lambda: sparse_gp(
        gk.RBF(lengthscales=[0.7, 1.2]), Multiscale(inducing(6).Z.numpy(), np.full((6, D), 0.4))
    ),
}


@pytest.fixture(scope="module")
def cases():
    """Each case's sparse GP and GPflow's prediction, by name."""
    gps = {name: make() for name, make in CASES.items()}
    return {name: (gp, svgp_prediction(gp)) for name, gp in gps.items()}


@pytest.mark.parametrize("name", CASES)
def test_one_gp_equals_svgp(name, cases):
    gp, expected = cases[name]
    (result,) = marginals([gp], tf.constant(X))
    assert_predicts(result, expected)


@pytest.mark.parametrize("name", CASES)
def test_joint_moments_equal_svgp(name, cases):
    gp, expected = cases[name]
    for own, theirs in zip(joint_moments(gp, tf.constant(X)), expected, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-7, atol=1e-8)


def test_gps_of_all_kinds_in_one_call_equal_svgp_in_order(cases):
    cases = [case for name, case in cases.items() if name != "linear mean shared"]
    results = marginals([gp for gp, _ in cases], tf.constant(X))
    assert len(results) == len(cases)
    for (_, expected), result in zip(cases, results, strict=True):
        assert_predicts(result, expected)


def test_one_column_of_prior_mean_is_shared_beside_other_gps(cases):
    gps, expected = zip(cases["linear mean shared"], cases["shared kernel"], strict=True)
    for result, prediction in zip(marginals(gps, tf.constant(X)), expected, strict=True):
        assert_predicts(result, prediction)


def test_projections_outlive_a_change_of_q():
    gps = [
        sparse_gp(gk.RBF(), inducing(4), 2),
        sparse_gp(gk.RBF(), inducing(6)),
        sparse_gp(gk.RBF(), inducing(4)),
    ]
    projections = project(gps, tf.constant(X))
    for gp in gps:
        gp.q_mu.assign(gp.q_mu + 1.0)
        gp.q_sqrt.assign(2.0 * gp.q_sqrt)
    results = join_marginals(gps, projections, [q_moments(projection) for projection in projections])
    for result, fresh in zip(results, marginals(gps, tf.constant(X)), strict=True):
        for part, same in zip(result, fresh, strict=True):
            np.testing.assert_allclose(part, same, rtol=1e-12)


def test_no_gps_have_no_marginals():
    assert marginals([], tf.constant(X)) == []


@pytest.mark.parametrize("jitter", [None, 1e-3])
def test_parts_of_the_variance_equal_a_dense_computation(jitter):
    variance, lengthscales, M = 1.7, np.array([0.8, 1.5]), 6
    gp = sparse_gp(gk.RBF(variance, lengthscales), inducing(M), mean_function=gpflow.functions.Constant(2.0))
    Z, m, root = gp.inducing_variable.Z.numpy(), gp.q_mu.numpy()[:, 0], gp.q_sqrt.numpy()[0]

    def k(a, b):
        return variance * np.exp(-0.5 * np.sum(((a[:, None] - b) / lengthscales) ** 2, axis=-1))

    factor = np.linalg.cholesky(k(Z, Z) + (1e-6 if jitter is None else jitter) * np.eye(M))
    A = np.linalg.solve(factor, k(Z, X))
    (result,) = marginals([gp], tf.constant(X), jitter)
    np.testing.assert_allclose(result.mean[0], 2.0 + A.T @ m, rtol=1e-9)
    np.testing.assert_allclose(result.projected_variance[0], np.diag(A.T @ root @ root.T @ A), rtol=1e-9)
    np.testing.assert_allclose(
        result.residual_variance[0], variance - np.sum(A**2, axis=0), rtol=1e-8, atol=1e-12
    )


def test_residual_variance_is_never_negative():
    """At the inducing inputs it is zero, but for jitter and rounding."""
    Z = inducing(40)
    gp = sparse_gp(gk.Matern12(), Z)
    (result,) = marginals([gp], tf.convert_to_tensor(Z.Z), jitter=0.0)
    assert np.all(result.residual_variance >= 0.0)
    np.testing.assert_allclose(result.residual_variance, 0.0, atol=1e-13)


def test_projection_moves_along_the_root_of_the_projected_variance():
    gp = sparse_gp(gk.RBF(), inducing(4), 2)
    (result,) = marginals([gp], tf.constant(X))
    points = np.array([-1.0, 0.0, 2.5]).reshape(3, 1, 1)
    values = result.project(tf.constant(points))
    expected = result.mean + points * np.sqrt(result.projected_variance)
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "factors"),
    [
        pytest.param(lambda: [sparse_gp(gk.RBF(), inducing(4), 3)], 1, id="shared"),
        pytest.param(lambda: [sparse_gp(gk.SharedIndependent(gk.RBF(), 3), inducing(4), 3)], 1, id="wrapped"),
        pytest.param(
            lambda: [sparse_gp(separate(gk.RBF(), gk.RBF()), inducing(4), 2)], 2, id="separate kernels"
        ),
        pytest.param(
            lambda: [sparse_gp(gk.RBF(), inducing(4), 3), sparse_gp(gk.RBF(), inducing(4), 2)],
            2,
            id="two gps",
        ),
    ],
)
def test_functions_with_one_kernel_and_inducing_variable_share_a_factor(make, factors, monkeypatch):
    counts = []

    def counting(kernels, variables, X):
        counts.append(len(kernels))
        return covariances(kernels, variables, X)

    covariances = projection.covariances
    monkeypatch.setattr(projection, "covariances", counting)
    marginals(make(), tf.constant(X))
    assert counts == [factors]


@pytest.mark.parametrize("kind", CORRELATIONS, ids=lambda kind: kind.__name__)
def test_gradients_are_finite_at_repeated_inducing_inputs_and_zero_variance(kind):
    Z = np.repeat(inducing(3).Z.numpy(), 2, axis=0)
    gp = SparseGP(kind(), Z, q_mu=np.ones((6, 1)), q_sqrt=np.zeros((1, 6, 6)))
    with tf.GradientTape() as tape:
        (result,) = marginals([gp], tf.constant(np.concatenate([Z, X])))
        total = tf.reduce_sum(result.project(tf.constant(1.0, tf.float64))) + tf.reduce_sum(result.variance)
    np.testing.assert_array_equal(result.projected_variance, 0.0)
    for gradient in tape.gradient(total, gp.trainable_variables):
        assert np.all(np.isfinite(gradient))


def test_gradients_equal_those_of_svgp():
    gp = CASES["one"]()
    svgp = gpflow.models.SVGP(
        gpflow.utilities.deepcopy(gp.kernel),
        gpflow.likelihoods.Gaussian(),
        gpflow.utilities.deepcopy(gp.inducing_variable),
        q_mu=gp.q_mu.numpy(),
        q_sqrt=gp.q_sqrt.numpy(),
        whiten=True,
    )
    weights = np.linspace(-1.0, 1.0, len(X))

    def gradients(parameters, predict):
        with tf.GradientTape() as tape:
            mean, variance = predict()
            total = tf.reduce_sum(weights * (mean + tf.square(variance)))
        return tape.gradient(total, [p.unconstrained_variable for p in parameters])

    def parameters(part):
        return [part.q_mu, part.q_sqrt, part.inducing_variable.Z, *part.kernel.parameters]

    def ours():
        (result,) = marginals([gp], tf.constant(X))
        return result.mean[0], result.variance[0]

    def theirs():
        mean, variance = svgp.predict_f(X)
        return mean[:, 0], variance[:, 0]

    for a, b in zip(gradients(parameters(gp), ours), gradients(parameters(svgp), theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
