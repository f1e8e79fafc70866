"""ONNX files: they predict what the estimator predicts, without it; what has no formula there is refused."""

import json
import subprocess
import sys
from dataclasses import replace

import gpflow
import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument
from scipy.special import log_ndtr
from sklearn.exceptions import NotFittedError

import sklearn_mogpe
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.engine.onnx_export import _normal_cdf
from sklearn_mogpe.engine.onnx_graph import Graph
from sklearn_mogpe.engine.program import building, variables_of

LEVELS = [1e-12, 0.25, 0.5, 0.99, 1 - 1e-9]
OUTPUTS = ["mean", "variance", "weights", "means", "stds", "mixing_proba"]
KERNELS = {"kernels": ["rbf", "matern12", "matern32"], "gating_kernel": "matern52"}
LINE = {"name": "linear", "A": [[0.5], [-0.2]], "b": 0.1}

# Inducing points so far from each other that rounding is no more than rounding.
CASES = {
    "one expert": {"kernels": ["matern52_iso"], "n_features": 2},
    "three experts of two outputs": {**KERNELS, "n_outputs": 2, "n_features": 3},
    "units": {"n_features": 2, "x_mean": 5000.0, "x_scale": 2000.0, "y_mean": 1e-5, "y_scale": 2e-6},
    "single precision": {"n_features": 2, "dtype": "float32"},
}


