"""The bounds and their gradients against numbers of 50 digits, and their points against fine grids."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_ndtr, logsumexp

from sklearn_mogpe.engine.program import variables_of
from sklearn_mogpe.mixture_of_experts import BOUNDS
from sklearn_mogpe.predictive.quadrature import normal_points

from . import exact
from .exact import mp, relative_error

STEP = mp.mpf(10) ** -15  # of differences in numbers of 50 digits: they err by 1e-30 and by rounding of 1e-35


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("noise", ["constant", "varying"])
@pytest.mark.parametrize("K", [2, 3])
def test_rows(cases, K, noise, bound):
    case = cases[K, noise]
    X, Y = case.tensors
    found = BOUNDS[bound](case.model.latents(X), Y, case.model.points)
    expected = exact.bound_rows(bound, case.latents, case.rows[1], case.points, case.gate_points)
    assert relative_error(found, expected) < 1e-8


# Of the first three rows, which are enough for gradients: their weights, and the known error of each y.
WEIGHT = np.array([1.0, 2.0, 0.25])
ERROR = np.array([0.0, 0.1, 1.0])


def exact_elbos(case, values):
    """The whole bounds, of each kind."""
    model = exact.model_of(values, case.kernel)
    X, y = (part[:3] for part in case.rows)
    latents = model.latents(X, exact.exact(ERROR) ** 2)
    rows = [exact.bound_rows(bound, latents, y, case.points, case.gate_points) for bound in BOUNDS]
    return np.array([(row * WEIGHT).sum() for row in rows]) - model.prior_kl()


CASES = {
    "two experts whose noise varies": {"K": 2, "noise": "varying", "D": 2},
    "three experts": {"K": 3},
    "matern12": {"K": 2, "kernel": "matern12"},
    "matern32": {"K": 2, "kernel": "matern32", "D": 2},
    "matern52": {"K": 2, "kernel": "matern52", "D": 2},
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def gradients(request, make_case):
    """A case, and of each bound its value and its gradient by the unconstrained values, by their paths."""
    case, results = make_case(**request.param), []
    trained = {p: v for p, v in variables_of(case.model).items() if not p.endswith(("floor", "jitter"))}
    data = (*(part[:3] for part in case.tensors), tf.constant(WEIGHT), tf.constant(ERROR[:, None]))
    for bound in BOUNDS.values():
        case.model.bound = bound
        with tf.GradientTape() as tape:
            tape.watch(trained.values())
            elbo = case.model.elbo(data)
        results.append((elbo.numpy(), {p: g.numpy() for p, g in tape.gradient(elbo, trained).items()}))
    return case, results


def test_bounds_of_weighted_rows_with_known_errors(gradients):
    case, results = gradients
    assert relative_error([elbo for elbo, _ in results], exact_elbos(case, case.values)) < 1e-8


def assert_slopes(case, results, directions):
    """Compare the bounds' slopes along a direction, given by paths, with central differences."""

    def moved(by):
        return {path: case.values[path] + by * direction for path, direction in directions.items()}

    ahead, behind = (exact_elbos(case, {**case.values, **moved(by)}) for by in (STEP, -STEP))
    found = [sum(np.sum(gradient[p] * d) for p, d in directions.items()) for _, gradient in results]
    assert relative_error(found, (ahead - behind) / (2 * STEP)) < 1e-8


def test_gradients(gradients):
    """Along a direction in all parameters, and along one in each of the first expert's and of the gate's."""
    case, results = gradients
    rng = np.random.default_rng(0)
    directions = {path: rng.normal(size=gradient.shape) for path, gradient in results[0][1].items()}
    assert_slopes(case, results, directions)
    for path, direction in directions.items():
        if path.startswith((".experts.experts[0]", ".gating_network")):
            assert_slopes(case, results, {path: direction})


def fine_grid(dim, step=0.4, reach=7.2):
    """Nodes (J, dim) and weights (J,) of the trapezoidal rule for a standard normal."""
    z = step * np.arange(-round(reach / step), round(reach / step) + 1)
    nodes = np.stack(np.meshgrid(*[z] * dim), axis=-1).reshape(-1, dim)
    weights = np.exp(-0.5 * np.sum(nodes**2, axis=1))
    kept = weights > 1e-13
    return nodes[kept], weights[kept] / weights.sum()


def by_grid(bound, case):
    """Mean and standard deviation (N,) of a bound's logarithm, of two experts with constant noise."""
    nodes, weights = fine_grid(3)
    f, h = case.latents.experts, case.latents.gates
    outside, inside = (f.variance, 0 * f.variance) if bound == "further" else (f.projected, f.residual)
    h_outside, h_inside = (h.projected, h.residual) if bound == "tight" else (h.variance, 0 * h.variance)
    noise = case.latents.noise_at(exact.exact(np.zeros((1, 1, 1))))[0]
    functions = f.mean, exact.sqrt(outside), inside + noise, h.mean, exact.sqrt(h_outside), h_inside
    mean, root, variance, h_mean, h_root, h_inside = (part.T.astype(float) for part in functions)
    moments = []
    for n, y in enumerate(case.rows[1].astype(float)):
        g = mean[n] + root[n] * nodes[:, :2]
        u = (h_mean[n] + h_root[n] * nodes[:, 2:]) / np.sqrt(1.0 + h_inside[n])
        log_density = -0.5 * (np.log(2 * np.pi * variance[n]) + (y - g) ** 2 / variance[n])
        values = logsumexp(log_ndtr(np.hstack([u, -u])) + log_density, axis=1)
        moments.append([weights @ values, np.sqrt(weights @ (values - weights @ values) ** 2)])
    return np.array(moments).T


@pytest.mark.parametrize("bound", ["tight", "further_gating", "further"])
def test_fixed_points_err_less_than_as_many_random_ones(cases, bound):
    """The 32 points that fits take by default, against the standard error of random points."""
    case = cases[2, "constant"]
    X, Y = case.tensors
    found = BOUNDS[bound](case.model.latents(X), Y, normal_points(32, 3))
    mean, std = by_grid(bound, case)
    assert np.all(np.abs(found - mean) < std / np.sqrt(32))
    assert np.max(np.abs(found - mean)) > 1e-3
    finer = BOUNDS[bound](case.model.latents(X), Y, normal_points(2**14, 3))
    np.testing.assert_allclose(finer, mean, atol=2e-3)
