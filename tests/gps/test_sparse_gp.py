"""A sparse GP's parts, its KL divergence and what it refuses."""

import gpflow
import numpy as np
import pytest
from gpflow.inducing_variables import InducingPoints, SeparateIndependentInducingVariables
from gpflow.kernels import RBF, LinearCoregionalization, SeparateIndependent, SharedIndependent

from sklearn_mogpe.gps import SparseGP

RNG = np.random.default_rng(0)
M, L = 5, 3
Z = RNG.normal(size=(M, 2))
Q_MU = RNG.normal(size=(M, L))
Q_SQRT = np.tril(RNG.normal(size=(L, M, M))) + 2.0 * np.eye(M)
Q_DIAG = RNG.uniform(0.2, 2.0, (M, L))


def test_kl_of_full_covariances():
    gp = SparseGP(RBF(), Z, num_latent_gps=L, q_mu=Q_MU, q_sqrt=Q_SQRT)
    S = Q_SQRT @ Q_SQRT.transpose(0, 2, 1)
    traces = np.trace(S, axis1=1, axis2=2).sum()
    expected = 0.5 * (traces + np.sum(Q_MU**2) - L * M - np.linalg.slogdet(S)[1].sum())
    assert gp.prior_kl().numpy() == pytest.approx(expected, rel=1e-12)


def test_kl_of_diagonal_covariances():
    gp = SparseGP(RBF(), Z, num_latent_gps=L, q_diag=True, q_mu=Q_MU, q_sqrt=Q_DIAG)
    expected = 0.5 * np.sum(Q_DIAG**2 + Q_MU**2 - 1.0 - np.log(Q_DIAG**2))
    assert gp.prior_kl().numpy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("q_diag", "q_sqrt"), [(False, Q_SQRT), (True, Q_DIAG)])
def test_kl_equals_that_of_svgp(q_diag, q_sqrt):
    parts = {"num_latent_gps": L, "q_diag": q_diag, "q_mu": Q_MU, "q_sqrt": q_sqrt}
    svgp = gpflow.models.SVGP(RBF(), gpflow.likelihoods.Gaussian(), Z, whiten=True, **parts)
    assert SparseGP(RBF(), Z, **parts).prior_kl().numpy() == pytest.approx(svgp.prior_kl().numpy(), rel=1e-12)


@pytest.mark.parametrize("q_diag", [False, True])
def test_q_starts_as_the_prior(q_diag):
    gp = SparseGP(RBF(), Z, num_latent_gps=L, q_diag=q_diag)
    assert gp.prior_kl().numpy() == pytest.approx(0.0, abs=1e-12)


def test_latents_of_shared_parts_are_one_pair_repeated():
    for kernel in (RBF(), SharedIndependent(RBF(), output_dim=L)):
        gp = SparseGP(kernel, Z, num_latent_gps=L)
        assert len(gp.latents) == L
        assert len({(id(k), id(z)) for k, z in gp.latents}) == 1


def test_latents_of_separate_parts_are_those_given_in_order():
    kernels = [RBF(), RBF(), RBF()]
    variables = [InducingPoints(Z + shift) for shift in range(L)]
    gp = SparseGP(
        SeparateIndependent(kernels), SeparateIndependentInducingVariables(variables), num_latent_gps=L
    )
    for (kernel, variable), k, z in zip(gp.latents, kernels, variables, strict=True):
        assert kernel is k
        assert variable is z


def test_everything_is_trainable_once():
    kernel = SeparateIndependent([RBF(), RBF()])
    names = gpflow.utilities.parameter_dict(SparseGP(kernel, Z, num_latent_gps=2))
    assert set(names) == {
        ".kernel.kernels[0].variance",
        ".kernel.kernels[0].lengthscales",
        ".kernel.kernels[1].variance",
        ".kernel.kernels[1].lengthscales",
        ".inducing_variable.Z",
        ".q_mu",
        ".q_sqrt",
    }


def test_wrong_number_of_kernels_is_refused():
    kernel = SeparateIndependent([RBF(), RBF()])
    with pytest.raises(ValueError, match="1 or 3 kernels, one per latent GP, got 2"):
        SparseGP(kernel, Z, num_latent_gps=3)


def test_wrong_number_of_inducing_variables_is_refused():
    variable = SeparateIndependentInducingVariables([InducingPoints(Z), InducingPoints(Z)])
    with pytest.raises(ValueError, match="1 or 3 inducing variables, one per latent GP, got 2"):
        SparseGP(RBF(), variable, num_latent_gps=3)


def test_kernels_that_mix_latent_functions_are_refused():
    kernel = LinearCoregionalization([RBF(), RBF()], W=np.ones((2, 2)))
    with pytest.raises(ValueError, match="got LinearCoregionalization, which mixes them"):
        SparseGP(kernel, Z, num_latent_gps=2)


def test_inducing_variables_of_different_size_are_refused():
    variable = SeparateIndependentInducingVariables([InducingPoints(Z), InducingPoints(Z[:3])])
    with pytest.raises(ValueError, match=r"equally many inducing points for each latent GP, got \[3, 5\]"):
        SparseGP(RBF(), variable, num_latent_gps=2)
