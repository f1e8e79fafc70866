"""Estimators come from TOML files, and go there; what is wrong in a file is named."""

from pathlib import Path

import numpy as np
import pytest
from gpflow.kernels import RBF

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.descriptions.errors import ConfigurationError

DESCRIBED = {
    "experts": [
        {
            "kernel": {"sum": [{"name": "matern32", "lengthscales": [0.5, 2.0]}, "constant"]},
            "mean_function": {"name": "linear", "A": [[1.0], [0.0]]},
            "noise_variance": {"value": 0.01, "trainable": False},
            "inducing": {"num": 3},
            "q_mu": [[0.1], [0.2], [0.3]],
        },
        {"kernel": {"name": "rbf", "active_dims": [1]}, "q_diag": True, "q_sqrt": 0.5},
    ],
    "gating_network": {
        "kernel": {"name": "rbf", "variance": 4.0},
        "inducing": {"num": 8, "trainable": False},
    },
    "solver": "adam",
    "max_iter": 3,
    "random_state": 7,
    "log_dir": "logs",
    "normalize_y": False,
    "learning_rate": 0.5,
}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_experts": 3, "kernel": ["rbf", "matern32", "matern52"], "n_inducing": 7, "tol": 0.0},
        {"n_experts": "auto", "batch_size": 16, "verbose": True, "early_stopping": True},
        DESCRIBED,
    ],
)
def test_what_is_written_is_read(tmp_path, params):
    model = MoGPERegressor(**params)
    assert model.to_toml(tmp_path / "model.toml") is model
    assert MoGPERegressor.from_toml(tmp_path / "model.toml").get_params() == model.get_params()


def test_a_described_model_is_fitted_as_from_python(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=30)
    expected = MoGPERegressor(**DESCRIBED).set_params(log_dir=None).fit(X, y)
    expected.to_toml(tmp_path / "model.toml")
    found = MoGPERegressor.from_toml(tmp_path / "model.toml").fit(X, y)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


def test_numbers_and_paths_of_other_libraries(tmp_path):
    model = MoGPERegressor(
        np.int64(3),
        learning_rate=np.float64(0.25),
        kernel=("rbf", "rbf", "matern12"),
        gating_network={"q_mu": np.ones((2, 3)), "inducing": {"num": np.int32(2)}},
        checkpoint_dir=Path("here"),
    ).to_toml(tmp_path / "model.toml")
    read = MoGPERegressor.from_toml(tmp_path / "model.toml")
    assert (read.n_experts, read.learning_rate, read.checkpoint_dir) == (3, 0.25, "here")
    assert read.kernel == ["rbf", "rbf", "matern12"]
    assert read.gating_network == {"q_mu": [[1.0] * 3] * 2, "inducing": {"num": 2}}
    assert read.n_samples == model.n_samples


def test_only_what_is_not_as_usual_is_written(tmp_path):
    MoGPERegressor((1, 2), bound="tight", n_samples=np.int64(32)).to_toml(tmp_path / "model.toml")
    assert (tmp_path / "model.toml").read_text() == '[estimator]\nbound = "tight"\n'


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"kernel": lambda input_dim: RBF()}, "kernel"),
        ({"random_state": np.random.RandomState(0)}, "random_state"),
        ({"experts": [{}, {"kernel": RBF()}]}, r"experts\[1\].kernel"),
    ],
)
def test_what_no_file_can_hold(tmp_path, params, key):
    with pytest.raises(ConfigurationError, match=f"{key}: expected numbers, strings, lists and dicts"):
        MoGPERegressor(**params).to_toml(tmp_path / "model.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[estimator", "Expected ']'"),
        ("[model]", r"model: unknown key; expected one of \['data', 'estimator', 'output', 'split'\]"),
        ("estimator = 3", "estimator: expected a table, got 3"),
        ("[estimator]\nn_sample = 3", r"estimator.n_sample: unknown key; expected one of \['batch_size'"),
        ("[estimator]\nn_samples = 3.5", "estimator.n_samples: .* must be an int in the range"),
        ("[estimator]\nn_experts = true", "estimator.n_experts: expected no true or false, got True"),
        ("[estimator]\ntol = -1.0", "estimator.tol: .* must be a float in the range"),
        ("[estimator]\nsolver = 'sgd'", "estimator.solver: .* must be a str among"),
        ("[estimator]\nkernel = 'rfb'", r"Expected one of \['rbf', .*as kernel, got 'rfb'"),
        (
            "[estimator]\nn_experts = 2\nkernel = ['rbf']",
            "Expected one kernel, or one for each of 2 experts, got 1",
        ),
        ("[estimator]\nn_experts = [2, 1]", "estimator.n_experts: expected positive integers in ascending"),
        ("[estimator.gating_network]\nkernal = 'rbf'", "estimator.gating_network.kernal: unknown key"),
        (
            "[[estimator.experts]]\n[[estimator.experts]]\nkernel = {name = 'rbf', lengthscales = [1, -1]}",
            r"estimator.experts\[1\].kernel.lengthscales: expected a positive number or a list of positive",
        ),
        (
            "[[estimator.experts]]\nkernel = {name = 'rbf', lengthscale = 1.0}",
            r"estimator.experts\[0\].kernel.lengthscale: unknown key; expected one of \['active_dims', 'leng",
        ),
        (
            "[[estimator.experts]]\ninducing = {num = 0}",
            r"experts\[0\].inducing.num: expected a positive integer",
        ),
        ("[[estimator.experts]]\nnoise_variance = 'low'", r"experts\[0\].noise_variance: expected"),
        ("[[estimator.experts]]\nq_diag = 1", r"experts\[0\].q_diag: expected true or false, got 1"),
        (
            "[[estimator.gating_network.functions]]\n[[estimator.gating_network.functions]]",
            "estimator.gating_network: Expected a gating network of 2 experts to have 1 latent",
        ),
    ],
)
def test_errors_name_file_and_key(tmp_path, text, message):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"wrong.toml: .*{message}"):
        MoGPERegressor.from_toml(file)


@pytest.mark.parametrize(
    "text",
    [
        "kernel = {name = 'rbf', lengthscales = [1.0, 2.0, 3.0]}",
        "kernel = {sum = ['rbf', {name = 'linear', active_dims = [4]}]}",
        "noise_variance = [0.1, 0.2]\ninducing = {num = 3}\nq_mu = [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]",
        "mean_function = {name = 'linear', A = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}",
    ],
)
def test_what_some_data_would_fit_to_is_no_error(tmp_path, text):
    file = tmp_path / "model.toml"
    file.write_text(f"[[estimator.experts]]\n{text}")
    assert len(MoGPERegressor.from_toml(file).experts) == 1


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        MoGPERegressor.from_toml(tmp_path / "none.toml")


def test_no_text(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"binary.toml: .*utf-8"):
        MoGPERegressor.from_toml(tmp_path / "binary.toml")
