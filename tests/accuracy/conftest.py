"""Small random mixtures, as the package has them and in numbers of 50 digits."""

from functools import cached_property

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.data.rows import Scaler, Scales
from sklearn_mogpe.engine.program import building, variables_of
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.predictive.quadrature import normal_points

from . import exact
from .mixtures import Mixture

M, N, S = 3, 6, 8  # inducing points, rows, sample points
X_MEAN, X_SCALE, Y_MEAN, Y_SCALE = 0.5, 2.0, -1.0, 3.0


class Case:
    """An estimator as if it had been fitted, rows for it, and the same in numbers of 50 digits.

    Attributes
    ----------
    estimator : MoGPERegressor
    model : MixtureOfSVGPExperts
    values : dict of arrays of ``mpf``
        The model's unconstrained values by their paths.
    X, y : arrays of shape (N, D) and (N,)
        In the units of the data.
    """

    def __init__(self, estimator, kernel, X, y):
        self.estimator, self.kernel, self.X, self.y = estimator, kernel, X, y
        self.model = estimator.model_
        parameters = estimator._state["parameters"]
        self.values = {path: exact.exact(value) for path, value in parameters.items()}
        self.gate_points = exact.exact(normal_points(128, self.model.gating_network.num_latent_gps))
        self.points = exact.exact(self.model.points)

    @cached_property
    def rows(self):
        """X and y, standardised and exact."""
        return (exact.exact(self.X) - X_MEAN) / X_SCALE, (exact.exact(self.y) - Y_MEAN) / Y_SCALE

    @cached_property
    def tensors(self):
        """X (N, D) and Y (N, 1), standardised."""
        X, y = self.rows
        return tf.constant(X.astype(float)), tf.constant(y.astype(float)[:, None])

    @cached_property
    def exact_model(self):
        return exact.model_of(self.values, self.kernel)

    @cached_property
    def latents(self):
        return self.exact_model.latents(self.rows[0])

    @cached_property
    def mixture(self):
        return self.mixture_at(self.rows[0])

    def mixture_at(self, X):
        """The predictive density in units of y, at exact and standardised X."""
        weights, means, variances = exact.mixture(self.exact_model.latents(X), self.gate_points)
        return Mixture(weights, Y_MEAN + Y_SCALE * means, Y_SCALE * exact.sqrt(variances))


def random_values(built, rng):
    """Values of a model's variables: moderate kernels and noise, and a q that is not its prior."""
    values = {".jitter": np.array(1e-12), ".experts.noise_floor": np.array([0.003])}
    for path, variable in built.items():
        if path.endswith(".Z"):
            values[path] = rng.uniform(-1.5, 1.5, variable.shape)
        elif path.endswith(".q_mu"):
            values[path] = rng.normal(size=variable.shape)
        elif path.endswith("likelihood.variance"):
            values[path] = rng.normal(-2.0, 0.3, variable.shape)
        elif path not in values:
            values[path] = rng.normal(0.0, 0.3, variable.shape)
    return values


@pytest.fixture(scope="session")
def make_case():
    """Make a case of K experts; ``change`` may alter the dict of unconstrained values, in place."""

    def make(K, noise="constant", *, D=1, M=M, kernel="rbf", seed=0, change=lambda values: None):
        rng = np.random.default_rng(seed)
        structure = Structure((kernel,) * K, kernel, 1, S, "further", noise=noise)
        with building(structure):
            values = random_values(variables_of(structure.build(D, M)), rng)
        change(values)
        x_scaler = Scaler(np.full(D, X_MEAN), np.full(D, X_SCALE))
        scales = Scales(x_scaler, Scaler(np.array([Y_MEAN]), np.array([Y_SCALE])))
        estimator = MoGPERegressor(K, noise=noise, kernel=kernel, gating_kernel=kernel)
        estimator._state = fitted_state.make(structure.to_dict(), values, N, scales, True)
        estimator.n_features_in_, estimator.n_outputs_ = D, 1
        estimator.n_experts_, estimator.n_inducing_ = K, M
        X, y = rng.uniform(-2.0, 2.0, (N, D)), rng.normal(size=N)
        return Case(estimator, kernel, X_MEAN + X_SCALE * X, Y_MEAN + Y_SCALE * y)

    return make


@pytest.fixture(scope="session")
def cases(make_case):
    """A case by its numbers of experts and its noise, of one feature or two."""
    return {
        (2, "constant"): make_case(2, D=2),
        (2, "varying"): make_case(2, "varying", D=2),
        (3, "constant"): make_case(3),
        (3, "varying"): make_case(3, "varying"),
    }
