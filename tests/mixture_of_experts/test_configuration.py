"""Mixtures and their parts from plain descriptions and back."""

import json

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.descriptions.errors import ConfigurationError
from sklearn_mogpe.experts import ExpertBase, Experts, SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import GatingNetworkBase, SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals, SparseGP
from sklearn_mogpe.mixture_of_experts import BOUNDS, MixtureOfExperts, MixtureOfSVGPExperts, further

Z = [[-1.0], [0.0], [1.0]]


class Flat(ExpertBase):
    """A constant of which all is known."""

    num_outputs = 1

    def __init__(self, level=0.0):
        super().__init__()
        self.level = gpflow.Parameter(level)

    def get_config(self):
        return {"level": self.level.numpy().tolist()}

    def marginals(self, X):
        zeros = tf.zeros([1, tf.shape(X)[0]], X.dtype)
        return Marginals(self.level + zeros, zeros, zeros)

    def noise_variance(self, X):
        return tf.ones([1, tf.shape(X)[0]], X.dtype)

    def prior_kl(self):
        return tf.zeros([], gpflow.default_float())


class Coin(GatingNetworkBase):
    """The same probability of two experts everywhere."""

    num_experts, num_latent_gps = 2, 0

    def __init__(self, logit):
        super().__init__()
        self.logit = gpflow.Parameter(logit)

    def get_config(self):
        return {"logit": self.logit.numpy().tolist()}

    def marginals(self, X):
        nothing = tf.zeros([0, tf.shape(X)[0]], X.dtype)
        return Marginals(nothing, nothing, nothing)

    def log_mixing_probs(self, h, variance=None, num_points=None):
        log_probs = tf.math.log_sigmoid(tf.stack([self.logit, -self.logit]))[:, None]
        return log_probs + tf.zeros_like(tf.reduce_sum(h, -2, keepdims=True))

    def prior_kl(self):
        return tf.zeros([], gpflow.default_float())


def again(model):
    return type(model).from_config(json.loads(json.dumps(model.get_config())))


def assert_same(model, other, data):
    assert other.elbo(data).numpy() == pytest.approx(model.elbo(data).numpy(), rel=1e-12)
    for own, reference in zip(other.predict_mixture(data[0]), model.predict_mixture(data[0]), strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-12)


@pytest.mark.parametrize("bound", list(BOUNDS))
@pytest.mark.parametrize(("K", "P"), [(1, 1), (2, 2), (3, 1)])
def test_a_mixture_comes_back_with_the_same_bound_and_predictions(make_mixture, make_data, K, P, bound):
    model = make_mixture(K, P, bound=bound, num_samples=8, num_data=100)
    model.jitter.assign(1e-4)
    other = again(model)
    assert_same(model, other, make_data(P))
    assert other.get_config().keys() == model.get_config().keys()
    assert (other.num_data, float(other.jitter)) == (100, 1e-4)


def test_experts_and_gates_of_ones_own_come_back_too(make_data):
    experts = Experts([Flat(0.5), SVGPExpert.from_config({"inducing": {"Z": Z}, "q_mu": 0.3})])
    model = MixtureOfExperts(experts, Coin(-1.0), bound="further")
    config = model.get_config()
    assert config["experts"][0] == {"class": "Flat", "level": 0.5}
    assert config["gating_network"] == {"class": "Coin", "logit": -1.0}
    assert_same(model, again(model), make_data())


def test_experts_in_another_container_are_described_with_it(make_mixture, make_data):
    model = make_mixture(kind=MixtureOfExperts)
    assert model.get_config()["experts"]["class"] == "SVGPExperts"
    assert type(again(model).experts) is SVGPExperts
    assert_same(model, again(model), make_data())


def test_what_is_held_stays_held_and_priors_stay(make_mixture, make_data):
    model = make_mixture()
    expert = model.experts.experts[0]
    gpflow.set_trainable(expert.gp.inducing_variable, False)
    expert.likelihood.variance.prior = SVGPExpert.from_config(
        {
            "inducing": {"Z": Z},
            "noise_variance": {"prior": {"name": "lognormal", "loc": 0.0, "scale": 2.0}},
        }
    ).likelihood.variance.prior
    other = again(model)
    names = [path for path, p in gpflow.utilities.parameter_dict(model).items() if p.trainable]
    assert names == [path for path, p in gpflow.utilities.parameter_dict(other).items() if p.trainable]
    density = model.log_prior_density().numpy()
    assert density != 0.0
    assert other.log_prior_density().numpy() == pytest.approx(density, rel=1e-12)


def test_an_expert_is_what_its_description_says():
    config = {"inducing": {"Z": Z}, "num_outputs": 2, "noise_variance": [0.1, 0.2], "trainable": False}
    expert = SVGPExpert.from_config(config)
    np.testing.assert_allclose(expert.noise_variance(np.zeros((3, 1))), [[0.1] * 3, [0.2] * 3])
    np.testing.assert_array_equal(expert.gp.inducing_variable.Z, Z)
    assert expert.trainable_variables == ()


def test_noise_may_be_a_function_of_x():
    noise = {"name": "linear", "A": [[0.5]], "b": 1.0}
    expert = SVGPExpert.from_config({"inducing": {"Z": Z}, "noise_variance": noise})
    np.testing.assert_allclose(expert.noise_variance(np.array([[0.0], [2.0]])), [[1.0, 2.0]])
    assert expert.get_config()["noise_variance"] == {"name": "linear", "A": [[0.5]], "b": 1.0}


