"""Saved models: they come back as they were, on other machines too, or not at all."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import skops.io

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.datasets import load_motorcycle

X_NEW = np.linspace(-3, 3, 20)[:, None]
OURS = "sklearn_mogpe.estimator.regressor.MoGPERegressor"


def assert_predicts_the_same(model, other, **tolerance):
    for one, two in zip(model.predict(X_NEW, True, True), other.predict(X_NEW, True, True), strict=True):
        np.testing.assert_allclose(one, two, **(tolerance or {"rtol": 0, "atol": 0}))


def with_state(model, **changes):
    """Pickle a model whose fitted state was changed behind its back."""
    attributes = {**vars(model), "_state": {**model._state, **changes}}
    twin = MoGPERegressor()
    vars(twin).update(attributes)
    return pickle.dumps(twin)


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
    content = with_state(step_model, format=fitted_state.FORMAT + 1)
    with pytest.raises(ValueError, match="newer version of sklearn_mogpe"):
        pickle.loads(content)


@pytest.mark.parametrize(
    "changes", [{"y_scale": np.array([2.0])}, {"flat_output": False}, {"n_rows": 1}, {"checksum": ""}]
)
def test_changed_state_is_refused(step_model, changes):
    with pytest.raises(ValueError, match="damaged"):
        pickle.loads(with_state(step_model, **changes))


def test_changed_parameter_is_refused(step_model):
    parameters = dict(step_model._state["parameters"])
    path = next(path for path in parameters if path.endswith("q_mu"))
    parameters[path] = parameters[path] + 1e-15
    with pytest.raises(ValueError, match="damaged"):
        pickle.loads(with_state(step_model, parameters=parameters))


def test_damaged_file_never_loads_as_another_model(step_model):
    """Whichever byte is damaged: loading fails, or the model still predicts what it did."""
    content = bytearray(pickle.dumps(step_model))
    expected = step_model.predict(X_NEW, return_std=True)
    refused = 0
    for place in np.random.default_rng(0).integers(len(content), size=150):
        content[place] ^= 0x01
        try:
            loaded = pickle.loads(bytes(content))
            found = loaded.predict(X_NEW, return_std=True)
        except Exception:
            refused += 1
        else:
            np.testing.assert_array_equal(found, expected)
        content[place] ^= 0x01
    assert refused > 75


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
