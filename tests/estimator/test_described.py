"""Experts, gates and bounds that are described, or of the user's own making, in the estimator."""

import pickle
import re

import gpflow
import joblib
import numpy as np
import pytest
import skops.io
import tensorflow as tf
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.base import clone

from sklearn_mogpe.descriptions.errors import ConfigurationError
from sklearn_mogpe.engine.program import Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.experts import ExpertBase
from sklearn_mogpe.gating_networks import GatingNetworkBase
from sklearn_mogpe.gps import Marginals
from sklearn_mogpe.mixture_of_experts import further

QUIET = {"kernel": {"name": "rbf", "lengthscales": 2.0}, "noise_variance": 0.01, "inducing": {"num": 12}}
NOISY = {"kernel": "matern32", "noise_variance": 0.5, "inducing": {"num": 9}, "mean_function": "constant"}
SMALL_GATE = {"inducing": {"num": 6}}


class Line(ExpertBase):
    """y = w0 + w x + noise, with w ~ N(0, I) before the data."""

    def __init__(self, input_dim, num_outputs, Z):
        super().__init__()
        self.num_outputs = num_outputs
        self.q_mu = gpflow.Parameter(np.zeros((1 + input_dim, num_outputs)))
        roots = np.tile(np.eye(1 + input_dim), (num_outputs, 1, 1))
        self.q_sqrt = gpflow.Parameter(roots, transform=gpflow.utilities.triangular())
        self.variance = gpflow.Parameter(0.1, transform=gpflow.utilities.positive())

    def marginals(self, X):
        features = tf.concat([tf.ones_like(X[:, :1]), X], 1)
        variance = tf.reduce_sum(tf.square(tf.matmul(features, self.q_sqrt)), 2)
        mean = tf.transpose(tf.matmul(features, self.q_mu))
        return Marginals(mean, variance, tf.zeros_like(variance))

    def noise_variance(self, X):
        return tf.fill([self.num_outputs, tf.shape(X)[0]], self.variance)

    def prior_kl(self):
        return gpflow.kullback_leiblers.gauss_kl(self.q_mu, self.q_sqrt)


class Logistic(GatingNetworkBase):
    """Probabilities that are the softmax of lines, with a Gaussian prior of their slopes."""

    def __init__(self, input_dim, num_experts, Z):
        super().__init__()
        self.num_experts = self.num_latent_gps = num_experts
        self.slopes = gpflow.Parameter(np.zeros((input_dim, num_experts)))
        self.offsets = gpflow.Parameter(np.linspace(-0.1, 0.1, num_experts))

    def marginals(self, X):
        h = tf.transpose(tf.matmul(X, self.slopes) + self.offsets)
        return Marginals(h, tf.zeros_like(h), tf.zeros_like(h))

    def log_mixing_probs(self, h, variance=None, num_points=None):
        return tf.nn.log_softmax(h, -2)

    def prior_kl(self):
        return 0.5 * tf.reduce_sum(tf.square(self.slopes))


def lower(latents, Y, points):
    """A nat per row below the usual bound."""
    return further(latents, Y, points) - 1.0


def no_expert(input_dim, num_outputs, Z):
    return 3


@pytest.fixture(scope="module")
def make(make_regressor):
    """Make a small regressor whose start is as its descriptions say."""
    small = {"init_params": "auto", "max_iter": 10, "n_inducing": 8}
    return lambda **params: make_regressor(**{**small, **params})


@pytest.fixture(scope="module")
def fitted(make, step):
    return make(experts=[QUIET, NOISY], gating_network=SMALL_GATE, max_iter=100).fit(*step[:2])


@pytest.fixture(scope="module")
def foreign(make, step):
    return make(experts=[Line, NOISY], gating_network=Logistic).fit(*step[:2])


