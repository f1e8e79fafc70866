"""Random mixtures of sparse GP experts and data for them."""

import gpflow
import numpy as np
import pytest

from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.mixture_of_experts import MixtureOfSVGPExperts

M = 4  # inducing points
N = 12  # rows


def random_root(rng, L):
    """Cholesky factors (L, M, M), with positive diagonals as GPflow's natural gradients need them."""
    return np.tril(0.3 * rng.normal(size=(L, M, M)), -1) + rng.uniform(0.1, 0.6, (L, M, 1)) * np.eye(M)


def random_expert(rng, P):
    return SVGPExpert(
        gpflow.kernels.RBF(variance=rng.uniform(0.5, 1.5), lengthscales=rng.uniform(0.5, 1.0)),
        gpflow.likelihoods.Gaussian(variance=rng.uniform(0.05, 0.3, P)),
        rng.uniform(-2, 2, (M, 1)),
        num_outputs=P,
        q_mu=rng.normal(size=(M, P)),
        q_sqrt=random_root(rng, P),
    )


def random_gate(rng, K):
    if K == 1:
        return SVGPGatingNetwork(num_experts=1)
    H = 1 if K == 2 else K
    return SVGPGatingNetwork(
        gpflow.kernels.RBF(variance=rng.uniform(0.5, 1.5)),
        rng.uniform(-2, 2, (M, 1)),
        num_experts=K,
        q_mu=rng.normal(size=(M, H)),
        q_sqrt=random_root(rng, H),
    )


@pytest.fixture(scope="session")
def make_mixture():
    """Build a mixture of K experts with P outputs; further arguments go to the mixture."""

    def make(K=2, P=1, *, seed=0, kind=MixtureOfSVGPExperts, **kwargs):
        rng = np.random.default_rng(seed)
        experts = SVGPExperts([random_expert(rng, P) for _ in range(K)])
        return kind(experts, random_gate(rng, K), **kwargs)

    return make


@pytest.fixture(scope="session")
def make_data():
    """Draw X (N, 1) and Y (N, P)."""

    def make(P=1, num_rows=N, seed=0):
        rng = np.random.default_rng(seed)
        return rng.uniform(-2, 2, (num_rows, 1)), rng.normal(size=(num_rows, P))

    return make
