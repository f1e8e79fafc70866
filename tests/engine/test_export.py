"""Exported models: they predict what the estimator predicts, without it, and refuse what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from sklearn.exceptions import NotFittedError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import sklearn_mogpe
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.engine.export import _quantiles
from sklearn_mogpe.predictive import gaussian_mixture

LEVELS = [1e-3, 0.25, 0.5, 0.99]


def smooth_and_linear(input_dim):
    return gpflow.kernels.RBF(lengthscales=np.ones(input_dim)) + gpflow.kernels.Linear()


CASES = {
    "one expert": {"kernels": ["rbf"]},
    "three experts of two outputs": {"kernels": ["rbf"] * 3, "n_outputs": 2, "n_features": 3},
    "units": {"x_mean": 5000.0, "x_scale": 2000.0, "y_mean": 1e-5, "y_scale": 2e-6},
}
MORE_CASES = {
    "two experts": {"kernels": ["matern52"] * 2},
    "callables": {"kernels": [smooth_and_linear, "matern12"], "gating_kernel": smooth_and_linear},
    "single precision": {"kernels": ["rbf"] * 3, "dtype": "float32"},
}


def random_rows(model, n_rows=20):
    rows = np.random.default_rng(1).normal(size=(n_rows, model.n_features_in_))
    return rows * model._state["x_scale"] + model._state["x_mean"]


def export(model, path):
    """Export, and load what was written."""
    model.export_saved_model(path)
    return tf.saved_model.load(path)


@pytest.fixture(scope="module")
def two(make_fitted, tmp_path_factory):
    """An estimator of two features, what it was exported as with names and on a device, and where."""
    model, path = make_fitted(n_features=2, device="/CPU:0"), tmp_path_factory.mktemp("two")
    model.feature_names_in_ = np.array(["time", "load"], object)
    with tf.device("/CPU:0"):
        loaded = export(model, path)
    del model.feature_names_in_
    return model, loaded, path


def assert_predicts_the_same(model, loaded, X):
    """To 1e-9 of a standard deviation of y; the rounding of 1e-7 of single precision may differ."""
    y_scale = model._state["y_scale"][0]
    rtol = 1e-9 if model.dtype == "float64" else 1e-4
    mean, std = (values.reshape(len(X), -1) for values in model.predict(X, return_std=True))
    weights, means, stds = model.predict_mixture(X)
    quantiles = model.predict_quantile(X, LEVELS).reshape(len(X), -1, len(LEVELS))
    for found, expected, scale in (
        (loaded.predict(X)["mean"], mean, y_scale),
        (loaded.predict(X)["variance"], std**2, y_scale**2),
        (loaded.predict_mixture(X)["weights"], weights, 1.0),
        (loaded.predict_mixture(X)["means"], means, y_scale),
        (loaded.predict_mixture(X)["stds"], stds, y_scale),
        (loaded.predict_mixing_proba(X)["mixing_proba"], weights, 1.0),
        (loaded.predict_quantile(X, LEVELS)["quantiles"], quantiles, y_scale),
    ):
        assert found.dtype == tf.float64
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=rtol)


@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=name) for name, case in CASES.items()),
        *(pytest.param(case, id=name, marks=pytest.mark.slow) for name, case in MORE_CASES.items()),
    ],
)
def test_predicts_what_the_estimator_predicts(make_fitted, tmp_path, case):
    model = make_fitted(**case)
    loaded = export(model, tmp_path)
    X = random_rows(model)
    assert_predicts_the_same(model, loaded, X)
    assert_predicts_the_same(model, loaded, X[:1])


def test_impossible_experts_have_no_part_in_quantiles():
    """Even of a level that the others do not reach, as rounding takes from their probability."""
    mixture = np.array([[1 - 2**-52, 0.0]]), np.array([[[0.0], [1e6]]]), np.ones((1, 2, 1))
    levels = np.array([1e-9, 0.5, 1 - 2**-53])
    expected = [gaussian_mixture.quantile(level, *mixture)[0, 0] for level in levels]
    assert expected[-1] == pytest.approx(8.2, abs=0.1)
    found = _quantiles(tf.constant(levels), *map(tf.constant, mixture))
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n_rows", [0, 1, 3000])
def test_any_number_of_rows_and_levels(two, n_rows):
    model, loaded, _ = two
    X = np.tile([[0.3, -1.2]], (n_rows, 1))
    mean = loaded.predict(X)["mean"]
    assert mean.shape == (n_rows, 1)
    np.testing.assert_allclose(mean, model.predict(X[:1])[0] if n_rows else 0.0, rtol=1e-10)
    for levels in ([], [0.2], [0.2, 0.7]):
        quantiles = loaded.predict_quantile(X, np.array(levels))["quantiles"]
        assert quantiles.shape == (n_rows, 1, len(levels))
        if n_rows and levels:
            expected = np.tile(model.predict_quantile(X[:1], levels), (n_rows, 1))
            np.testing.assert_allclose(quantiles[:, 0], expected, rtol=1e-10)


def test_signatures_are_the_functions(two):
    model, loaded, _ = two
    X = tf.constant(random_rows(model))
    for name, outputs in {
        "serving_default": {"mean", "variance"},
        "predict": {"mean", "variance"},
        "predict_mixture": {"weights", "means", "stds"},
        "predict_mixing_proba": {"mixing_proba"},
        "predict_quantile": {"quantiles"},
    }.items():
        inputs = {"X": X, "q": tf.constant([0.1, 0.5], tf.float64)}
        if name != "predict_quantile":
            del inputs["q"]
        found = loaded.signatures[name](**inputs)
        assert set(found) == outputs
        expected = getattr(loaded, name.replace("serving_default", "predict"))(**inputs)
        for output in outputs:
            np.testing.assert_array_equal(found[output], expected[output])


def test_gradients_survive(two):
    model, loaded, _ = two
    X = tf.constant(random_rows(model))
    mean, variance = model.predict_derivatives(X)
    for output, expected in (("mean", mean), ("variance", variance)):
        with tf.GradientTape() as tape:
            tape.watch(X)
            total = tf.reduce_sum(loaded.predict(X)[output])
        np.testing.assert_allclose(tape.gradient(total, X), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 3])
def test_another_number_of_features_is_refused(two, columns):
    """A single column would fit each of two features without an error of its own."""
    X = np.ones((4, columns))
    with pytest.raises(TypeError, match=rf"shape=\(4, {columns}\).* to TensorSpec\(shape=\(None, 2\)"):
        two[1].predict(X)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"\[4,{columns}\].*expected shape \[\?,2\]"):
        two[1].signatures["predict"](X=tf.constant(X))


@pytest.mark.parametrize("name", ["predict", "predict_mixture", "predict_mixing_proba", "predict_quantile"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(two, name, value):
    levels = [LEVELS] if name == "predict_quantile" else []
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected finite values of X, got NaN or inf"):
        getattr(two[1], name)(np.array([[0.0, 0.0], [0.0, value]]), *levels)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5, np.nan])
def test_levels_outside_are_refused(two, level):
    X = np.zeros((1, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"strictly between 0 and 1 as q, got\] \[0.5"):
        two[1].predict_quantile(X, [0.5, level])
    with pytest.raises(tf.errors.InvalidArgumentError, match="strictly between 0 and 1 as q, got"):
        two[1].signatures["predict_quantile"](X=tf.constant(X), q=tf.constant([level], tf.float64))


def test_description(two):
    _, loaded, path = two
    expected = {
        "sklearn_mogpe": sklearn_mogpe.__version__,
        "tensorflow": tf.__version__,
        "n_experts": 2,
        "n_outputs": 1,
        "n_features": 2,
        "feature_names": ["time", "load"],
    }
    for file in (path / "assets" / "mixture.json", Path(loaded.description.asset_path.numpy().decode())):
        assert json.loads(file.read_text(encoding="utf-8")) == expected


def test_no_device_in_the_graphs(two):
    """But in the two functions of TensorFlow's that read and write files."""
    content = SavedModel.FromString((two[2] / "saved_model.pb").read_bytes())
    functions = [part for graph in content.meta_graphs for part in graph.graph_def.library.function]
    nodes = [node for part in functions if "traced" not in part.signature.name for node in part.node_def]
    assert any(node.op == "Cholesky" for node in nodes)
    assert {node.device for node in nodes} == {""}