def test_experts_are_of_the_kinds_that_are_described(fitted):
    quiet, noisy = fitted.model_.experts.experts
    assert type(quiet.gp.kernel) is gpflow.kernels.RBF
    assert type(noisy.gp.kernel) is gpflow.kernels.Matern32
    assert type(noisy.gp.mean_function) is gpflow.functions.Constant
    assert [gp.num_inducing for gp in fitted.model_.gps] == [12, 9, 6]
    assert (fitted.n_experts_, fitted.n_inducing_) == (2, 12)
    assert fitted.experts_[0]["lengthscales"].shape == (1, 1)


def test_described_experts_learn_what_they_are_made_for(fitted, new_rows):
    X, y, _ = new_rows["step"]
    quiet, noisy = (expert["noise_std"][0] for expert in fitted.experts_)
    assert (quiet, noisy) == pytest.approx((0.05, 0.3), rel=0.3)
    assert np.mean(fitted.score_samples(X, y)) > 0.4


def test_fewer_inducing_points_are_the_first_of_more(make, step):
    held = {"trainable": False}
    experts = [{"inducing": {"num": num, **held}} for num in (8, 3)]
    model = make(experts=experts, gating_network={"inducing": held}).fit(*step[:2])
    Z = [np.asarray(gp.inducing_variable.Z) for gp in model.model_.gps]
    np.testing.assert_array_equal(Z[1], Z[0][:3])
    np.testing.assert_array_equal(Z[2], Z[0])
    assert len(np.unique(Z[0])) == 8


def test_there_are_no_more_inducing_points_than_distinct_inputs(make):
    X = np.repeat(np.arange(6.0), 5)[:, None]
    y = np.sin(X[:, 0]) + np.tile([0.0, 0.1, 0.2, 0.3, 0.4], 6)
    model = make(experts=[{"inducing": {"num": 50}}, {"inducing": {"num": 4}}]).fit(X, y)
    assert [gp.num_inducing for gp in model.model_.gps] == [6, 4, 6]


@pytest.mark.slow
def test_what_says_nothing_is_as_usual(make_regressor, short_search, step):
    """The same search and the same fit, once by the usual graphs, once by those of a description."""
    usual = make_regressor(max_iter=10).fit(*step[:2])
    described = make_regressor(5, max_iter=10, experts=[{}, {}], gating_network={}).fit(*step[:2])
    assert described.lower_bound_ == pytest.approx(usual.lower_bound_, rel=1e-8)
    np.testing.assert_allclose(described.predict(step[0]), usual.predict(step[0]), rtol=1e-6)


def test_training_begins_where_the_description_says():
    experts = (
        '{"kernel": {"name": "rbf", "lengthscales": 0.3, "variance": 2.0}, "noise_variance": 0.05}',
        '{"q_mu": 0.5, "q_sqrt": 0.2, "inducing": {"num": 2}}',
    )
    structure = Structure(("rbf",) * 2, "rbf", 1, 8, "tight", n_features=1, experts=experts, n_inducing=3)
    program, Z = Program(structure), np.array([[0.0], [1.0], [2.0]])
    program.reset(Z)
    first, second = program.model.experts.experts
    np.testing.assert_allclose(first.gp.kernel.lengthscales, 0.3)
    np.testing.assert_allclose(first.likelihood.variance, 0.05)
    np.testing.assert_allclose(second.likelihood.variance, [0.1])
    np.testing.assert_array_equal(first.gp.q_mu, np.zeros((3, 1)))
    np.testing.assert_array_equal(second.gp.q_mu, np.full((2, 1), 0.5))
    np.testing.assert_allclose(second.gp.q_sqrt, 0.2 * np.eye(2)[None])
    np.testing.assert_array_equal(second.gp.inducing_variable.Z, Z[:2])
    assert not second.gp.inducing_variable.Z.trainable  # of a tight bound
    assert first.gp.kernel.variance.prior is None
    assert second.gp.kernel.variance.prior is not None  # as usual


