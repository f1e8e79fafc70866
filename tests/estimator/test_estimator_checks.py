"""scikit-learn's own checks, all of them, of the defaults and of other settings."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mogpe import MoGPERegressor

# Quick, since it is the ways through the code that differ.
QUICK = {"n_inducing": 30, "n_samples": 8, "init_params": "kmeans", "max_iter": 30}

VARIANTS = [
    MoGPERegressor(3, normalize_y=False, bound="tight", solver="adam", learning_rate=0.05, **QUICK),
]


@parametrize_with_checks([MoGPERegressor()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(VARIANTS)
def test_scikit_learns_checks_of_variants(estimator, check):
    check(estimator)
