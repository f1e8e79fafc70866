"""A backend without windows, figures closed, and a fit on the plane for the displays over two features."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_mogpe.datasets import make_two_regimes


@pytest.fixture(autouse=True)
def own_style():
    """Whatever is drawn leaves the style of other pictures alone; figures are closed."""
    plt.switch_backend("agg")
    before = dict(plt.rcParams)
    yield
    plt.close("all")
    assert dict(plt.rcParams) == before


@pytest.fixture(scope="session")
def plane():
    """Rows over two features."""
    return make_two_regimes(100, n_outputs=1, random_state=0)


@pytest.fixture(scope="session")
def plane_model(plane, make_regressor):
    return make_regressor().fit(*plane)


@pytest.fixture
def components():
    """Weights and moments over one feature: three experts, the last one improbable."""
    x = np.linspace(0, 1, 21)
    weights = np.column_stack([0.9 - 0.8 * x, 0.09 + 0.8 * x, np.full(21, 0.01)])
    means = np.column_stack([np.sin(3 * x), 2 + x, 50 * x])
    return (x,), weights, means, np.full((21, 3), 0.2)