def test_what_is_held_stays(make, step):
    kernel = {"name": "rbf", "lengthscales": {"value": 0.5, "trainable": False}}
    noise = {"value": 0.02, "trainable": False}
    model = make(experts=[{"kernel": kernel, "noise_variance": noise}, {}]).fit(*step[:2])
    held, free = model.model_.experts.experts
    np.testing.assert_allclose(held.gp.kernel.lengthscales, 0.5)
    np.testing.assert_allclose(held.likelihood.variance, 0.02)
    assert abs(free.likelihood.variance.numpy()[0] - 0.1) > 1e-3


def test_q_alone_may_be_trained(make, wave):
    """Of one expert, it then reaches the collapsed bound."""
    X, y = wave
    held = {"trainable": False}
    expert = {"kernel": {"name": "rbf", **held}, "noise_variance": held, "inducing": held}
    model = make(experts=[expert], max_iter=50).fit(X, y)
    gp = model.model_.experts.experts[0].gp
    standardised = tuple((values - values.mean(0)) / values.std(0) for values in (X, y[:, None]))
    sgpr = gpflow.models.SGPR(standardised, gp.kernel, gp.inducing_variable, noise_variance=0.1)
    with gpflow.config.as_context(gpflow.config.Config(jitter=model._state["parameters"][".jitter"])):
        assert model.lower_bound_ == pytest.approx(sgpr.elbo().numpy(), rel=1e-6)
    with pytest.raises(ValueError, match="Expected something to train"):
        make(experts=[{"trainable": False, "inducing": held}]).fit(X, y)


@pytest.mark.slow
def test_a_gates_functions_may_be_described_one_by_one(make, step):
    functions = [{"inducing": {"num": 3}}, {"kernel": "linear"}, {"mean_function": "constant"}]
    experts = [QUIET, NOISY, {"noise_variance": 0.2}]
    model = make(experts=experts, gating_network={"functions": functions}).fit(*step[:2])
    assert [gp.num_inducing for gp in model.model_.gating_network.gps] == [3, 8, 8]
    np.testing.assert_allclose(model.predict_mixing_proba(step[0]).sum(1), 1.0)
    assert model.predict_gating_functions(step[0]).shape == (150, 3)


@pytest.mark.slow
def test_outputs_may_have_kernels_and_noises_of_their_own(make, step):
    Y = np.column_stack([step[1], -step[1]])
    experts = [{"kernel": ["rbf", "matern32"], "noise_variance": [0.01, 0.1]}, {"noise_variance": 0.3}]
    model = make(experts=experts).fit(step[0], Y)
    first, second = model.model_.experts.experts
    assert [type(kernel).__name__ for kernel in first.gp.kernel.kernels] == ["SquaredExponential", "Matern32"]
    assert second.likelihood.variance.shape == []
    assert model.experts_[1]["noise_std"].shape == (2,)
    assert model.predict(step[0]).shape == (150, 2)


@pytest.mark.slow
def test_the_number_of_experts_may_be_chosen_under_a_described_gate(make, short_search, wave):
    model = make(n_experts="auto", gating_network={"kernel": "matern32"}).fit(*wave)
    assert set(model.n_experts_scores_) == {1, 2}


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_a_diagonal_q_takes_other_solvers(make, step, solver):
    model = make(experts=[{**QUIET, "q_diag": True}, NOISY], solver=solver, max_iter=20)
    model.fit(*step[:2])
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.model_.experts.experts[0].gp.q_sqrt.shape == (12, 1)


def test_a_line_alone_reaches_the_evidence_of_linear_regression(make):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = X @ [1.0, -2.0] + 0.5 + 0.3 * rng.normal(size=40)
    model = make(experts=[Line], solver="lbfgs", max_iter=300, normalize_y=False, tol=0.0).fit(X, y)
    features = np.column_stack([np.ones(40), (X - X.mean(0)) / X.std(0)])
    noise = model.experts_[0]["variance"]
    evidence = multivariate_normal.logpdf(y, cov=features @ features.T + noise * np.eye(40))
    assert model.lower_bound_ == pytest.approx(evidence, abs=1e-3)


