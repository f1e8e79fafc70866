"""Saved models: they come back as they were, on other machines too, or not at all."""

import pickle
import subprocess
import sys
from copy import copy
from functools import partial

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.utils.validation import check_is_fitted

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.datasets import load_motorcycle

X_NEW = np.linspace(-3, 3, 20)[:, None]
OURS = "sklearn_mogpe.estimator.regressor.MoGPERegressor"


def assert_predicts_the_same(model, other, **tolerance):
    for one, two in zip(model.predict(X_NEW, True, True), other.predict(X_NEW, True, True), strict=True):
        np.testing.assert_allclose(one, two, **(tolerance or {"rtol": 0, "atol": 0}))


def load_changed(model, state=None, **changes):
    """Load a model of which attributes, or entries of the fitted state, were changed in the file."""
    attributes = model.__getstate__() | changes
    MoGPERegressor().__setstate__({**attributes, "_state": {**attributes["_state"], **(state or {})}})


@pytest.mark.parametrize("name", ["step_model", "two_outputs_model", "three_experts_model"])
def test_skops_needs_to_trust_the_estimator_only(request, name):
    model = request.getfixturevalue(name)
    content = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=content) == [OURS]
    loaded = skops.io.loads(content, trusted=[OURS])
    assert_predicts_the_same(model, loaded)
    assert loaded.get_params() == model.get_params()


def test_file_is_small(tmp_path):
    X, y = load_motorcycle(return_X_y=True)
    model = MoGPERegressor(init_params="ladder", max_iter=25, random_state=0).fit(X, y)
    for compress in (0, 3):
        file = tmp_path / f"{compress}.joblib"
        joblib.dump(model, file, compress=compress)
        assert file.stat().st_size < 200_000
        np.testing.assert_array_equal(joblib.load(file).predict(X), model.predict(X))


def test_another_process_predicts_the_same(step_model, tmp_path):
    joblib.dump(step_model, tmp_path / "model.joblib", compress=True)
    np.save(tmp_path / "X.npy", X_NEW)
    code = (
        "import joblib, numpy; model = joblib.load('model.joblib'); "
        "numpy.save('y.npy', numpy.stack(model.predict(numpy.load('X.npy'), return_std=True)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    expected = np.stack(step_model.predict(X_NEW, return_std=True))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-10)


def test_newer_format_is_refused(step_model):
    with pytest.raises(ValueError, match="newer version of sklearn_mogpe"):
        load_changed(step_model, {"format": fitted_state.FORMAT + 1})


@pytest.mark.parametrize("change", [{"y_scale": np.array([2.0])}, {"flat_output": False}, {"n_rows": 1}])
def test_changed_state_is_refused(step_model, change):
    with pytest.raises(ValueError, match="damaged"):
        load_changed(step_model, change)


@pytest.mark.parametrize(
    "change",
    [
        {"n_features_in_": 2},
        {"n_experts_": 3},
        {"feature_names_in_": np.array(["b"], object)},
        {"lower_bound_": 1.0},
        {"n_experts": (1, 2)},
        {"kernel": "matern12"},
        {"new_": None},
        {fitted_state.SEAL: ""},
    ],
)
def test_changed_attributes_are_refused(step_model, change):
    named = copy(step_model)
    named.feature_names_in_ = np.array(["a"], object)
    with pytest.raises(ValueError, match="damaged"):
        load_changed(named, **change)


def test_changed_parameter_is_refused(step_model):
    parameters = dict(step_model._state["parameters"])
    path = next(path for path in parameters if path.endswith("q_mu"))
    parameters[path] = parameters[path] + 1e-15
    with pytest.raises(ValueError, match="damaged"):
        load_changed(step_model, {"parameters": parameters})


@pytest.mark.parametrize(("dumps", "n_refused"), [(pickle.dumps, 1000), (skops.io.dumps, 1000)])
def test_a_damaged_file_never_loads_as_another_model(step_model, dumps, n_refused):
    """Whichever bytes are damaged: loading fails, or gives the very same model."""
    named = copy(step_model)
    named.feature_names_in_ = np.array(["angle"], object)
    content, expected = dumps(named), named.__getstate__()
    loads = pickle.loads if dumps is pickle.dumps else partial(skops.io.loads, trusted=[OURS])
    rng, refused = np.random.default_rng(0), 0
    for _ in range(n_refused + 250):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            damaged[place] ^= 1 << rng.integers(8)
        try:
            loaded = loads(bytes(damaged[: rng.integers(len(content))] if rng.uniform() < 0.1 else damaged))
            check_is_fitted(loaded)  # or it may be no model at all
            found = loaded.__getstate__()
        except Exception:
            refused += 1
        else:
            assert found[fitted_state.SEAL] == expected[fitted_state.SEAL]
            assert found.keys() == expected.keys()
    assert refused > n_refused


def test_model_of_another_machines_device_opens(step_model):
    abroad = pickle.loads(pickle.dumps(step_model)).set_params(device="/GPU:7")
    opened = pickle.loads(pickle.dumps(abroad))
    with pytest.warns(RuntimeWarning, match=r"'/GPU:7' is not on this machine"):
        assert_predicts_the_same(step_model, opened)
    assert_predicts_the_same(step_model, opened.set_params(device="/CPU:0"))


def test_single_precision_model_opens_beside_a_double_one(make_regressor, short_search, step, step_model):
    single = make_regressor(dtype="float32").fit(*step[:2])
    loaded = pickle.loads(pickle.dumps(single))
    step_model.predict(X_NEW)
    assert_predicts_the_same(single, loaded)
    assert {value.dtype for value in loaded._state["parameters"].values()} == {np.dtype("float32")}
