"""Clones, pickles and copies; what a fit keeps, and that nothing changes it behind the user's back."""

import copy
import pickle
from functools import partial

import gpflow
import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sklearn_mogpe import MoGPERegressor

X = np.linspace(-2.9, 2.9, 13)[:, None]


def make_rbf(input_dim, variance=1.0):
    return gpflow.kernels.RBF(variance, lengthscales=np.full(input_dim, 0.5))


@pytest.mark.parametrize(
    "kernel",
    ["matern32", make_rbf, ["rbf", partial(make_rbf, variance=2.0)], ("rbf", "matern12")],
    ids=["name", "callable", "list", "tuple"],
)
def test_clone_has_equal_parameters(kernel):
    model = MoGPERegressor(kernel=kernel, gating_kernel=make_rbf, n_inducing=7)
    assert repr(clone(model).get_params()) == repr(model.get_params())


def test_clone_is_not_fitted_and_fits_the_same(make_regressor, short_search, wave):
    model = make_regressor().fit(*wave)
    twin = clone(model)
    assert not [name for name in vars(twin) if name not in twin.get_params()]
    np.testing.assert_array_equal(twin.fit(*wave).predict(X), model.predict(X))


def test_parameters_are_not_changed(make_regressor, short_search, wave):
    kernel = ["rbf", "rbf"]
    model = make_regressor(kernel=kernel)
    before = joblib.hash(model.get_params())
    model.fit(*wave)
    assert joblib.hash(model.get_params()) == before
    assert model.kernel is kernel


def parts_of(value, path="model"):
    """All that can be reached from a fitted estimator, with its path."""
    yield path, value
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple | set):
        items = enumerate(value)
    else:
        items = vars(value).items() if hasattr(value, "__dict__") and not callable(value) else ()
    for name, part in items:
        yield from parts_of(part, f"{path}.{name}")


@pytest.mark.parametrize("name", ["branches_model", "two_outputs_model"])
def test_fitted_state_is_arrays_and_plain_python(request, name):
    model = request.getfixturevalue(name)
    assert model.model_ is model.model_  # made, and kept elsewhere
    allowed = (np.ndarray, np.generic, str, int, float, bool, type(None), dict, list, tuple, MoGPERegressor)
    strange = [path for path, value in parts_of(model) if not isinstance(value, allowed)]
    assert strange == []


def test_predicting_changes_nothing(step_model):
    before = joblib.hash(vars(step_model))
    step_model.predict(X, return_std=True)
    step_model.sample_y(X)
    step_model.gating_.predict(X)
    assert step_model.model_ is not None
    assert joblib.hash(vars(step_model)) == before


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
@pytest.mark.parametrize("name", ["branches_model", "two_outputs_model"])
def test_copies_predict_the_same(request, name, copied):
    model = request.getfixturevalue(name)
    assert model.model_ is not None
    twin = copied(model)
    assert joblib.hash(vars(twin)) == joblib.hash(vars(model))
    np.testing.assert_array_equal(twin.predict(X, return_std=True), model.predict(X, return_std=True))
    assert twin.model_ is not model.model_


def test_predicts_from_read_only_arrays(step_model, tmp_path):
    joblib.dump(step_model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert not loaded._state["x_mean"].flags.writeable
    np.testing.assert_array_equal(loaded.predict(X), step_model.predict(X))
    np.testing.assert_array_equal(loaded.sample_y(X, 2), step_model.sample_y(X, 2))