def test_a_logistic_gate_gives_the_probabilities(foreign, step):
    X = step[0]
    gate = foreign.model_.gating_network
    h = (X - X.mean(0)) / X.std(0) @ gate.slopes.numpy() + gate.offsets.numpy()
    np.testing.assert_allclose(foreign.predict_mixing_proba(X), softmax(h, axis=1), rtol=1e-9)
    assert np.ptp(h) > 0.1  # it was trained


def test_experts_of_ones_own_say_their_parameters(foreign):
    line, gp = foreign.experts_
    assert set(line) == {"q_mu", "q_sqrt", "variance"}
    assert {"noise_std", "signal_std", "lengthscales"} == set(gp)


@pytest.mark.slow
def test_a_bound_of_ones_own_is_what_is_raised(make, step):
    """With the same inducing inputs, a bound that is a nat per row lower ends a nat per row lower."""
    held = {"inducing": {"trainable": False}}
    same = {"experts": [{**held, "noise_variance": 0.01}, held], "gating_network": held}
    usual, own = make(**same).fit(*step[:2]), make(bound=lower, **same).fit(*step[:2])
    assert own.lower_bound_ == pytest.approx(usual.lower_bound_ - 150.0, rel=1e-9)
    np.testing.assert_allclose(own.predict(step[0]), usual.predict(step[0]))


@pytest.mark.slow
def test_a_bound_of_ones_own_holds_the_inducing_inputs_and_goes_with_the_usual_search(
    make_regressor, short_search, step
):
    model = make_regressor(bound=lower, max_iter=5).fit(*step[:2])
    assert not any(gp.inducing_variable.Z.trainable for gp in model.model_.gps)


@pytest.mark.parametrize("name", ["fitted", "foreign"])
def test_fits_are_copied_and_saved_like_any_other(request, name, step):
    model = request.getfixturevalue(name)
    assert joblib.hash(clone(model).get_params()) == joblib.hash(model.get_params())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(step[0]), model.predict(step[0]))
    for own, other in zip(*(m.model_.predict_mixture(step[0]) for m in (again, model)), strict=True):
        np.testing.assert_array_equal(own, other)


def test_skops_reads_descriptions(fitted, step):
    ours = "sklearn_mogpe.estimator.regressor.MoGPERegressor"
    loaded = skops.io.loads(skops.io.dumps(fitted), trusted=[ours])
    np.testing.assert_array_equal(loaded.predict(step[0]), fitted.predict(step[0]))


@pytest.mark.parametrize(
    ("experts", "gate"), [([QUIET, NOISY], SMALL_GATE), ([Line, NOISY], Logistic)], ids=["usual", "own"]
)
def test_fits_do_not_change_descriptions_and_go_on(make, step, experts, gate):
    X, y, _ = step
    model = make(experts=experts, gating_network=gate, warm_start=True)
    before = joblib.hash(model.get_params())
    bound = model.fit(X, y).lower_bound_
    assert model.fit(X, y).lower_bound_ > bound
    model.partial_fit(X[:50], y[:50])
    assert joblib.hash(model.get_params()) == before
    with pytest.raises(ValueError, match="needs the same n_experts, kernels, descriptions"):
        model.set_params(experts=[experts[0], {**NOISY, "noise_variance": 0.4}]).fit(X, y)


def test_checkpoints_know_descriptions(make, step, tmp_path):
    X, y, _ = step
    params = {"checkpoint_dir": tmp_path, "gating_network": Logistic}
    first = make(experts=[Line, NOISY], **params).fit(X, y)
    again = make(experts=[Line, NOISY], **params).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), first.predict(X))
    assert len(list(tmp_path.iterdir())) == 1
    make(experts=[Line, {**NOISY, "q_mu": 0.1}], **params).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_precision_is_that_of_the_estimator(make, step, dtype):
    model = make(experts=[Line, QUIET], dtype=dtype).fit(*step[:2])
    assert {value.dtype.name for value in model._state["parameters"].values()} == {dtype}