def session(content):
    """What runs a file, or the bytes of one."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    return InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(content, X):
    """All outputs at X by their names."""
    runtime = session(content)
    names = [output.name for output in runtime.get_outputs()]
    return dict(zip(names, runtime.run(names, {"X": X}), strict=True))


def random_rows(model, n_rows=20):
    rows = np.random.default_rng(1).normal(size=(n_rows, model.n_features_in_))
    return rows * model._state["x_scale"] + model._state["x_mean"]


def changed(model, **structure):
    """A model made by ``make_fitted``, now of another structure, with random parameters."""
    structure = replace(model._structure, **structure)
    with building(structure):
        built = structure.build(model.n_features_in_, model.n_inducing_)
    rng = np.random.default_rng(0)
    parameters = {path: variable.numpy() for path, variable in variables_of(built).items()}
    for path, value in parameters.items():
        if not path.endswith(("jitter", "noise_floor")):
            scale = 1.0 if path.endswith((".Z", ".q_mu")) else 0.3
            parameters[path] = value + rng.normal(0.0, scale, value.shape)
    model._state = {**model._state, "structure": structure.to_dict(), "parameters": parameters}
    return model


def described(model, *experts, **structure):
    experts = [part if callable(part) else json.dumps({"inducing": {"num": 8}, **part}) for part in experts]
    return changed(model, experts=tuple(experts), n_inducing=8, n_features=model.n_features_in_, **structure)


@pytest.fixture(scope="module")
def two(make_fitted, tmp_path_factory):
    """An estimator of two features, and the file that it was exported to with names."""
    model, path = make_fitted(n_features=2), tmp_path_factory.mktemp("two") / "model.onnx"
    model.feature_names_in_ = np.array(["time", "load"], object)
    model.export_onnx(path, LEVELS)
    del model.feature_names_in_
    return model, path


def assert_predicts_the_same(model, path, X):
    """To 1e-11 of a standard deviation of y; of a model in single precision, to its own rounding."""
    y_scale = model._state["y_scale"][0]
    found = run(path, X)
    mean, std = (values.reshape(len(X), -1) for values in model.predict(X, return_std=True))
    weights, means, stds = model.predict_mixture(X)
    expected = {
        "mean": (mean, y_scale),
        "variance": (std**2, y_scale**2),
        "weights": (weights, 1.0),
        "means": (means, y_scale),
        "stds": (stds, y_scale),
        "mixing_proba": (model.predict_mixing_proba(X), 1.0),
        "quantiles": (model.predict_quantile(X, LEVELS).reshape(len(X), -1, len(LEVELS)), y_scale),
    }
    assert list(found) == list(expected)
    atol = 1e-11 if model.dtype == "float64" else 1e-4
    for name, (values, scale) in expected.items():
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(found[name] / scale, values / scale, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_predicts_what_the_estimator_predicts(make_fitted, tmp_path, case):
    model = make_fitted(**case)
    model.export_onnx(tmp_path / "model.onnx", LEVELS)
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    assert_predicts_the_same(model, tmp_path / "model.onnx", random_rows(model))


def test_varying_noise_and_described_parts(make_fitted, tmp_path):
    """Of one expert the noise varies, whose components stand beside as many of the other."""
    experts = [
        {"kernel": {"name": "matern32", "active_dims": [1]}, "mean_function": "constant", "q_diag": True},
        {"noise_gp": {"inducing": {"num": 5}}, "mean_function": LINE, "inducing": {"num": 6}},
    ]
    gate = json.dumps({"kernel": {"name": "matern12", "active_dims": [0]}, "mean_function": LINE})
    model = described(make_fitted(n_features=2, n_outputs=2), *experts, gating_network=gate)
    model.export_onnx(tmp_path / "model.onnx", LEVELS)
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    X = random_rows(model)
    assert model.predict_mixture(X)[0].shape == (20, 14)
    assert_predicts_the_same(model, tmp_path / "model.onnx", X)


def test_rows_far_away(two):
    assert_predicts_the_same(*two, np.array([[1e20, 0.0], [-1e300, 1e300], [1e-300, 0.0]]))


def test_any_number_of_rows(two):
    model, path = two
    X = np.tile(random_rows(model, 1), (3000, 1))
    expected = run(path, X[:1])
    for n_rows in (0, 3000):
        for name, values in run(path, X[:n_rows]).items():
            assert values.shape == (n_rows, *expected[name].shape[1:])
            np.testing.assert_allclose(values, np.repeat(expected[name], n_rows, 0), rtol=1e-12)


def test_rows_that_are_not_finite_give_nan_and_leave_the_others_alone(two):
    X = np.zeros((4, 2))
    expected = run(two[1], X)
    X[1:, 1] = np.nan, np.inf, -np.inf
    for name, values in run(two[1], X).items():
        assert np.isnan(values[1:]).all()
        np.testing.assert_allclose(values[0], expected[name][0], rtol=1e-12)


def test_the_number_of_features_and_the_precision_are_the_files(two):
    for X in (np.zeros((4, 1)), np.zeros((4, 2), np.float32)):
        with pytest.raises(InvalidArgument, match=r"Got invalid dimensions|Unexpected input data type"):
            run(two[1], X)


def test_distribution_function():
    """To rounding, of itself in the tail; where doubles end, it is 0."""
    graph = Graph()
    probability = _normal_cdf(graph, graph.input("X", ["N"]))
    model = graph.model({"p": (probability, ["N"])}, {})
    z = np.linspace(-37, 9, 5001)
    expected = np.exp(log_ndtr(z))
    np.testing.assert_allclose(run(model.SerializeToString(), z)["p"], expected, rtol=3e-13)
    body = z > -4
    np.testing.assert_allclose(run(model.SerializeToString(), z[body])["p"], expected[body], rtol=1e-14)
    np.testing.assert_array_equal(run(model.SerializeToString(), np.array([-1e140, 1e140]))["p"], [0.0, 1.0])


def test_description(two):
    model = onnx.load(two[1])
    assert (model.producer_name, model.producer_version) == ("sklearn_mogpe", sklearn_mogpe.__version__)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    metadata = {part.key: part.value for part in model.metadata_props}
    assert metadata.pop("units").startswith("those of X and y")
    assert {key: json.loads(text) for key, text in metadata.items()} == {
        "n_experts": 2,
        "n_outputs": 1,
        "n_features": 2,
        "feature_names": ["time", "load"],
        "quantile_levels": LEVELS,
    }


def test_without_levels_there_are_no_quantiles_and_no_loop(two, tmp_path):
    """And the place of an earlier file is taken."""
    model, path = two[0], tmp_path / "model.onnx"
    path.write_bytes(b"an earlier one")
    model.export_onnx(str(path))
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    content = onnx.load(path)
    assert [output.name for output in content.graph.output] == OUTPUTS
    assert "Loop" not in {node.op_type for node in content.graph.node}
    assert {part.key: part.value for part in content.metadata_props}["feature_names"] == "null"


def no_expert(input_dim, num_outputs, Z):
    return sklearn_mogpe.experts.SVGPExpert(gpflow.kernels.RBF(), gpflow.likelihoods.Gaussian(), Z)


REFUSED = {
    "kernels of .'Matern12', 'Matern32', 'Matern52', 'SquaredExponential'. for ONNX, got Sum": {
        "kernel": {"sum": ["rbf", {"name": "linear", "variance": [1.0]}]}
    },
    "noise variances that are numbers for ONNX, got Linear": {"noise_variance": {"name": "linear"}},
    "SVGPExpert under an SVGPGatingNetwork for ONNX, got MixtureOfExperts": no_expert,
}


@pytest.mark.parametrize("message", REFUSED)
def test_parts_without_a_formula_are_refused(make_fitted, tmp_path, message):
    model = described(make_fitted(), REFUSED[message], {})
    with pytest.raises(ValueError, match=f"Expected {message}; try export_saved_model, which takes any."):
        model.export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_mean_functions_of_ones_own_are_refused(two, tmp_path, monkeypatch):
    def wave(X):
        return X

    def with_wave(self, *sizes):
        model = build(self, *sizes)
        model.experts.experts[0].gp.mean_function = wave
        return model

    build = type(two[0]._structure).build
    monkeypatch.setattr(type(two[0]._structure), "build", with_wave)
    with pytest.raises(
        ValueError, match="mean functions that are constant or linear for ONNX, got wave; try"
    ):
        two[0].export_onnx(tmp_path / "model.onnx")


@pytest.mark.parametrize("q", [0.0, [0.5, 1.0], [[0.5]], "0.5"])
def test_levels_outside_are_refused(two, tmp_path, q):
    with pytest.raises(ValueError, match="strictly between 0 and 1 as q, got"):
        two[0].export_onnx(tmp_path / "model.onnx", q)


def test_onnx_is_missing(two, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        ImportError, match=r'Expected the package onnx, .*pip install "sklearn-mogpe\[onnx\]"'
    ):
        two[0].export_onnx(tmp_path / "model.onnx")


def test_nothing_is_written_before_the_fit_or_where_there_is_no_directory(two, tmp_path):
    with pytest.raises(NotFittedError):
        MoGPERegressor().export_onnx(tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError):
        two[0].export_onnx(tmp_path / "nowhere" / "model.onnx")
    assert not list(tmp_path.iterdir())


SERVER = """
import sys
import numpy as np
from onnxruntime import InferenceSession

X = np.load("X.npy")
names = ["mean", "variance"]
np.savez("served.npz", **dict(zip(names, InferenceSession("model.onnx").run(names, {"X": X}))))
assert not {"tensorflow", "gpflow", "sklearn", "scipy", "sklearn_mogpe", "onnx"} & set(sys.modules)
"""


def test_served_where_only_the_runtime_is(two, tmp_path):
    model, path = two
    X = random_rows(model)
    (tmp_path / "model.onnx").write_bytes(path.read_bytes())
    np.save(tmp_path / "X.npy", X)
    subprocess.run([sys.executable, "-c", SERVER], check=True, cwd=tmp_path)
    served = np.load(tmp_path / "served.npz")
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(served["mean"][:, 0], mean, rtol=1e-10)
    np.testing.assert_allclose(served["variance"][:, 0], std**2, rtol=1e-10)