def test_written_over(two, make_fitted, tmp_path):
    two[0].export_saved_model(tmp_path)
    model = make_fitted(n_features=2, seed=1)
    before = dict(vars(model))
    loaded = export(model, str(tmp_path))
    assert vars(model) == before
    assert_predicts_the_same(model, loaded, random_rows(model))
    assert '"feature_names": null' in (tmp_path / "assets" / "mixture.json").read_text(encoding="utf-8")


def test_an_export_that_fails_leaves_the_last_one(two, make_fitted, tmp_path, monkeypatch):
    model, path = two[0], tmp_path / "model"
    model.export_saved_model(path)

    def cut_short(served, path, signatures):
        Path(path).mkdir()
        Path(path, "saved_model.pb").write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(tf.saved_model, "save", cut_short)
    with pytest.raises(OSError, match="the disk is full"):
        make_fitted(n_features=2, seed=1).export_saved_model(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert_predicts_the_same(model, tf.saved_model.load(path), random_rows(model))


@pytest.mark.parametrize("name", ["model", "model/notes.txt"])
def test_other_files_are_not_written_over(two, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(FileExistsError, match="Expected a new directory, or one of an earlier export"):
        two[0].export_saved_model(tmp_path / "model")
    assert file.read_text() == "mine"


def test_nothing_is_written_before_the_fit(tmp_path):
    with pytest.raises(NotFittedError):
        MoGPERegressor().export_saved_model(tmp_path)
    assert not list(tmp_path.iterdir())


SERVER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"sklearn_mogpe", "gpflow", "tensorflow_probability", "sklearn", "scipy"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
import tensorflow as tf

loaded, X = tf.saved_model.load("model"), np.load("X.npy")
np.savez("served.npz", **loaded.predict(X), **loaded.predict_quantile(X, [0.1, 0.6]))
"""


@pytest.mark.slow
def test_served_where_only_tensorflow_is(three_experts_model, tmp_path):
    X = np.linspace(-3, 3, 50)[:, None]
    three_experts_model.export_saved_model(tmp_path / "model")
    np.save(tmp_path / "X.npy", X)
    subprocess.run([sys.executable, "-c", SERVER], check=True, cwd=tmp_path)
    served = np.load(tmp_path / "served.npz")
    mean, std = three_experts_model.predict(X, return_std=True)
    np.testing.assert_allclose(served["mean"][:, 0], mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(served["variance"][:, 0], std**2, rtol=1e-10)
    expected = three_experts_model.predict_quantile(X, [0.1, 0.6])
    np.testing.assert_allclose(served["quantiles"][:, 0], expected, rtol=1e-10, atol=1e-10)
