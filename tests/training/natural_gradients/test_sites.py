"""Sites and their natural gradient steps against the exact posterior and against GPflow's own."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.mixture_of_experts import MixtureOfSVGPExperts
from sklearn_mogpe.training.natural_gradients.sites import Sites, assign_q, prior_sites, site_step, sites_of_q

RNG = np.random.default_rng(1)
X = np.sort(RNG.uniform(-2, 2, (30, 1)), axis=0)
Y = np.sin(2 * X) + 0.2 * RNG.standard_normal((30, 1))
Z = np.linspace(-2, 2, 8)[:, None]


def make_mixture(n_experts, bound="further", sizes=None):
    """A mixture whose experts, and then its gate, have as many of the inducing points as ``sizes`` says."""
    *sizes, gate_size = sizes or (8,) * (n_experts + 1)
    experts = [
        SVGPExpert(
            gpflow.kernels.RBF(lengthscales=0.5 + 0.3 * k),
            gpflow.likelihoods.Gaussian(0.1 + 0.1 * k),
            Z[:size],
            mean_function=gpflow.functions.Constant(0.1 * k),
        )
        for k, size in enumerate(sizes)
    ]
    gate = SVGPGatingNetwork(gpflow.kernels.RBF(), Z[:gate_size], num_experts=n_experts)
    return MixtureOfSVGPExperts(SVGPExperts(experts), gate, bound=bound)


def objective_of(mixture):
    return lambda latents: mixture.expected_log_lik(latents, tf.constant(Y))


def step(mixture, sites, step_size):
    """One step of the sites; the model gets their q."""
    _, _, sites = site_step(mixture, tf.constant(X), sites, objective_of(mixture), [], step_size)
    assign_q(mixture, tf.constant(X), sites)
    return sites


def test_a_whole_step_of_one_expert_reaches_the_collapsed_bound():
    mixture = make_mixture(1)
    step(mixture, prior_sites(mixture, tf.constant(X)), 1.0)
    expert = mixture.experts.experts[0]
    sgpr = gpflow.models.SGPR((X, Y), expert.gp.kernel, Z, noise_variance=0.1)
    np.testing.assert_allclose(mixture.elbo((X, Y)), sgpr.elbo(), rtol=1e-9)


def test_derivatives_of_one_expert_are_those_of_the_collapsed_bound():
    mixture = make_mixture(1)
    expert = mixture.experts.experts[0]
    variables = [
        p.unconstrained_variable for p in (*expert.gp.kernel.parameters, expert.gp.inducing_variable.Z)
    ]
    sites = step(mixture, prior_sites(mixture, tf.constant(X)), 1.0)
    _, gradients, _ = site_step(mixture, tf.constant(X), sites, objective_of(mixture), variables, 1.0)
    with tf.GradientTape() as tape:
        sgpr = gpflow.models.SGPR((X, Y), expert.gp.kernel, expert.gp.inducing_variable, noise_variance=0.1)
        value = sgpr.elbo()
    for ours, theirs in zip(gradients, tape.gradient(value, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_part_of_a_step_equals_gpflows_natural_gradient():
    mixture = make_mixture(1)
    expert = mixture.experts.experts[0]
    svgp = gpflow.models.SVGP(expert.gp.kernel, expert.likelihood, Z, whiten=True)
    q = [(svgp.q_mu, svgp.q_sqrt)]
    sites = prior_sites(mixture, tf.constant(X))
    for _ in range(2):
        sites = step(mixture, sites, 0.3)
        gpflow.optimizers.NaturalGradient(gamma=0.3).minimize(lambda: -svgp.elbo((X, Y)), q)
    np.testing.assert_allclose(expert.gp.q_mu, svgp.q_mu, rtol=1e-7, atol=1e-10)
    covariance = [r.numpy()[0] @ r.numpy()[0].T for r in (expert.gp.q_sqrt, svgp.q_sqrt)]
    np.testing.assert_allclose(*covariance, rtol=1e-7, atol=1e-10)


# By numbers, GPs go through the algebra in another order than in the model.
SIZES = [(1, None), (2, None), (3, None), (2, (3, 8, 3)), (3, (5, 8, 3, 5))]


@pytest.mark.parametrize(("n_experts", "sizes"), SIZES)
def test_the_bound_by_sites_is_that_of_their_q(n_experts, sizes):
    mixture = make_mixture(n_experts, "tight", sizes)
    number = sum(gp.num_latent_gps for gp in mixture.gps)
    sites = Sites(
        tf.constant(RNG.standard_normal((number, len(X)))), tf.constant(RNG.uniform(0, 2, (number, len(X))))
    )
    value, _, _ = site_step(mixture, tf.constant(X), sites, objective_of(mixture), [], 1.0)
    assert assign_q(mixture, tf.constant(X), sites)
    np.testing.assert_allclose(value, mixture.elbo((X, Y)), rtol=1e-9)


@pytest.mark.parametrize(("n_experts", "sizes"), SIZES[1:])
@pytest.mark.parametrize("bound", ["tight", "further"])
def test_steps_raise_the_bound_of_a_mixture_and_end_where_its_gradient_vanishes(n_experts, bound, sizes):
    mixture = make_mixture(n_experts, bound, sizes)
    for expert, shift in zip(mixture.experts.experts, (-0.5, 0.5, 0.0), strict=False):
        expert.gp.q_mu.assign(tf.fill(expert.gp.q_mu.shape, tf.constant(shift, tf.float64)))  # no symmetry
    before = float(mixture.elbo((X, Y)))
    sites = sites_of_q(mixture, tf.constant(X), objective_of(mixture))
    compiled_step = tf.function(lambda sites: step(mixture, sites, 0.2), autograph=False)
    for _ in range(200):
        sites = compiled_step(sites)
    variables = [v for gp in mixture.gps for v in (gp.q_mu.unconstrained_variable,)]
    with tf.GradientTape() as tape:
        bound_value = mixture.elbo((X, Y))
    assert float(bound_value) > before
    gradients = tape.gradient(bound_value, variables)
    assert max(float(tf.reduce_max(tf.abs(g))) for g in gradients) < 1e-3
    # At the optimum, q says which sites it has: they lead to the same q.
    old = [gp.q_mu.numpy() for gp in mixture.gps]
    assign_q(mixture, tf.constant(X), sites_of_q(mixture, tf.constant(X), objective_of(mixture)))
    for gp, q_mu in zip(mixture.gps, old, strict=True):
        np.testing.assert_allclose(gp.q_mu, q_mu, atol=1e-3)


def test_sites_of_the_log_density_of_one_expert_in_closed_form():
    """Those of a normal log likelihood log N(y; g, s + r + noise) of g, however far off a row is."""
    mixture = make_mixture(1, "predictive")
    x, y, weight = tf.constant(X), Y.copy(), RNG.uniform(0.5, 3.0, len(X))
    y[::7] += 5.0

    def objective(latents):
        return mixture.expected_log_lik(latents, tf.constant(y), tf.constant(weight))

    sites = Sites(tf.constant(RNG.normal(size=(1, len(X)))), tf.constant(RNG.uniform(0, 2, (1, len(X)))))
    assert assign_q(mixture, x, sites)
    f = mixture.latents(x)
    variance = (f.experts.variance + f.noise_variance).numpy()[0]
    for moved in (
        site_step(mixture, x, sites, objective, [], 1.0, tf.constant(weight))[2],
        sites_of_q(mixture, x, objective, tf.constant(weight)),
    ):
        np.testing.assert_allclose(moved.precision, weight / variance, rtol=1e-7)
        np.testing.assert_allclose(moved.linear, weight * y[:, 0] / variance, rtol=1e-6, atol=1e-8)
    without = site_step(mixture, x, sites, objective, [], 1.0)[2]
    assert np.any(without.precision == 0.0)  # of rows far off


def test_steps_for_the_log_density_end_where_its_derivatives_by_the_means_vanish():
    mixture = make_mixture(2, "predictive")
    for expert, shift in zip(mixture.experts.experts, (-0.5, 0.5), strict=True):
        expert.gp.q_mu.assign(tf.fill(expert.gp.q_mu.shape, tf.constant(shift, tf.float64)))
    x, weight = tf.constant(X), tf.ones(len(X), tf.float64)
    before = float(mixture.elbo((X, Y)))
    sites = sites_of_q(mixture, x, objective_of(mixture), weight)
    compiled_step = tf.function(
        lambda sites: site_step(mixture, x, sites, objective_of(mixture), [], 0.3, weight)[2], autograph=False
    )
    for _ in range(200):
        sites = compiled_step(sites)
    assert assign_q(mixture, x, sites)
    variables = [gp.q_mu.unconstrained_variable for gp in mixture.gps]
    with tf.GradientTape() as tape:
        value = mixture.elbo((X, Y))
    assert float(value) > before
    assert max(float(tf.reduce_max(tf.abs(g))) for g in tape.gradient(value, variables)) < 1e-3


def test_q_stays_where_sites_are_not_finite():
    mixture = make_mixture(2)
    before = [gp.q_mu.numpy().copy() for gp in mixture.gps]
    linear, precision = prior_sites(mixture, tf.constant(X))
    assert not assign_q(mixture, tf.constant(X), Sites(linear + np.nan, precision))
    for gp, old in zip(mixture.gps, before, strict=True):
        np.testing.assert_array_equal(gp.q_mu, old)


@pytest.mark.parametrize("sizes", [(8, 8, 8), (3, 8, 3)])
def test_derivatives_by_hyperparameters_are_those_of_the_bound(sizes):
    mixture = make_mixture(2, "tight", sizes)
    variables = [p.unconstrained_variable for gp in mixture.gps for p in gp.kernel.parameters]
    sites = Sites(tf.constant(RNG.standard_normal((3, len(X)))), tf.constant(RNG.uniform(0, 2, (3, len(X)))))
    value, gradients, _ = site_step(mixture, tf.constant(X), sites, objective_of(mixture), variables, 1.0)

    def bound(shift):
        for variable in variables:
            variable.assign_add(shift)
        assign_q(mixture, tf.constant(X), sites)
        result = float(mixture.elbo((X, Y)))
        for variable in variables:
            variable.assign_sub(shift)
        return result

    # The sum of the derivatives, by central differences of the bound under the q that goes with the sites.
    difference = (bound(1e-5) - bound(-1e-5)) / 2e-5
    np.testing.assert_allclose(sum(float(tf.reduce_sum(g)) for g in gradients), difference, rtol=1e-5)
    np.testing.assert_allclose(value, bound(0.0), rtol=1e-9)
