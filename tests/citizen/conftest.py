"""Rows of the motorcycle data: as arrays, and as a table with a column that tells nothing."""

import numpy as np
import pandas as pd
import pytest

from sklearn_mogpe.datasets import load_motorcycle


@pytest.fixture(scope="session")
def motorcycle():
    """Every second row, shuffled so that folds are alike."""
    X, y = load_motorcycle(return_X_y=True)
    order = np.random.default_rng(0).permutation(np.arange(0, len(y), 2))
    return X[order], y[order]


@pytest.fixture(scope="session")
def table(motorcycle):
    """The times as a table beside noise, and the accelerations."""
    X, y = motorcycle
    noise = np.random.default_rng(1).normal(size=len(y))
    index = [f"row {i}" for i in range(len(y))]
    return pd.DataFrame({"time": X[:, 0], "noise": noise}, index=index), pd.Series(y, index, name="accel")


@pytest.fixture
def make_steady(make_regressor):
    """Make a regressor without a race of starts, which lets what processes round differently grow."""
    return lambda: make_regressor(
        experts=[{"noise_variance": 0.05}, {"noise_variance": 1.0}], init_params="auto"
    )
