"""Kernels, functions, priors and sparse GPs from plain descriptions and back."""

import json
import tomllib

import gpflow
import numpy as np
import pytest
from gpflow.inducing_variables import InducingPoints, SeparateIndependentInducingVariables
from gpflow.kernels import SeparateIndependent, SharedIndependent

from sklearn_mogpe.descriptions.errors import ConfigurationError
from sklearn_mogpe.descriptions.grammar import read_function, read_kernel
from sklearn_mogpe.gps import SparseGP, configuration, marginals
from sklearn_mogpe.gps.configuration import describe_function, describe_kernel

RNG = np.random.default_rng(0)
D = 3
X = RNG.normal(size=(6, D))
Z = RNG.normal(size=(4, D)).tolist()

RBF = {"name": "rbf", "variance": 2.0, "lengthscales": [0.5, 1.0, 2.0]}
KERNELS = [
    RBF,
    {"name": "matern12", "variance": 0.5, "lengthscales": 0.7},
    {"name": "matern32", "variance": 1.0, "lengthscales": [0.7, 0.2], "active_dims": [2, 0]},
    {"name": "rational_quadratic", "variance": 1.0, "lengthscales": 1.0, "alpha": 3.0},
    {"name": "linear", "variance": [1.0, 2.0, 3.0]},
    {"name": "constant", "variance": 4.0},
    {"name": "cosine", "variance": 1.0, "lengthscales": 2.0},
    {"name": "white", "variance": 1.0, "active_dims": [1]},
    {"name": "periodic", "period": 2.0, "base": {"name": "matern52", "variance": 1.0, "lengthscales": 1.0}},
    {"sum": [RBF, {"product": [RBF, {"name": "linear", "variance": 1.0, "active_dims": [1]}]}]},
]


def make_kernel(config):
    return configuration.make_kernel(read_kernel(config, D))


def make_function(config, L):
    return configuration.make_function(read_function(config, {"D": D, "L": L}))


@pytest.mark.parametrize("config", KERNELS, ids=lambda config: next(iter(config.values()))[:12])
def test_kernels_are_made_as_described_and_described_as_made(config):
    kernel = make_kernel(config)
    again = describe_kernel(kernel, D)
    np.testing.assert_allclose(make_kernel(again)(X), kernel(X), rtol=1e-13)
    assert _rounded(again) == config


def _rounded(config):
    """Without the last digits that parameters' transforms take away."""
    return json.loads(json.dumps(config), parse_float=lambda text: round(float(text), 12))


def test_a_kernel_is_the_one_that_gpflow_makes_of_the_same_numbers():
    own = make_kernel({"sum": [KERNELS[2], KERNELS[8]]})
    gk = gpflow.kernels
    reference = gk.Matern32(1.0, [0.7, 0.2], active_dims=[2, 0]) + gk.Periodic(gk.Matern52(), 2.0)
    np.testing.assert_allclose(own(X), reference(X), rtol=1e-14)


def test_each_input_in_use_has_its_own_lengthscale_unless_a_number_is_given():
    assert make_kernel("rbf").lengthscales.shape == [3]
    assert make_kernel({"name": "rbf", "active_dims": [0, 2]}).lengthscales.shape == [2]
    assert make_kernel({"name": "rbf", "lengthscales": 1.0}).lengthscales.shape == []
    assert make_kernel({"name": "linear"}).variance.shape == [3]


def test_a_list_is_a_kernel_for_each_latent_function():
    kernel = make_kernel(["rbf", RBF])
    assert isinstance(kernel, SeparateIndependent)
    assert describe_kernel(kernel, D)[1]["variance"] == pytest.approx(2.0)
    assert describe_kernel(SharedIndependent(make_kernel(RBF), 2), D)["name"] == "rbf"


def test_kernels_and_functions_of_gpflow_are_taken_as_they_are():
    kernel, function = gpflow.kernels.RBF(), gpflow.functions.Constant()
    assert make_kernel(kernel) is kernel
    assert make_function(function, 1) is function


def test_slices_of_inputs_are_written_as_lists():
    assert describe_kernel(gpflow.kernels.RBF(active_dims=slice(1, None)), D)["active_dims"] == [1, 2]


def test_a_parameter_can_be_held_and_have_a_prior():
    prior = {"name": "gamma", "concentration": 2.0, "rate": 3.0}
    config = {"name": "rbf", "variance": {"trainable": False}, "lengthscales": {"value": 0.5, "prior": prior}}
    kernel = make_kernel(config)
    assert kernel.variance.numpy() == pytest.approx(1.0)
    assert not kernel.variance.trainable
    # log Gamma(0.5; 2, 3) = log(9 * 0.5) - 1.5
    assert kernel.lengthscales.log_prior_density().numpy() == pytest.approx(np.log(4.5) - 1.5)
    again = describe_kernel(kernel, D)
    assert again["variance"]["trainable"] is False
    assert again["lengthscales"]["prior"] == prior


