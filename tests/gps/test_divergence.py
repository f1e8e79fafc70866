"""KL terms together are the KL terms one by one."""

import gpflow
import numpy as np

from sklearn_mogpe.gps import SparseGP, prior_kl


def sparse_gp(M, L, *, q_diag=False):
    rng = np.random.default_rng(M + L)
    q_sqrt = rng.uniform(0.2, 1.0, (M, L)) if q_diag else np.tril(rng.normal(size=(L, M, M)))
    return SparseGP(
        gpflow.kernels.RBF(),
        rng.normal(size=(M, 1)),
        num_latent_gps=L,
        q_diag=q_diag,
        q_mu=rng.normal(size=(M, L)),
        q_sqrt=q_sqrt,
    )


def test_sum_over_gps_of_all_kinds():
    gps = [sparse_gp(4, 1), sparse_gp(4, 3), sparse_gp(6, 2), sparse_gp(4, 2, q_diag=True)]
    np.testing.assert_allclose(prior_kl(gps), sum(gp.prior_kl() for gp in gps), rtol=1e-12)


def test_none_is_zero():
    assert prior_kl([]) == 0.0