def test_noise_described_by_its_scale_is_refused():
    expert = SVGPExpert(gpflow.kernels.RBF(), gpflow.likelihoods.Gaussian(scale=0.1), np.array(Z))
    with pytest.raises(ConfigurationError, match=r"noise_variance: expected a variance, got"):
        expert.get_config()


def test_a_gates_functions_one_by_one_are_those_of_a_joint_gate(make_data):
    """The same kernels and q, once in one sparse GP, once in three of different numbers of points."""
    X, _ = make_data()
    rng = np.random.default_rng(0)
    q_mu = rng.normal(size=(3, 3))
    functions = [
        {"inducing": {"Z": Z}, "kernel": {"name": "rbf", "lengthscales": 1.0 + k}, "q_mu": q_mu[:, [k]]}
        for k in range(3)
    ]
    gate = SVGPGatingNetwork.from_config({"num_experts": 3, "functions": functions})
    kernels = [function["kernel"] for function in functions]
    joint = SVGPGatingNetwork.from_config(
        {"num_experts": 3, "inducing": {"Z": Z}, "kernel": kernels, "q_mu": q_mu}
    )
    np.testing.assert_allclose(gate.predict_mixing_probs(X), joint.predict_mixing_probs(X), rtol=1e-12)
    assert gate.prior_kl().numpy() == pytest.approx(joint.prior_kl().numpy(), rel=1e-12)
    mean = {"name": "constant", "c": 0.4}
    functions[1] = {"inducing": {"Z": [[0.5]]}, "mean_function": mean, "q_sqrt": 0.5}
    gate = SVGPGatingNetwork.from_config({"num_experts": 3, "functions": functions})
    np.testing.assert_allclose(gate.marginals(X).mean[1], np.full(len(X), 0.4))
    other = SVGPGatingNetwork.from_config(gate.get_config())
    np.testing.assert_allclose(other.predict_mixing_probs(X), gate.predict_mixing_probs(X), rtol=1e-12)


def test_a_gate_has_as_many_functions_as_its_experts_need():
    with pytest.raises(ValueError, match="of 3 experts to have 3 latent functions, got 1"):
        SVGPGatingNetwork(num_experts=3, functions=[SparseGP(gpflow.kernels.RBF(), np.array(Z))])


def test_a_bound_without_a_name_can_be_given_one(make_mixture, make_data, monkeypatch):
    def lower(latents, Y, points):
        return further(latents, Y, points) - 1.0

    model = make_mixture(bound=lower)
    with pytest.raises(ConfigurationError, match=r"bound: expected one of .*'further'.* add it to BOUNDS"):
        model.get_config()
    monkeypatch.setitem(BOUNDS, "lower", lower)
    assert model.get_config()["bound"] == "lower"
    assert_same(model, again(model), make_data())


PART = {"inducing": {"Z": Z}}
EXPERT_ERRORS = [
    ({**PART, "kernel": {"name": "rbf", "lengthscales": -1.0}}, ".kernel.lengthscales: expected a positive"),
    ({"noise": 0.1}, ".noise: unknown key; expected one of .*'noise_variance'"),
    ({**PART, "noise_variance": 0.0}, ".noise_variance: expected a number above 1e-06"),
    ({**PART, "noise_variance": {"name": "zero"}}, ".noise_variance.name: expected one of"),
    ({"class": "Round"}, ".class: expected one of .*'Flat',.* 'SVGPExpert'.* got 'Round'"),
    (1, ": expected a table, got 1"),
]
THREE = {"num_experts": 3, "functions": [PART, {"inducing": []}]}
ERRORS = [
    *(({"experts": [PART, config]}, rf"experts\[1\]{message}") for config, message in EXPERT_ERRORS),
    ({"experts": [PART, {"class": "Flat"}]}, r"experts: Expected experts of SVGPExpert, got \['Flat'\]"),
    ({"experts": [PART, {**PART, "num_outputs": 2}]}, "experts: Expected one or more experts with the same"),
    ({"experts": {"class": "SVGPExperts", "experts": [1]}}, r"experts.experts\[0\]: expected a table"),
    ({"experts": None}, "experts: expected a list of one or more, got None"),
    ({"gating_network": None}, "gating_network: expected a table, got None"),
    ({"gating_network": {"num_experts": 1, "kernel": "rbf"}}, "gating_network.kernel: unknown key"),
    ({"gating_network": THREE}, r"gating_network.functions\[1\].inducing: expected a list of one or more"),
    ({"gating_network": {**PART, "num_experts": 1.0}}, "gating_network.num_experts: expected a positive"),
    ({"bound": "loose"}, "bound: expected one of .*'further'.* got 'loose'"),
    ({"num_samples": 2.5}, "num_samples: expected a positive integer, got 2.5"),
    ({"jitter": 0.0}, "jitter: expected a positive number, got 0.0"),
    ({"samples": 2}, "samples: unknown key; expected one of .*'num_samples'"),
]


@pytest.mark.parametrize(("config", "message"), ERRORS)
def test_errors_name_the_key_and_what_is_expected(config, message):
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        MixtureOfSVGPExperts.from_config({"experts": [PART, PART], "gating_network": PART, **config})


def test_a_batched_mixture_takes_no_other_experts_or_gates():
    expert = SVGPExpert.from_config(PART)
    with pytest.raises(ValueError, match="got Experts and SVGPGatingNetwork; try MixtureOfExperts"):
        MixtureOfSVGPExperts(Experts([expert]), SVGPGatingNetwork(num_experts=1))
    with pytest.raises(ValueError, match="got SVGPExperts and Coin"):
        MixtureOfSVGPExperts(SVGPExperts([expert, expert]), Coin(0.0))
