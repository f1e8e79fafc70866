"""Marginals, joint covariances and KL divergences of sparse GPs, against numbers of 50 digits."""

import numpy as np
import pytest

from sklearn_mogpe.gps import joint_moments

from .exact import difference, relative_error

CASES = {
    "two experts": {"K": 2, "D": 2},
    "two experts whose noise varies": {"K": 2, "noise": "varying"},
    "three experts": {"K": 3},
    "three experts whose noise varies": {"K": 3, "noise": "varying", "D": 2},
    "matern12": {"K": 2, "kernel": "matern12"},
    "matern12 of two features": {"K": 2, "kernel": "matern12", "D": 2},
    "matern32": {"K": 2, "kernel": "matern32", "D": 2},
    "matern52": {"K": 2, "kernel": "matern52", "D": 2},
    "much jitter": {"K": 2, "change": lambda values: values.update({".jitter": np.array(0.1)})},
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def case(request, make_case):
    return make_case(**request.param)


def parts_of(latents):
    """Mean, projected, residual and whole variance of the functions of experts, gate and noise."""
    found = (latents.experts, latents.gates, latents.log_noise)
    return [part for marginals in found if marginals for part in (*marginals, marginals.variance)]


@pytest.mark.parametrize("known", [False, True], ids=["by solving", "by the inverse"])
def test_marginals(case, known):
    """As training has them, and as predictions do, which keep the inverse factor of K_uu."""
    X = case.tensors[0]
    found = case.model.latents(X, case.model.posteriors(X) if known else None)
    for own, expected in zip(parts_of(found), parts_of(case.latents), strict=True):
        assert relative_error(np.reshape(own, expected.shape), expected) < 1e-8


def test_joint_covariance(case):
    for expert, exact_gp in zip(case.model.experts.experts, case.exact_model.experts, strict=True):
        mean, covariance = joint_moments(expert.gp, case.tensors[0], case.model.jitter)
        expected = exact_gp.joint_covariance(case.rows[0], case.values[".jitter"])
        assert relative_error(mean, exact_gp.marginals(case.rows[0], case.values[".jitter"]).mean) < 1e-8
        # rows far from each other are nearly independent: their covariance is a difference of larger numbers
        assert np.max(abs(difference(covariance, expected))) < 1e-8 * exact_gp.variance


def test_divergences_from_the_prior(case):
    experts, exact_experts = case.model.experts.experts, case.exact_model.experts
    for k, (expert, process) in enumerate(zip(experts, exact_experts, strict=True)):
        noise = case.exact_model.noises[k].prior_kl() if expert.noise_varies else 0
        assert relative_error(expert.prior_kl(), process.prior_kl() + noise) < 1e-8
    assert relative_error(case.model.gating_network.prior_kl(), case.exact_model.gate.prior_kl()) < 1e-8
    assert relative_error(case.model.prior_kl(), case.exact_model.prior_kl()) < 1e-8