EXPERT_ERRORS = [
    ({"kernel": {"name": "rbf", "lengthscales": -1}}, ".kernel.lengthscales: expected a positive number"),
    ({"noise": 1.0}, ".noise: unknown key; expected one of ['inducing', 'kernel'"),
    ({"num_outputs": 1}, ".num_outputs: unknown key"),
    ({"inducing": {"Z": [[0.0]]}}, ".inducing.Z: unknown key; expected one of ['num'"),
    ({"inducing": {"num": 0}}, ".inducing.num: expected a positive integer, got 0"),
    ({"q_mu": [[0.0], [0.0]]}, ".q_mu: expected a number or 8 lists of 1 number"),
    ({"kernel": gpflow.kernels.RBF}, ".kernel: expected numbers, strings, lists and dicts"),
    ("rbf", ": expected a dict or a callable, got 'rbf'"),
    (no_expert, ": Expected ExpertBase with num_outputs=1 from <function no_expert"),
    (
        {"noise_variance": {"value": 2.0, "prior": {"name": "uniform", "low": 0.0, "high": 1.0}}},
        ".noise_variance.prior: expected a prior under which the value array(2.) is possible",
    ),
]
GATE_ERRORS = [
    ({"noise_variance": 1.0}, ".noise_variance: unknown key"),
    ({"functions": [{}, {"num_latent_gps": 2}]}, ".functions[1].num_latent_gps: unknown key"),
    ({"functions": [{}, {}]}, ": Expected a gating network of 2 experts to have 1"),
    ({"functions": {}}, ".functions: expected a list of one or more"),
    ({"functions": [{}], "num_experts": 2}, ".num_experts: unknown key; expected one of ['functions'"),
]
ERRORS = [
    ({"experts": []}, "experts: expected a list of one or more, got []"),
    *(({"experts": [{}, expert]}, f"experts[1]{message}") for expert, message in EXPERT_ERRORS),
    *(({"gating_network": gate}, f"gating_network{message}") for gate, message in GATE_ERRORS),
    (
        {"n_experts": "auto", "gating_network": {"functions": [{}] * 2}},
        "gating_network: Expected a gating network of 2 experts to have 1 latent functions, got 2",
    ),
]


@pytest.mark.parametrize(("params", "message"), ERRORS)
def test_errors_name_the_key_and_what_is_expected(make, wave, params, message):
    with pytest.raises(ConfigurationError, match="^" + re.escape(message)):
        make(init_params="prior", **params).fit(*wave)


@pytest.mark.parametrize(
    "params",
    [
        {"experts": [Line, QUIET]},
        {"experts": [QUIET, {**NOISY, "q_diag": True}]},
        {"experts": [QUIET, {**NOISY, "trainable": False}]},
        {"experts": [QUIET, {**NOISY, "q_mu": {"trainable": False}}]},
        {"gating_network": Logistic},
        {"gating_network": {"functions": [{}], "trainable": False}},
    ],
)
def test_natural_gradients_and_searches_need_sparse_gps_with_a_full_and_free_q(make, wave, params):
    with pytest.raises(ValueError, match=r'full and trainable q for solver="natgrad".*try solver="auto"'):
        make(solver="natgrad", **params).fit(*wave)
    with pytest.raises(ValueError, match=r'Expected init_params="prior" or "auto".*got \'kmeans\''):
        make(init_params="kmeans", **params).fit(*wave)


def test_natural_gradients_of_mini_batches_need_equally_many_inducing_points(make, wave):
    params = {"experts": [QUIET, NOISY], "batch_size": 10, "max_iter": 2}
    with pytest.raises(ValueError, match="in mini-batches equally many inducing points"):
        make(solver="natgrad", **params).fit(*wave)
    make(**params).fit(*wave)  # by Adam
    equal = {"solver": "natgrad", "experts": [QUIET, {}], "n_inducing": 12}
    make(**{**params, **equal}).fit(*wave)


