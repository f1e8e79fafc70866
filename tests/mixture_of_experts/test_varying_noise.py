"""Noise that changes with x: against GPflow, quadrature, numerical integration and the constant case."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.integrate import quad
from scipy.special import logsumexp, ndtr
from scipy.stats import norm

from sklearn_mogpe.experts import Experts, SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import SparseGP, marginals
from sklearn_mogpe.mixture_of_experts import BOUNDS, MixtureOfExperts, MixtureOfSVGPExperts

M = 4
X = np.random.default_rng(5).uniform(-2, 2, (9, 1))
Y = np.random.default_rng(6).normal(size=(9, 2))


def random_root(rng, L):
    return np.tril(0.3 * rng.normal(size=(L, M, M)), -1) + rng.uniform(0.1, 0.6, (L, M, 1)) * np.eye(M)


def random_gp(rng, L, variance=None):
    kernel = gpflow.kernels.RBF(
        variance=variance or rng.uniform(0.5, 1.5), lengthscales=rng.uniform(0.5, 1.0)
    )
    start = {"q_mu": rng.normal(size=(M, L)), "q_sqrt": random_root(rng, L)}
    return SparseGP(kernel, rng.uniform(-2, 2, (M, 1)), num_latent_gps=L, **start)


def random_expert(rng, P, noise_gp):
    gp = random_gp(rng, P)
    return SVGPExpert(
        gp.kernel,
        gpflow.likelihoods.Gaussian(variance=rng.uniform(0.3, 0.9, P)),
        gp.inducing_variable,
        num_outputs=P,
        q_mu=gp.q_mu.numpy(),
        q_sqrt=gp.q_sqrt.numpy(),
        noise_gp=noise_gp,
    )


def make_mixture(K, P=1, *, varies=None, variance=None, seed=0, kind=MixtureOfSVGPExperts, **options):
    """K experts of P outputs, those of ``varies`` (None is all) with a noise that varies."""
    rng = np.random.default_rng(seed)
    gps = [random_gp(rng, P, variance) for _ in range(K)]
    varies = range(K) if varies is None else varies
    experts = [random_expert(rng, P, gps[k] if k in varies else None) for k in range(K)]
    gate = SVGPGatingNetwork(num_experts=1)
    if K > 1:
        gp = random_gp(rng, 1 if K == 2 else K)
        parts = {"q_mu": gp.q_mu.numpy(), "q_sqrt": gp.q_sqrt.numpy()}
        gate = SVGPGatingNetwork(gp.kernel, gp.inducing_variable, num_experts=K, **parts)
    experts = SVGPExperts(experts) if kind is MixtureOfSVGPExperts else Experts(experts)
    return kind(experts, gate, **options)


# The bound


def test_one_expert_has_the_bound_of_gpflows_heteroscedastic_gp():
    """At the same q, where the expectation over f and g is a product rule of GPflow's."""
    mixture = make_mixture(1, bound="further", num_samples=2**14)
    (expert,) = mixture.experts.experts
    expert.likelihood.variance.assign([1.0])
    # std = exp(g / 2)
    std = tfp.bijectors.Chain([tfp.bijectors.Exp(), tfp.bijectors.Scale(np.float64(0.5))])
    svgp = gpflow.models.SVGP(
        gpflow.kernels.SeparateIndependent([expert.gp.kernel, expert.noise_gp.kernel]),
        gpflow.likelihoods.HeteroskedasticTFPConditional(scale_transform=std),
        gpflow.inducing_variables.SeparateIndependentInducingVariables(
            [expert.gp.inducing_variable, expert.noise_gp.inducing_variable]
        ),
        num_latent_gps=2,
        q_mu=np.concatenate([gp.q_mu.numpy() for gp in expert.gps], 1),
        q_sqrt=np.concatenate([gp.q_sqrt.numpy() for gp in expert.gps]),
        whiten=True,
    )
    data = X, Y[:, :1]
    assert mixture.elbo(data).numpy() == pytest.approx(svgp.elbo(data).numpy(), rel=2e-3)


def by_quadrature(mixture, error=0.0, num_nodes=12):
    """The rows of ``further`` of two experts of one output, by a product rule over all five functions."""
    latents = mixture.latents(tf.constant(X))
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    grid = np.stack(np.meshgrid(*[nodes] * 5, indexing="ij"), -1).reshape(-1, 5)
    weights = np.prod(np.stack(np.meshgrid(*[weights / weights.sum()] * 5, indexing="ij"), -1), -1).ravel()

    def points(f, columns):  # (J, K, N)
        mean, std = np.reshape(f.mean, (-1, len(X))), np.sqrt(np.reshape(f.variance, (-1, len(X))))
        return mean + std * grid[:, columns, None]

    f, g, h = points(latents.experts, [0, 1]), points(latents.log_noise, [2, 3]), points(latents.gates, [4])
    variance = np.asarray(latents.noise_variance)[:, 0] * np.exp(g) + np.ravel(error) ** 2
    log_gate = np.log(np.concatenate([ndtr(h), ndtr(-h)], 1))
    rows = logsumexp(log_gate + norm(f, np.sqrt(variance)).logpdf(Y[:, 0]), axis=1)
    return weights @ rows