def test_a_prior_may_be_of_the_unconstrained_value():
    prior = {"name": "normal", "loc": 0.0, "scale": 1.0, "on": "unconstrained"}
    kernel = make_kernel({"name": "rbf", "variance": {"value": 2.0, "prior": prior}})
    reference = gpflow.Parameter(
        2.0, transform=gpflow.utilities.positive(), prior=kernel.variance.prior, prior_on="unconstrained"
    )
    density = kernel.variance.log_prior_density().numpy()
    assert density == pytest.approx(reference.log_prior_density().numpy())
    assert density != pytest.approx(-0.5 * (4.0 + np.log(2 * np.pi)))
    assert describe_kernel(kernel, D)["variance"]["prior"] == prior


def test_not_trainable_holds_all_of_a_part():
    held = make_kernel({"sum": ["rbf", {"name": "linear", "trainable": False}]})
    assert [len(kernel.trainable_parameters) for kernel in held.kernels] == [2, 0]
    assert make_kernel({"sum": ["rbf", "linear"], "trainable": False}).trainable_parameters == ()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"name": "constant", "c": [1.0, 2.0]}, np.tile([1.0, 2.0], (6, 1))),
        ({"name": "linear", "A": [[1.0], [0.0], [2.0]], "b": 0.5}, X @ [[1.0], [0.0], [2.0]] + 0.5),
    ],
)
def test_functions_are_what_they_say(config, expected):
    function = make_function(config, 2)
    np.testing.assert_allclose(function(X), expected)
    assert describe_function(function) == config


def test_functions_are_zero_at_first():
    assert make_function("zero", 2) is None
    assert describe_function(gpflow.functions.Zero()) == describe_function(None) == {"name": "zero"}
    np.testing.assert_array_equal(make_function("linear", 2)(X), np.zeros((6, 2)))


def make_gp(**kwargs):
    kernel = SeparateIndependent([gpflow.kernels.RBF(lengthscales=0.3), gpflow.kernels.Matern32(2.0)])
    mean = gpflow.functions.Linear(RNG.normal(size=(D, 2)), RNG.normal(size=2))
    return SparseGP(kernel, np.array(Z), num_latent_gps=2, mean_function=mean, **kwargs)


@pytest.mark.parametrize("q_diag", [False, True])
def test_a_sparse_gp_comes_back_from_json_with_the_same_marginals_and_divergence(q_diag):
    q_sqrt = RNG.uniform(0.1, 1.0, (4, 2)) if q_diag else np.tril(RNG.normal(size=(2, 4, 4)))
    gp = make_gp(q_diag=q_diag, q_mu=RNG.normal(size=(4, 2)), q_sqrt=q_sqrt)
    gpflow.set_trainable(gp.inducing_variable, False)
    again = SparseGP.from_config(json.loads(json.dumps(gp.get_config())))
    for own, other in zip(marginals([again], X)[0], marginals([gp], X)[0], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-12)
    assert again.prior_kl().numpy() == pytest.approx(gp.prior_kl().numpy(), rel=1e-12)
    assert len(again.trainable_variables) == len(gp.trainable_variables)
    assert not again.inducing_variable.Z.trainable


def test_each_latent_function_may_have_its_own_inducing_points():
    variables = SeparateIndependentInducingVariables([InducingPoints(RNG.normal(size=(4, D))) for _ in "ab"])
    gp = SparseGP(gpflow.kernels.RBF(), variables, num_latent_gps=2, q_mu=RNG.normal(size=(4, 2)))
    again = SparseGP.from_config(gp.get_config())
    np.testing.assert_allclose(marginals([again], X)[0].mean, marginals([gp], X)[0].mean, rtol=1e-12)


def test_a_description_can_be_written_in_toml():
    text = """
    num_latent_gps = 1
    q_mu = 0.5
    kernel = { sum = [{ name = "rbf", lengthscales = 0.5 }, { name = "constant" }] }
    [inducing]
    Z = [[0.0], [1.0]]
    trainable = false
    """
    gp = SparseGP.from_config(tomllib.loads(text))
    np.testing.assert_array_equal(gp.q_mu, [[0.5], [0.5]])
    np.testing.assert_array_equal(gp.inducing_variable.Z, [[0.0], [1.0]])
    np.testing.assert_array_equal(gp.q_sqrt, [np.eye(2)])


