"""Rows whose noise is a hundred times less here than there, where rows are many."""

import numpy as np
import pytest
from scipy.stats import norm

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.training.solvers import precision

LOUD = 0.3


def half_quiet(n_rows, quiet, seed):
    """Rows of a sine, quiet on the left and loud on the right, and their mean log density."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, (n_rows, 1))
    mean, std = np.sin(2 * X[:, 0]), np.where(X[:, 0] > 0, LOUD, quiet)
    y = mean + std * rng.normal(size=n_rows)
    return X, y, norm(mean, std).logpdf(y).mean()


@pytest.mark.parametrize(("quiet", "seed"), [(0.01, 1), (0.003, 0)])
def test_rows_that_come_in_single_precision_are_fitted_as_in_double(monkeypatch, quiet, seed):
    """Of one expert; the mean of its noise says little of what it is where it is least."""
    X, y, _ = half_quiet(1200, quiet, seed)
    X_new, y_new, truth = half_quiet(2000, quiet, 7)
    scores = []
    for many in (10**9, 1000):
        monkeypatch.setattr(precision, "MANY_ROWS", many)
        model = MoGPERegressor(1, max_iter=50, random_state=0).fit(X, y)
        scores.append(model.score_samples(X_new, y_new).mean())
    assert scores[0] > truth - 0.3
    assert scores[1] > scores[0] - 0.1


@pytest.mark.parametrize("is_single", [False, True])
def test_one_expert_begins_on_a_sample_of_the_rows(monkeypatch, is_single):
    """A run that the sample cannot stand is no reason to give up."""
    if not is_single:
        monkeypatch.setattr(precision, "MANY_ROWS", 10**9)
    X, y, _ = half_quiet(5000, 0.01, 0)
    X_new, y_new, truth = half_quiet(2000, 0.01, 7)
    model = MoGPERegressor(1, max_iter=50, random_state=0).fit(X, y)
    assert model.score_samples(X_new, y_new).mean() > truth - 0.3
