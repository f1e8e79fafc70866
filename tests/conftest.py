"""Small data, small regressors, and a few fitted once for all tests."""

import gc
import os

# Two processes of one thread each do more than one of two: much of the time goes into tracing graphs. NumPy
# and TensorFlow read this when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
import pytest
import sklearn
from packaging.version import Version
from scipy.special import expit

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.data.rows import Scaler, Scales
from sklearn_mogpe.datasets import make_step, make_two_branches

# Graphs are many small objects that stay; to look through them again and again took a twelfth of the time.
gc.set_threshold(50_000, 20, 100)

# One structure for most fits, so that its graphs are traced once.
SMALL = {"n_inducing": 12, "n_samples": 16, "init_params": "mixture", "max_iter": 25, "random_state": 0}


def two_outputs(n_rows, seed):
    """Two outputs that jump together between two branches, one quiet and one noisy."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n_rows)
    upper = rng.uniform(size=n_rows) < expit(-3 * x)
    means = np.column_stack([np.where(upper, 1, -1) + 0.3 * np.sin(2 * x), np.where(upper, -0.5, 0.5) * x])
    return x[:, None], means + rng.normal(size=(n_rows, 2)) * [0.05, 0.3]


@pytest.fixture
def names_of_polars():
    """For tests of column names in tables of polars."""
    if not hasattr(pl.DataFrame, "__dataframe__") and Version(sklearn.__version__) < Version("1.9"):
        pytest.skip("scikit-learn below 1.9 reads column names by a protocol that this polars no longer has")


@pytest.fixture(scope="session")
def make_regressor():
    """Make a regressor that is fitted fast, with further parameters in place of the small ones."""

    def make(n_experts=2, **params):
        return MoGPERegressor(n_experts, **{"noise": "constant", **SMALL, **params})

    return make


@pytest.fixture
def short_search(monkeypatch):
    """Let fits look for a start only shortly: for tests to which the fit's quality does not matter."""
    from sklearn_mogpe.training.starts import race, single

    monkeypatch.setattr(race, "ROUNDS", ((10, 1),))
    monkeypatch.setattr(single, "MAX_ITER", 15)


@pytest.fixture(scope="session")
def wave():
    """Forty rows of a noisy sine."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (40, 1))
    return X, np.sin(X[:, 0]) + 0.1 * rng.normal(size=40)


@pytest.fixture(scope="session")
def step():
    """Rows of a jump from quiet to noisy, and the truth."""
    return make_step(150, random_state=0, return_truth=True)


@pytest.fixture(scope="session")
def branches():
    """Rows of two branches, and the truth."""
    return make_two_branches(150, random_state=0, return_truth=True)


@pytest.fixture(scope="session")
def step_model(step, make_regressor):
    return make_regressor(init_params="mixture", max_iter=50).fit(*step[:2])


@pytest.fixture(scope="session")
def branches_model(branches, make_regressor):
    return make_regressor(init_params="residual", max_iter=50).fit(*branches[:2])


@pytest.fixture(scope="session")
def two_outputs_model(make_regressor):
    return make_regressor(init_params="residual", max_iter=50).fit(*two_outputs(120, 0))


@pytest.fixture(scope="session")
def three_experts_model(step, make_regressor):
    return make_regressor(3).fit(*step[:2])


@pytest.fixture(scope="session")
def new_rows():
    """Rows that no model was fitted on: of the step, of the branches, and with two outputs."""
    return {
        "step": make_step(2000, random_state=1, return_truth=True),
        "branches": make_two_branches(2000, random_state=1, return_truth=True),
        "two_outputs": two_outputs(500, 1),
    }


@pytest.fixture(scope="session")
def make_fitted():
    """Make an estimator as if it had been fitted, with random parameters and units.

    X is standardised by ``x_mean`` and ``x_scale``, y by ``y_mean`` and ``y_scale``, the same in each column.
    """

    from sklearn_mogpe.engine.program import building, variables_of
    from sklearn_mogpe.engine.structure import Structure

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
            elif not path.endswith(("jitter", "noise_floor")):
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
        estimator.n_experts_, estimator.n_inducing_ = len(kernels), n_inducing
        return estimator

    return make