def test_a_number_as_the_start_of_q_is_that_of_all_elements_or_of_the_diagonal():
    gp = SparseGP.from_config(
        {"inducing": {"Z": Z}, "q_mu": -1.0, "q_sqrt": {"value": 0.1, "trainable": False}}
    )
    np.testing.assert_array_equal(gp.q_mu, np.full((4, 1), -1.0))
    np.testing.assert_allclose(gp.q_sqrt, 0.1 * np.eye(4)[None])
    assert gp.q_mu.trainable
    assert not gp.q_sqrt.trainable
    diagonal = SparseGP.from_config({"inducing": {"Z": Z}, "q_diag": True, "q_sqrt": 0.1})
    np.testing.assert_allclose(diagonal.q_sqrt, np.full((4, 1), 0.1))


def rbf(**parameters):
    return {"name": "rbf", **parameters}


KERNEL_ERRORS = [
    (
        rbf(lengthscales=-1.0),
        r".lengthscales: expected a positive number or a list of 3 .*, got -1.0",
    ),
    (rbf(lengthscales=[1.0]), r".lengthscales: .* got \[1.0\]"),
    (rbf(variance=[1.0]), r".variance: expected a positive number, got \[1.0\]"),
    (rbf(variance=True), ".variance: .* got True"),
    (rbf(variance="1"), ".variance: .* got '1'"),
    (rbf(variance=float("inf")), ".variance: .* got inf"),
    (rbf(length=1.0), ".length: unknown key; expected one of .*'lengthscales'"),
    ({"name": "rbg"}, ".name: expected one of .*'rbf'.*, got 'rbg'"),
    ({}, ".name: expected one of .* got None"),
    (3, ": expected a table, got 3"),
    (rbf(active_dims=[0, 3]), r".active_dims: expected a list of different inputs from 0 to 2, got \[0, 3\]"),
    (rbf(active_dims=[0, 0]), r".active_dims: .* got \[0, 0\]"),
    ({"sum": ["rbf", rbf(variance=0)]}, r".sum\[1\].variance: "),
    ({"product": []}, r".product: expected a list of one or more, got \[\]"),
    ({"sum": ["rbf"], "variance": 1.0}, ".variance: unknown key"),
    ({"name": "periodic", "base": "linear"}, ".base: expected an isotropic stationary kernel"),
    (rbf(trainable=0), ".trainable: expected true or false, got 0"),
    (rbf(variance={"valeu": 1.0}), ".variance.valeu: unknown key"),
    (rbf(variance={"prior": {"name": "gama"}}), ".variance.prior.name: expected one of .*'gamma'"),
    (
        rbf(variance={"prior": {"name": "exponential"}}),
        ".variance.prior.rate: expected .* got None",
    ),
]
GP_ERRORS = [
    ({"mean_function": {"name": "linear", "A": [[1.0]]}}, "mean_function.A: expected 3 lists of 1 number, "),
    ({"mean_function": {"name": "zero", "c": 1.0}}, "mean_function.c: unknown key"),
    ({"q_mu": [0.0]}, r"q_mu: expected a number or 4 lists of 1 number, got \[0.0\]"),
    ({"q_sqrt": np.ones((1, 4, 4))}, "q_sqrt: expected lower triangular matrices without zeros"),
    ({"q_sqrt": -1.0, "q_diag": True}, "q_sqrt: expected a positive number or 4 lists of 1 pos.*, got -1.0"),
    ({"q_diag": 1}, "q_diag: expected true or false, got 1"),
    ({"inducing": {"num": 3}}, "inducing.num: expected inducing inputs Z"),
    ({"inducing": {"Z": [[0.0], [1.0, 2.0]]}}, "inducing.Z: expected lists of numbers, got"),
    ({"inducing": {}}, "inducing.Z: expected lists of numbers, got None"),
    ({"num_latent_gps": 0}, "num_latent_gps: expected a positive integer, got 0"),
    ({"num_latent_gps": 2, "kernel": ["rbf"] * 3}, "Expected 1 or 2 kernels"),
    ({"Z": []}, "Z: unknown key; expected one of .*'inducing'"),
    *(({"kernel": config}, f"kernel{message}") for config, message in KERNEL_ERRORS),
]


@pytest.mark.parametrize(("config", "message"), GP_ERRORS)
def test_errors_name_the_key_and_what_is_expected(config, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        SparseGP.from_config({"inducing": {"Z": Z}, **config})


def test_what_has_no_name_cannot_be_described():
    with pytest.raises(ConfigurationError, match=r"ArcCosine has no name; known are .*'rbf'"):
        describe_kernel(gpflow.kernels.ArcCosine(), D)
