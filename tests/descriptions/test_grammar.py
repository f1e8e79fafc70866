"""What is read of a description: all that it leaves out, and every mistake, whatever sizes are known."""

import numpy as np
import pytest

from sklearn_mogpe.descriptions.errors import ConfigurationError
from sklearn_mogpe.descriptions.grammar import read_expert, read_gate, read_gp, read_kernel
from sklearn_mogpe.descriptions.numbers import numbers

Z = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
PRIOR = {"name": "gamma", "concentration": 2.0, "rate": [1.0, 3.0]}
FULL = {
    "inducing": [{"Z": Z}, {"Z": {"value": Z, "trainable": False}, "trainable": False}],
    "kernel": [
        {"sum": ["rbf", {"name": "linear", "active_dims": [1]}], "trainable": False},
        {"name": "periodic", "base": {"name": "matern12", "lengthscales": {"prior": PRIOR}}},
    ],
    "mean_function": "linear",
    "noise_variance": {"name": "constant", "c": {"value": [0.1, 0.2], "trainable": False}},
    "num_outputs": 2,
    "q_mu": {"value": 0.5, "prior": {"name": "normal", "loc": 0, "scale": 1, "on": "unconstrained"}},
    "q_sqrt": -0.5,
}


def plain(spec):
    """With lists for arrays, which can be compared."""
    if isinstance(spec, dict):
        return {key: plain(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [plain(part) for part in spec]
    return spec.tolist() if isinstance(spec, np.ndarray) else spec


def test_what_is_left_out_is_filled_in():
    given = {"trainable": True}
    assert plain(read_expert({"inducing": {"Z": Z}, "num_outputs": 2})) == {
        "inducing": {"Z": {"value": Z, **given}, **given},
        "kernel": {
            "name": "rbf",
            "active_dims": None,
            "variance": {"value": 1.0, **given},
            "lengthscales": {"value": [1.0, 1.0], **given},
            **given,
        },
        "mean_function": {"name": "zero", **given},
        "noise_variance": {"value": 1.0, **given},
        "num_outputs": 2,
        "q_diag": False,
        "q_mu": {"value": [[0.0, 0.0]] * 3, **given},
        "q_sqrt": {"value": [np.eye(3).tolist()] * 2, **given},
        **given,
    }


@pytest.mark.parametrize(
    ("read", "config"),
    [
        (read_expert, FULL),
        (read_gp, {"inducing": {"Z": Z}, "q_diag": True, "q_sqrt": 0.5, "mean_function": "constant"}),
        (read_gate, {"inducing": {"Z": Z}, "num_experts": 3}),
        (read_gate, {"functions": [{"inducing": {"Z": Z}}, {"inducing": {"Z": Z[:1]}, "q_mu": 1.0}]}),
        (read_gate, {"num_experts": 1}),
    ],
)
def test_what_is_read_reads_as_itself(read, config):
    spec = read(config)
    assert plain(read(spec)) == plain(spec)


def test_what_is_given_is_kept():
    spec = plain(read_expert(FULL))
    first, second = spec["kernel"]
    assert not first["trainable"]
    assert first["sum"][1]["active_dims"] == [1]
    assert first["sum"][1]["variance"]["value"] == [1.0]  # one for each input in use
    assert second["base"]["lengthscales"]["prior"] == {**PRIOR, "on": "constrained"}
    assert spec["noise_variance"]["c"] == {"value": [0.1, 0.2], "trainable": False}
    assert spec["q_mu"]["value"] == [[0.5, 0.5]] * 3
    assert spec["q_sqrt"]["value"] == [(-0.5 * np.eye(3)).tolist()] * 2


MISTAKES = [
    ({"kernel": {"name": "rbf", "variance": [1.0, 2.0]}}, "kernel.variance: expected a positive number, got"),
    ({"kernel": {"name": "white", "active_dims": [-1]}}, "kernel.active_dims: expected a list of different"),
    ({"kernel": {"name": "periodic", "base": {"name": "cosine"}}}, "kernel.base: expected an isotropic"),
    ({"mean_function": {"name": "linear", "A": [1.0]}}, "mean_function.A: expected lists of 1 number or"),
    ({"noise_variance": {"name": "zero"}}, r"noise_variance.name: expected one of \['constant', 'linear'\]"),
    ({"q_sqrt": 0.0}, "q_sqrt: expected lower triangular matrices without zeros"),
    ({"q_sqrt": [[1.0]]}, "q_sqrt: expected a number or lists of lists of numbers"),
    ({"q_diag": True, "q_sqrt": [[1.0, -1.0]]}, "q_sqrt: expected a positive number or lists"),
    ({"inducing": {"trainable": 1}}, "inducing.trainable: expected true or false"),
]


@pytest.mark.parametrize(("config", "message"), MISTAKES)
def test_what_fits_no_data_is_told_without(config, message):
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        read_expert(config, in_estimator=True)


def test_sizes_that_are_known_are_checked():
    long = {"name": "rbf", "lengthscales": [1.0, 2.0, 3.0]}
    np.testing.assert_array_equal(read_kernel(long)["lengthscales"]["value"], [1.0, 2.0, 3.0])
    with pytest.raises(ConfigurationError, match=r"^lengthscales: .* or a list of 2 positive numbers"):
        read_kernel(long, 2)
    with pytest.raises(ConfigurationError, match=r"^active_dims: .* from 0 to 1, got \[2\]"):
        read_kernel({"name": "rbf", "active_dims": [2]}, 2)
    assert read_kernel({"name": "rbf", "active_dims": [2]})["active_dims"] == [2]


@pytest.mark.parametrize(
    ("read", "count"), [(read_expert, "num_outputs"), (read_gate, "num_experts"), (read_gp, "num_latent_gps")]
)
def test_an_estimators_data_count_inputs_and_outputs(read, count):
    assert read({"inducing": {"Z": Z}, count: 3})[count] == 3
    with pytest.raises(ConfigurationError, match=f"^{count}: unknown key"):
        read({"inducing": {"num": 3}, count: 1}, in_estimator=True)


def test_numbers_must_be_large_enough():
    with pytest.raises(ConfigurationError, match=r"expected a number above 0.1, got 0.1"):
        numbers(0.1, above=0.1)
