"""Estimators with made-up parameters, which need no fit."""

import numpy as np
import pytest

from sklearn_mogpe import MoGPERegressor, fitted_state
from sklearn_mogpe.rows import Scaler, Scales
from sklearn_mogpe.training.program import building, variables_of
from sklearn_mogpe.training.structure import Structure


@pytest.fixture(scope="session")
def make_fitted():
    """Make an estimator as if it had been fitted, with random parameters and units.

    X is standardised by ``x_mean`` and ``x_scale``, y by ``y_mean`` and ``y_scale``, the same in each column.
    """

    def make(
        kernels=("rbf", "rbf"),
        gating_kernel="rbf",
        n_outputs=1,
        n_features=1,
        *,
        dtype="float64",
        device="auto",
        n_inducing=8,
        x_mean=0.5,
        x_scale=2.0,
        y_mean=-1.0,
        y_scale=3.0,
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        structure = Structure(
            tuple(kernels),
            gating_kernel,
            n_outputs,
            8,
            "further",
            dtype,
            n_features=n_features if any(map(callable, (*kernels, gating_kernel))) else None,
        )
        with building(structure):
            model = structure.build(n_features, n_inducing)
        parameters = {path: variable.numpy() for path, variable in variables_of(model).items()}
        for path, value in parameters.items():
            if path.endswith((".Z", ".q_mu")):
                parameters[path] = rng.normal(size=value.shape)
            elif path.endswith(".q_sqrt"):
                parameters[path] = rng.normal(0.0, 0.3, value.shape)
            elif not path.endswith("jitter"):
                parameters[path] = value + rng.normal(0.0, 0.3, value.shape)
        parameters = {path: value.astype(dtype) for path, value in parameters.items()}
        columns = np.ones(n_features), np.ones(n_outputs)
        scales = Scales(
            Scaler(x_mean * columns[0], x_scale * columns[0]),
            Scaler(y_mean * columns[1], y_scale * columns[1]),
        )
        estimator = MoGPERegressor(len(kernels), dtype=dtype, device=device)
        estimator._state = fitted_state.make(structure.to_dict(), parameters, 100, scales, n_outputs == 1)
        estimator.n_features_in_ = n_features
        estimator.n_outputs_ = n_outputs
        estimator.n_experts_ = len(kernels)
        return estimator

    return make