def test_two_experts_have_the_bound_of_quadrature():
    mixture = make_mixture(2, bound="further", num_samples=2**13)
    expected = np.sum(by_quadrature(mixture))
    bound = mixture.expected_log_lik(mixture.latents(tf.constant(X)), tf.constant(Y[:, :1])).numpy()
    assert bound == pytest.approx(expected, rel=2e-3)


def test_a_known_error_is_added_and_not_multiplied():
    mixture = make_mixture(2, bound="further", num_samples=2**13)
    error = np.random.default_rng(1).uniform(0.5, 1.5, (9, 1))
    rows = mixture.latents(tf.constant(X)), tf.constant(Y[:, :1]), None, tf.constant(error)
    expected = np.sum(by_quadrature(mixture, error))
    assert mixture.expected_log_lik(*rows).numpy() == pytest.approx(expected, rel=2e-3)
    assert abs(np.sum(by_quadrature(mixture)) / expected - 1.0) > 0.02


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize(("K", "P"), [(1, 2), (2, 1), (3, 2)])
def test_a_noise_function_without_variance_is_a_constant_noise(bound, K, P):
    options = {"bound": bound, "num_samples": 2048}
    varying = make_mixture(K, P, variance=1e-14, **options)
    constant = make_mixture(K, P, variance=1e-14, varies=(), **options)
    ours, expected = (
        model.expected_log_lik(model.latents(tf.constant(X)), tf.constant(Y[:, :P])).numpy()
        for model in (varying, constant)
    )
    assert ours == pytest.approx(expected, rel=1e-3)  # of other points, if there are several functions
    for one, other in zip(moments(varying), moments(constant), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def moments(model):
    y = model.predict_y(tf.constant(X))
    return y.mean(), y.variance(), model.predict_mixing_probs(tf.constant(X))


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_are_in_order_and_differentiable(bound):
    P = 1 if bound == "predictive" else 2  # of which the noises of several outputs are taken in step
    mixture = make_mixture(2, P, bound=bound, num_samples=64)
    data = X, Y[:, :P]
    parameters = mixture.trainable_variables
    with tf.GradientTape() as tape:
        value = mixture.elbo(data)
    for variable, gradient in zip(parameters, tape.gradient(value, parameters), strict=True):
        direction = np.random.default_rng(0).normal(size=variable.shape)
        before, step = variable.numpy(), 1e-5
        ends = []
        for sign in (1, -1):
            variable.assign(before + sign * step * direction)
            ends.append(mixture.elbo(data).numpy())
        variable.assign(before)
        slope = np.sum(direction * tf.convert_to_tensor(gradient))
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6)
    lower = {"predictive": "tight", "tight": "further_gating", "further_gating": "further"}.get(bound)
    if lower:
        other = make_mixture(2, P, bound=lower, num_samples=4096)
        mixture = make_mixture(2, P, bound=bound, num_samples=4096)
        assert mixture.elbo(data) > other.elbo(data)


@pytest.mark.parametrize(("K", "P", "varies"), [(1, 1, [0]), (2, 1, [0, 1]), (2, 2, []), (3, 2, [1])])
def test_predictive_is_the_log_density_of_the_components(K, P, varies):
    """Row by row, and of no sample points; the known error of a row is added to the variances of all."""
    mixture = make_mixture(K, P, varies=varies)
    latents, targets = mixture.latents(tf.constant(X)), Y[:, :P]
    weights, means, variances = (part.numpy() for part in mixture.predict_mixture(tf.constant(X)))
    assert weights.shape[1] == (7 * K if varies else K)
    for error in (np.zeros((9, P)), np.random.default_rng(1).uniform(0.5, 1.5, (9, P))):
        stds = np.sqrt(variances + error[:, None] ** 2)
        log_density = norm.logpdf(targets[:, None], means, stds).sum(axis=2)
        expected = logsumexp(np.log(weights) + log_density, axis=1)
        known = latents._replace(error_variance=tf.constant(error.T**2))
        np.testing.assert_allclose(
            BOUNDS["predictive"](known, tf.constant(targets), None), expected, rtol=1e-9
        )


