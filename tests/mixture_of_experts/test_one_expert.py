"""A single expert: the bounds in closed form, GPflow's SVGP, and an expert of one's own."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal, norm

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.experts import ExpertBase, Experts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals
from sklearn_mogpe.metrics import neg_nlpd, nlpd
from sklearn_mogpe.mixture_of_experts import MixtureOfExperts
from sklearn_mogpe.training.starts.divisions import spread_points


def svgp_of(mixture):
    """GPflow's SVGP with the values of a mixture's only expert, and no parameter in common."""
    (expert,) = mixture.experts.experts
    gp = expert.gp
    return gpflow.models.SVGP(
        gpflow.utilities.deepcopy(gp.kernel),
        gpflow.utilities.deepcopy(expert.likelihood),
        gpflow.utilities.deepcopy(gp.inducing_variable),
        num_latent_gps=expert.num_outputs,
        q_mu=gp.q_mu.numpy(),
        q_sqrt=gp.q_sqrt.numpy(),
        whiten=True,
        num_data=mixture.num_data,
    )


def parameters(kernel, likelihood, gp):
    parts = [*kernel.parameters, *likelihood.parameters, gp.inducing_variable.Z, gp.q_mu, gp.q_sqrt]
    return [part.unconstrained_variable for part in parts]


def value_and_gradients(objective, variables):
    with tf.GradientTape() as tape:
        value = objective()
    return value.numpy(), tape.gradient(value, variables)


@pytest.mark.parametrize(("P", "num_data"), [(1, None), (2, None), (1, 100)])
def test_further_is_the_bound_of_svgp(make_mixture, make_data, P, num_data):
    data = make_data(P)
    ours = make_mixture(1, P, bound="further", num_data=num_data, num_samples=2)
    theirs, (expert,) = svgp_of(ours), ours.experts.experts
    value, gradients = value_and_gradients(
        lambda: ours.elbo(data), parameters(expert.gp.kernel, expert.likelihood, expert.gp)
    )
    expected, expected_gradients = value_and_gradients(
        lambda: theirs.elbo(data), parameters(theirs.kernel, theirs.likelihood, theirs)
    )
    assert len(gradients) == len(ours.trainable_variables)
    assert value == pytest.approx(expected, rel=1e-9)
    for gradient, same in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, same, rtol=1e-7, atol=1e-8)


def test_further_is_the_bound_of_svgp_on_a_batch_of_tensors(make_mixture, make_data):
    X, Y = make_data(num_rows=5)
    mixture = make_mixture(1, bound="further", num_data=20)
    ours = mixture.elbo((tf.constant(X), tf.constant(Y))).numpy()
    assert ours == pytest.approx(svgp_of(mixture).elbo((X, Y)).numpy(), rel=1e-9)


@pytest.mark.parametrize("bound", ["tight", "further_gating"])
@pytest.mark.parametrize("num_samples", [2, 32])
def test_tight_in_closed_form(make_mixture, make_data, bound, num_samples):
    """sum_n log N(y; mu, r + noise) - s / (2 (r + noise)) - KL, by as few as two points."""
    X, Y = make_data(2)
    mixture = make_mixture(1, 2, bound=bound, num_samples=num_samples)
    f, noise, *_ = mixture.latents(tf.constant(X))
    variance = (f.residual_variance + noise).numpy()
    rows = norm.logpdf(Y.T, f.mean, np.sqrt(variance)) - f.projected_variance / (2 * variance)
    expected = np.sum(rows) - mixture.prior_kl().numpy()
    assert mixture.elbo((X, Y)).numpy() == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("P", "num_data"), [(1, None), (2, None), (1, 100)])
def test_predictive_is_the_log_density_of_svgp(make_mixture, make_data, P, num_data):
    """sum_n log N(y; mu, s + r + noise) - KL, of GPflow's predictions (Jankowiak and others 2020)."""
    X, Y = make_data(P)
    ours = make_mixture(1, P, bound="predictive", num_data=num_data, num_samples=2)
    theirs, (expert,) = svgp_of(ours), ours.experts.experts

    def objective():
        mean, variance = theirs.predict_f(X)
        variance += theirs.likelihood.variance
        rows = -0.5 * (np.log(2 * np.pi) + tf.math.log(variance) + (Y - mean) ** 2 / variance)
        return tf.reduce_sum(rows) * (num_data or len(X)) / len(X) - theirs.prior_kl()

    value, gradients = value_and_gradients(
        lambda: ours.elbo((X, Y)), parameters(expert.gp.kernel, expert.likelihood, expert.gp)
    )
    expected, expected_gradients = value_and_gradients(
        objective, parameters(theirs.kernel, theirs.likelihood, theirs)
    )
    assert value == pytest.approx(expected, rel=1e-9)
    assert value > make_mixture(1, P, bound="tight", num_data=num_data).elbo((X, Y)).numpy() + 0.1
    for gradient, same in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, same, rtol=1e-7, atol=1e-8)


