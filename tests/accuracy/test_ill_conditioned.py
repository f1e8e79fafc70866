"""Covariance matrices that are all but singular, against numbers of 50 digits.

That of inducing points that nearly coincide, or of functions that hardly bend, has eigenvalues down to its
jitter of 1e-12, so that the rounding of its elements, 1e-16, may change solutions by as much as 1e-4. Errors
are in units of the prior's standard deviation or variance, of the prediction's, or of the gradient's length;
those allowed are ten times the largest of twelve seeds.
"""

from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.engine.program import variables_of
from sklearn_mogpe.mixture_of_experts import BOUNDS

from . import exact
from .exact import difference, mp, relative_error, sqrt

STEP = mp.mpf(10) ** -20  # of differences in numbers of 50 digits


def apart(spacing):
    """Inducing inputs in a row, so many lengthscales apart."""

    def change(values):
        for path, Z in values.items():
            if path.endswith(".Z"):
                log_lengthscales = values[path.replace("inducing_variable.Z", "kernel.lengthscales")]
                Z[:] = Z[0] + spacing * np.exp(log_lengthscales) * np.arange(len(Z))[:, None]

    return change


def smooth(values):
    """Lengthscales of thirty times the range of X."""
    for path, value in values.items():
        if path.endswith("lengthscales"):
            value[...] = np.log(30 * 4.0)


class Allowed(NamedTuple):
    mean: float
    variance: float
    prediction: float
    bound: float
    slope: float


CASES = {
    "1e-2 lengthscales apart": (apart(1e-2), 3, Allowed(2e-7, 3e-7, 2e-7, 3e-7, 1e-4)),
    "1e-3 lengthscales apart": (apart(1e-3), 3, Allowed(4e-4, 3e-4, 3e-4, 4e-4, 4e-3)),
    "1e-4 lengthscales apart": (apart(1e-4), 3, Allowed(1e-5, 3e-6, 5e-6, 2e-5, 1e-3)),
    "smooth, three points": (smooth, 3, Allowed(1e-8, 1e-8, 3e-8, 2e-8, 6e-5)),
    "smooth, six points": (smooth, 6, Allowed(1e-7, 2e-7, 2e-7, 3e-7, 5e-5)),
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def setting(request, make_case):
    """A case, and the errors that are allowed."""
    change, M, allowed = request.param
    return make_case(2, change=change, M=M), allowed


@pytest.mark.parametrize("known", [False, True], ids=["by solving", "by the inverse"])
def test_marginals(setting, known):
    case, allowed = setting
    X = case.tensors[0]
    latents = case.model.latents(X, case.model.posteriors(X) if known else None)
    pairs = (latents.experts, case.latents.experts), (latents.gates, case.latents.gates)
    gps = case.exact_model.experts, [case.exact_model.gate]
    for (found, expected), own in zip(pairs, gps, strict=True):
        prior = np.array([gp.variance for gp in own])[:, None]
        errors = [
            abs(difference(np.reshape(part, exact_part.shape), exact_part))
            for part, exact_part in zip((*found, found.variance), (*expected, expected.variance), strict=True)
        ]
        assert np.max(errors[0] / sqrt(prior)) < allowed.mean
        assert np.max(errors[1:] / prior) < allowed.variance


def test_predictions(setting):
    case, allowed = setting
    mean, std = case.estimator.predict(case.X, return_std=True)
    exact_std = sqrt(case.mixture.variance())
    assert np.max(abs(difference(mean, case.mixture.mean()) / exact_std)) < allowed.prediction
    assert relative_error(std, exact_std) < allowed.prediction
    found = case.estimator.score_samples(case.X, case.y)
    assert relative_error(found, case.mixture.log_density(case.y)) < allowed.prediction


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds(setting, bound):
    case, allowed = setting
    X, Y = case.tensors
    found = BOUNDS[bound](case.model.latents(X), Y, case.model.points)
    expected = exact.bound_rows(bound, case.latents, case.rows[1], case.points, case.gate_points)
    assert relative_error(found, expected) < allowed.bound


def exact_elbo(case, values):
    model = exact.model_of(values)
    rows = exact.bound_rows("further", model.latents(case.rows[0]), case.rows[1], case.points, None)
    return rows.sum() - model.prior_kl()


def test_gradients(setting):
    """Along a direction in each kind of parameter of the first expert and of the gate."""
    case, allowed = setting
    variables = {p: v for p, v in variables_of(case.model).items() if "experts[0]" in p or "gating" in p}
    with tf.GradientTape() as tape:
        tape.watch(variables.values())
        elbo = case.model.elbo(case.tensors)
    rng = np.random.default_rng(0)
    for path, gradient in tape.gradient(elbo, variables).items():
        direction = rng.normal(size=gradient.shape)
        ahead, behind = (
            exact_elbo(case, {**case.values, path: case.values[path] + sign * STEP * direction})
            for sign in (1, -1)
        )
        error = float(np.sum(gradient * direction) - (ahead - behind) / (2 * STEP))
        assert abs(error) < allowed.slope * np.linalg.norm(gradient) * np.linalg.norm(direction)