def test_experts_in_another_order_are_the_same_mixture():
    mixture = make_mixture(2, varies=[1], bound="further", num_samples=2**13)
    (gate,) = mixture.gating_network.gps
    turned = MixtureOfSVGPExperts(
        SVGPExperts(mixture.experts.experts[::-1]),
        SVGPGatingNetwork(
            gate.kernel, gate.inducing_variable, q_mu=-gate.q_mu.numpy(), q_sqrt=gate.q_sqrt.numpy()
        ),
        bound="further",
        num_samples=2**13,
    )
    data = X, Y[:, :1]
    assert turned.elbo(data).numpy() == pytest.approx(mixture.elbo(data).numpy(), rel=2e-3)
    for one, other in zip(moments(turned)[:2], moments(mixture)[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_one_by_one_they_are_the_same_as_together():
    together = make_mixture(3, 2, varies=[0, 2])
    alone = make_mixture(3, 2, varies=[0, 2], kind=MixtureOfExperts)
    assert together.elbo((X, Y)).numpy() == pytest.approx(alone.elbo((X, Y)).numpy(), rel=1e-6)
    ours, theirs = together.predict_mixture(tf.constant(X)), alone.predict_mixture(tf.constant(X))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert ours[0].shape == (9, 21)


# Predictions


def integrated(mixture, k, n, y):
    """Density of expert k of one output at row n, integrated over its log noise."""
    latents = mixture.latents(tf.constant(X))
    mean, variance = (float(part[k, 0, n]) for part in (latents.experts.mean, latents.experts.variance))
    base, g = float(latents.noise_variance[k, 0, n]), latents.log_noise
    center, spread = float(g.mean[k, 0, n]), np.sqrt(float(g.variance[k, 0, n]))

    def density(z):
        return norm.pdf(z) * norm.pdf(y, mean, np.sqrt(variance + base * np.exp(center + spread * z)))

    return quad(density, -9, 9, epsabs=1e-14, epsrel=1e-10, limit=400)[0]


@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0, 5.0])
def test_densities_are_scale_mixtures_also_in_the_tails(distance):
    mixture = make_mixture(2)
    latents = mixture.latents(tf.constant(X))
    assert 0.3 < np.sqrt(np.max(latents.log_noise.variance)) < 1.2  # as uncertain as in a fit, or more
    y = mixture.predict_y(tf.constant(X))
    values = y.mean()[:, 0] + distance * np.sqrt(y.variance()[:, 0])
    log_density = y.log_prob(values[:, None])
    weights = mixture.predict_mixing_probs(tf.constant(X)).numpy()
    for n, value in enumerate(values.numpy()):
        expected = np.log(sum(weights[n, k] * integrated(mixture, k, n, value) for k in range(2)))
        assert log_density[n].numpy() == pytest.approx(expected, abs=0.005 if distance < 4 else 0.05)
    normals = mixture.predict_experts_dists(tf.constant(X))  # of the same moments, but with other tails
    np.testing.assert_allclose(
        np.sum(weights * normals.mean()[:, :, 0], 1), y.mean()[:, 0], rtol=1e-9, atol=1e-12
    )


def test_the_mean_variance_of_the_noise_is_that_of_a_log_normal():
    latents = make_mixture(2).latents(tf.constant(X))
    g = latents.log_noise
    np.testing.assert_allclose(
        latents.expected_noise(), latents.noise_variance * tf.exp(g.mean + 0.5 * g.variance), rtol=1e-3
    )


# Parts


def test_the_noise_functions_are_those_of_the_sparse_gp():
    mixture = make_mixture(2, 2, varies=[1])
    log_noise = mixture.latents(tf.constant(X)).log_noise
    (expected,) = marginals([mixture.experts.experts[1].noise_gp], tf.constant(X), mixture.jitter)
    for part, own in zip(log_noise, expected, strict=True):
        np.testing.assert_allclose(part[1], own, rtol=1e-9)
        np.testing.assert_array_equal(part[0], 0.0)


def test_descriptions_go_there_and_back():
    mixture = make_mixture(2, 2, varies=[0])
    again = MixtureOfSVGPExperts.from_config(mixture.get_config())
    assert again.get_config() == mixture.get_config()
    np.testing.assert_allclose(again.elbo((X, Y)), mixture.elbo((X, Y)), rtol=1e-12)
    assert [expert.noise_varies for expert in again.experts.experts] == [True, False]


def test_a_noise_gp_has_a_function_for_each_output():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="noise_gp with num_latent_gps=2, a function for each output, got 1"):
        random_expert(rng, 2, random_gp(rng, 1))


def test_kl_counts_the_noise_functions():
    mixture = make_mixture(2, 2)
    expected = sum(gp.prior_kl() for gp in mixture.gps)
    assert mixture.prior_kl().numpy() == pytest.approx(expected.numpy(), rel=1e-12)
    assert len(mixture.gps) == 5
    total = mixture.experts.prior_kl() + mixture.gating_network.prior_kl()
    assert total.numpy() == pytest.approx(expected.numpy(), rel=1e-12)