class LinearExpert(ExpertBase):
    """Bayesian linear regression: weights ~ N(0, I), their posterior in closed form."""

    num_outputs = 1

    def __init__(self, X, Y, noise):
        super().__init__()
        covariance = np.linalg.inv(np.eye(X.shape[1]) + X.T @ X / noise)
        self.noise = noise
        self.mean = covariance @ X.T @ Y / noise
        self.root = np.linalg.cholesky(covariance)

    def marginals(self, X):
        variance = tf.reduce_sum(tf.square(tf.matmul(X, self.root)), 1)[None]
        return Marginals(tf.transpose(tf.matmul(X, self.mean)), variance, tf.zeros_like(variance))

    def noise_variance(self, X):
        return tf.fill([1, tf.shape(X)[0]], tf.constant(self.noise, X.dtype))

    def prior_kl(self):
        return gpflow.kullback_leiblers.gauss_kl(self.mean, self.root[None])


def linear_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 3))
    return X, X @ [[1.0], [-2.0], [0.5]] + 0.5 * rng.normal(size=(9, 1))


@pytest.mark.parametrize("bound", ["further", "tight"])
def test_bound_at_the_exact_posterior_is_the_marginal_likelihood(bound):
    """Its parameters say all of the function, so that nothing is left open and the bounds are one."""
    (X, Y), noise = linear_data(), 0.3
    gate = SVGPGatingNetwork(num_experts=1)
    mixture = MixtureOfExperts(Experts([LinearExpert(X, Y, noise)]), gate, bound=bound, num_samples=4)
    evidence = multivariate_normal(np.zeros(9), X @ X.T + noise * np.eye(9)).logpdf(Y[:, 0])
    assert mixture.elbo((X, Y)).numpy() == pytest.approx(evidence, rel=1e-11)


def test_experts_of_different_kinds_mix(make_mixture):
    """A linear expert beside a sparse GP under a gate: the density is that of the parts."""
    X, Y = linear_data()
    column = X[:, :1]
    parts = make_mixture(2)
    line, gp = LinearExpert(column, Y, 0.3), parts.experts.experts[1]
    mixture = MixtureOfExperts(Experts([line, gp]), parts.gating_network)
    weights = parts.predict_mixing_probs(column).numpy()
    densities = []
    for expert in (line, gp):
        f = expert.marginals(column)
        std = np.sqrt(f.variance + expert.noise_variance(column))
        densities.append(norm(f.mean[0], std[0]).pdf(Y[:, 0]))
    expected = np.log(weights[:, 0] * densities[0] + weights[:, 1] * densities[1])
    np.testing.assert_allclose(mixture.predict_y(column).log_prob(Y), expected, rtol=1e-9)
    assert mixture.elbo((column, Y)) < np.sum(expected)
    of_line, of_gp, of_gate = mixture.inducing_inputs  # the line has none
    assert of_line.shape == (0, 1)
    np.testing.assert_array_equal(of_gp, gp.gp.inducing_variable.Z)
    np.testing.assert_array_equal(of_gate, parts.gating_network.gps[0].inducing_variable.Z)


def waves(num_rows, num_test, D):
    """Standardised rows of a smooth function, in the order in which the estimator takes them."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (num_rows + num_test, D))
    f = np.sin(2 * X[:, 0]) + 0.5 * np.cos(2 * X[:, 1]) + 0.5 * np.sin(X[:, 0] * X[:, -1])
    rows = np.column_stack([X, f + 0.1 * rng.standard_normal(len(X))])
    train, test = rows[:num_rows], rows[num_rows:]
    mean, std = train.mean(0), train.std(0)
    train, test = np.unique((train - mean) / std, axis=0), (test - mean) / std
    return train[:, :-1], train[:, -1], test[:, :-1], test[:, -1]


def converged_svgp(X, Y, Z):
    """GPflow's SVGP with all parameters at an optimum: q by its closed form, L-BFGS for the others."""
    kernel = gpflow.kernels.SquaredExponential(lengthscales=np.ones(X.shape[1]))
    collapsed = gpflow.models.SGPR((X, Y), kernel, Z, noise_variance=0.1)
    options = {"maxiter": 5000, "maxfun": 10_000}
    result = gpflow.optimizers.Scipy().minimize(
        collapsed.training_loss, collapsed.trainable_variables, options=options
    )
    assert result.success
    svgp = gpflow.models.SVGP(kernel, collapsed.likelihood, collapsed.inducing_variable)
    exact = gpflow.optimizers.NaturalGradient(1.0)
    exact.minimize(svgp.training_loss_closure((X, Y)), [(svgp.q_mu, svgp.q_sqrt)])
    assert svgp.elbo((X, Y)).numpy() == pytest.approx(collapsed.elbo().numpy(), rel=1e-6)
    return svgp


@pytest.mark.slow
@pytest.mark.parametrize(("D", "num_rows", "M"), [(2, 600, 40), (3, 500, 60)])
def test_the_estimator_reaches_what_a_converged_svgp_reaches(D, num_rows, M):
    """From the same inducing inputs, as they are found among the rows; its bound without its priors."""
    X, y, X_test, y_test = waves(num_rows, 500, D)
    svgp = converged_svgp(X, y[:, None], X[spread_points(X, M)])
    ours = MoGPERegressor(1, bound="further", n_inducing=M, random_state=0).fit(X, y)
    assert ours.lower_bound_ / num_rows >= svgp.elbo((X, y[:, None])).numpy() / num_rows - 0.005
    mean, variance = (part.numpy() for part in svgp.predict_y(X_test))
    theirs = nlpd(y_test, np.ones_like(mean), mean, np.sqrt(variance))
    assert -neg_nlpd(ours, X_test, y_test) == pytest.approx(theirs, abs=0.03)