def test_one_expert_has_no_gate(make, wave):
    """It decides neither the solver nor the number of inducing points."""
    model = make(experts=[{"inducing": {"num": 6}}], solver="natgrad", batch_size=16, max_iter=2).fit(*wave)
    assert model.n_inducing_ == 6 == len(model.inducing_inputs_[0])
    make(n_experts=1, gating_network=Logistic, solver="natgrad", max_iter=2).fit(*wave)


def test_as_many_inducing_points_as_usual_are_equally_many(make, wave, monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.problem.ONE_FEATURE_POINTS", 12)
    make(experts=[QUIET, {}], n_inducing="auto", solver="natgrad", batch_size=16, max_iter=2).fit(*wave)


def test_numbers_of_numpy_hold_as_those_of_python_do(make, step):
    held = {"q_mu": {"value": np.zeros((8, 1)), "trainable": np.bool_(False)}}
    with pytest.raises(ValueError, match="full and trainable q"):
        make(experts=[held, {}], solver="natgrad").fit(*step[:2])
    model = make(experts=[held, {}], max_iter=1).fit(*step[:2])
    assert not np.any(model.model_.experts.experts[0].gp.q_mu.numpy())


def test_nothing_need_be_a_gaussian_process(make, step):
    model = make(experts=[Line, Line], gating_network=Logistic, solver="lbfgs", max_iter=20).fit(*step[:2])
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.inducing_inputs_ == []


def test_joint_draws_ask_for_experts_that_are_gaussian_processes(foreign, make, step):
    X = step[0][:9]
    with pytest.raises(ValueError, match=r"experts of SVGPExpert.*got \['Line'\]; predict_latent_functions"):
        foreign.sample_functions(X)
    model = make(experts=[QUIET, NOISY], gating_network=Logistic, max_iter=2).fit(*step[:2])
    std = model.predict_latent_functions(X, return_std=True)[1]
    covariance = model.predict_function_covariance(X)
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), std.T, rtol=1e-8)


class Table(Line):
    """A line whose only parameter has many elements."""

    def __init__(self, input_dim, num_outputs, Z):
        super().__init__(input_dim, num_outputs, Z)
        self.table = gpflow.Parameter(np.zeros((20, 1)))
        self.q_mu, self.q_sqrt = tf.zeros((2, 1), tf.float64), tf.eye(2, batch_shape=[1], dtype=tf.float64)
        self.variance = tf.constant(0.1, tf.float64)

    def marginals(self, X):
        return super().marginals(X)._replace(mean=tf.reduce_sum(self.table) + 0.0 * tf.transpose(X))


def test_a_model_may_have_large_parameters_only(make, step, tmp_path):
    model = make(experts=[Table], max_iter=3, solver="adam", normalize_y=False, log_dir=tmp_path)
    model.fit(step[0], step[1] + 3.0)
    assert np.all(model.experts_[0]["table"] > 0.0)


def test_a_bound_that_is_never_finite(make, step):
    def nothing(latents, Y, points):
        return further(latents, Y, points) + np.inf

    for solver in ("natgrad", "adam"):
        with pytest.raises(np.linalg.LinAlgError):
            make(bound=nothing, experts=[QUIET, QUIET], solver=solver, max_iter=1).fit(*step[:2])


@pytest.mark.slow
def test_a_second_fit_of_a_description_does_not_trace(make, wave, monkeypatch):
    from tensorflow.python.framework.func_graph import FuncGraph

    make(experts=[Line, QUIET], gating_network=Logistic).fit(*wave).predict(wave[0])
    monkeypatch.setattr(FuncGraph, "__init__", lambda *args, **kwargs: pytest.fail("a graph was made"))
    make(experts=[Line, QUIET], gating_network=Logistic).fit(wave[0] + 1.0, wave[1]).predict(wave[0])
