"""The estimator: what fits reach, what they keep, and what may happen on the way."""

import importlib
import random

import gpflow
import joblib
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.utils.random import sample_without_replacement

from sklearn_mogpe.data.rows import Rows, Scaler, distinct_rows, fit_scaler
from sklearn_mogpe.engine.program import Program
from sklearn_mogpe.engine.structure import KernelPriors, make_kernel
from sklearn_mogpe.predictive import gaussian_mixture as gm
from sklearn_mogpe.training import fit as fit_module
from sklearn_mogpe.training.starts import race
from sklearn_mogpe.training.starts import search as search_module
from sklearn_mogpe.training.tracking import Tracker

X = np.linspace(-2.9, 2.9, 13)[:, None]


def true_log_density(X, y, truth):
    weights, means, stds = truth.density(X)
    return gm.log_density(y[:, None], weights, means[..., None], stds[..., None]).mean()


def standardised(model, X, y):
    """Distinct rows, as the model saw them."""
    state = model._state
    rows = distinct_rows(Rows(X, y[:, None], np.ones(len(X))))
    x_scaler, y_scaler = Scaler(state["x_mean"], state["x_scale"]), Scaler(state["y_mean"], state["y_scale"])
    return x_scaler.transform(rows.X), y_scaler.transform(rows.Y), rows.weight


def loss_of(model):
    """What the solvers lower: the negative bound and the negative log priors of the kernels' variances."""
    return -model.lower_bound_ - float(model.model_.log_prior_density())


def assert_same_fit(first, second):
    """Bit for bit."""
    for one, other in zip(first.predict(X, return_std=True), second.predict(X, return_std=True), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.lower_bound_ == second.lower_bound_
    assert joblib.hash(first._state["parameters"]) == joblib.hash(second._state["parameters"])


# One expert


def test_one_expert_is_the_sparse_gp_of_gpflow(make_regressor, wave):
    model = make_regressor(1, bound="further", max_iter=50).fit(*wave)
    (expert,) = model.model_.experts.experts
    svgp = gpflow.models.SVGP(
        gpflow.kernels.RBF(expert.gp.kernel.variance.numpy(), expert.gp.kernel.lengthscales.numpy()),
        gpflow.likelihoods.Gaussian(expert.likelihood.variance.numpy()),
        expert.gp.inducing_variable.Z.numpy(),
        q_mu=expert.gp.q_mu.numpy(),
        q_sqrt=expert.gp.q_sqrt.numpy(),
    )
    xs, ys, _ = standardised(model, *wave)
    state = model._state
    with gpflow.config.as_context(gpflow.config.Config(jitter=state["parameters"][".jitter"])):
        assert model.lower_bound_ == pytest.approx(svgp.elbo((xs, ys)).numpy(), rel=1e-6)
        mean, variance = svgp.predict_y((X - state["x_mean"]) / state["x_scale"])
    mean, variance = mean.numpy()[:, 0], variance.numpy()[:, 0]
    predicted, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(predicted, mean * state["y_scale"] + state["y_mean"], rtol=1e-6)
    np.testing.assert_allclose(std, np.sqrt(variance) * state["y_scale"], rtol=1e-6)


def test_one_expert_predicts_as_an_exact_gp(make_regressor):
    rng = np.random.default_rng(0)
    rows, new = rng.uniform(-3, 3, (80, 1)), rng.uniform(-3, 3, (500, 1))
    y, y_new = (np.sin(2 * x[:, 0]) + 0.2 * rng.normal(size=len(x)) for x in (rows, new))
    exact = GaussianProcessRegressor(ConstantKernel() * RBF() + WhiteKernel(), normalize_y=True).fit(rows, y)
    expected = norm.logpdf(y_new, *exact.predict(new, return_std=True)).mean()
    model = make_regressor(1, bound="further", max_iter=100).fit(rows, y)
    assert model.score_samples(new, y_new).mean() == pytest.approx(expected, abs=0.03)
    assert model.score(new, y_new) == pytest.approx(exact.score(new, y_new), abs=0.005)


# Two experts


@pytest.mark.parametrize(("name", "gain"), [("step", 0.5), ("branches", 0.8)])
def test_two_experts_see_what_one_cannot(request, make_regressor, new_rows, name, gain):
    rows, y, truth = new_rows[name]
    two = request.getfixturevalue(f"{name}_model").score_samples(rows, y).mean()
    one = make_regressor(1, max_iter=50).fit(*request.getfixturevalue(name)[:2])
    assert two > one.score_samples(rows, y).mean() + gain
    assert two > true_log_density(rows, y, truth) - 0.15


@pytest.mark.parametrize("name", ["step", "branches"])
def test_auto_finds_a_start_as_good_as_the_one_that_suits(request, make_regressor, new_rows, name):
    rows, y, truth = new_rows[name]
    model = make_regressor(init_params="auto", max_iter=50).fit(*request.getfixturevalue(name)[:2])
    assert model.score_samples(rows, y).mean() > true_log_density(rows, y, truth) - 0.15
    suited = request.getfixturevalue(f"{name}_model")
    assert model.lower_bound_ / 150 > suited.lower_bound_ / 150 - 0.05


def test_two_outputs_have_their_own_noise(two_outputs_model):
    for expert in two_outputs_model.model_.experts.experts:
        noise = np.sqrt(expert.likelihood.variance.numpy()) * two_outputs_model._state["y_scale"]
        assert np.all((noise > [0.04, 0.25]) & (noise < [0.1, 0.4]))  # true: 0.05 and 0.3


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_solvers_agree(make_regressor, branches, monkeypatch, solver):
    """From one start that leaves some way to go, to 0.05 nats per row of each other."""
    monkeypatch.setattr(race, "ROUNDS", ((75, 1),))
    rows, y, _ = branches
    expected = make_regressor(solver="natgrad", init_params="residual", max_iter=100).fit(rows, y)
    options = {
        "lbfgs": {"max_iter": 100},
        "adam": {"max_iter": 1000, "batch_size": 75, "learning_rate": 0.002},
    }
    model = make_regressor(solver=solver, init_params="residual", **options[solver]).fit(rows, y)
    assert model.lower_bound_ / 150 == pytest.approx(expected.lower_bound_ / 150, abs=0.05)
    # The solver itself has raised the bound, not only the search for a start.
    assert min(model.loss_curve_) * 150 == pytest.approx(loss_of(model))
    assert min(model.loss_curve_) < model.loss_curve_[0]


def test_auto_is_natural_gradients_on_few_rows(make_regressor, short_search, wave):
    assert_same_fit(make_regressor().fit(*wave), make_regressor(solver="natgrad").fit(*wave))


@pytest.mark.parametrize("bound", ["tight", "further_gating", "further", "predictive"])
def test_lower_bound_is_the_bound_that_was_asked_for(make_regressor, short_search, branches, bound):
    """The fitted parameters' own bound; at the same parameters, the looser bounds lie below."""
    from sklearn_mogpe.mixture_of_experts import BOUNDS

    rows, y, _ = branches
    model = make_regressor(init_params="residual", bound=bound).fit(rows, y)
    mixture, data = model.model_, standardised(model, rows, y)
    mixture.num_data = None
    found = {}
    for name, function in BOUNDS.items():
        mixture.bound = function
        found[name] = float(mixture.elbo(data))
    assert model.lower_bound_ == pytest.approx(found[bound], rel=1e-6)
    assert found["predictive"] > found["tight"] > found["further_gating"] > found["further"]


def test_a_sample_of_the_rows_is_enough_for_a_start(make_regressor, step, new_rows, monkeypatch):
    monkeypatch.setattr("sklearn_mogpe.data.problem.INITIAL_ROWS", 75)
    model = make_regressor(max_iter=50).fit(*step[:2])
    rows, y, truth = new_rows["step"]
    assert model.score_samples(rows, y).mean() > true_log_density(rows, y, truth) - 0.2


def test_mini_batches_where_rows_are_many(make_regressor, step, new_rows, monkeypatch, short_search):
    """As beyond 20 000 rows: rows are not merged, and come in batches."""
    monkeypatch.setattr("sklearn_mogpe.estimator.fitting.WHOLE_DATA_ROWS", 100)
    rows, y, truth = new_rows["step"]
    for solver, max_iter in {"auto": 100, "adam": 300}.items():
        model = make_regressor(max_iter=max_iter, batch_size=50, solver=solver).fit(*step[:2])
        assert model.score_samples(rows, y).mean() > true_log_density(rows, y, truth) - 0.4


def test_a_start_that_is_clearly_behind_is_given_up(make_regressor, wave, monkeypatch):
    model = make_regressor(max_iter=100, tol=0.0).fit(*wave)
    good = model._state["parameters"]
    poor = {path: value + 3.0 * path.endswith("likelihood.variance") for path, value in good.items()}
    monkeypatch.setattr(fit_module, "find_starts", lambda *args, **options: [good, poor])
    losses, update = [], Tracker.update
    monkeypatch.setattr(
        Tracker, "update", lambda self, n, loss, *more: losses.append(loss) or update(self, n, loss, *more)
    )
    again = make_regressor(max_iter=100, tol=0.0, n_iter_no_change=100, n_init=2).fit(*wave)
    assert len(losses) == 4 + 1
    assert losses[4] > losses[3]
    assert again.loss_curve_ == losses[:4]


def test_natural_gradients_take_mini_batches_if_asked(make_regressor, short_search, wave):
    in_batches = make_regressor(batch_size=20, max_iter=40).fit(*wave)
    whole = make_regressor(batch_size=40, max_iter=40).fit(*wave)
    assert_same_fit(whole, make_regressor(max_iter=40).fit(*wave))
    assert in_batches.lower_bound_ != whole.lower_bound_
    assert in_batches.lower_bound_ == pytest.approx(whole.lower_bound_, abs=5.0)


@pytest.mark.parametrize(
    "name", ["auto", "kmeans", "noise", "residual", "mixture", "ladder", "steep_ladder", "low_ladder"]
)
def test_every_start_works(make_regressor, short_search, step, name):
    """Each leads to more than one normal density for all rows."""
    rows, y, _ = step
    model = make_regressor(init_params=name).fit(rows, y)
    assert model.score_samples(rows, y).mean() > norm.logpdf(y, y.mean(), y.std()).mean() + 0.5


def test_more_starts_are_no_worse(make_regressor, branches):
    one, two = (make_regressor(init_params="auto", n_init=n).fit(*branches[:2]) for n in (1, 2))
    assert two.lower_bound_ >= one.lower_bound_


# What must not matter


def test_weights_are_repetitions(make_regressor, short_search, wave):
    rows, y = wave
    times = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = make_regressor().fit(rows, y, times)
    assert_same_fit(weighted, make_regressor().fit(np.repeat(rows, times, axis=0), np.repeat(y, times)))
    assert weighted.lower_bound_ != make_regressor().fit(rows, y).lower_bound_


def test_order_of_rows_does_not_matter(make_regressor, short_search, wave):
    order = np.random.default_rng(1).permutation(40)
    first = make_regressor(early_stopping=True).fit(*wave)
    assert_same_fit(first, make_regressor(early_stopping=True).fit(wave[0][order], wave[1][order]))


@pytest.mark.parametrize("solver", ["natgrad", "lbfgs", "adam"])
def test_same_random_state_same_fit(make_regressor, short_search, wave, solver):
    params = {"solver": solver, "batch_size": 16, "max_iter": 10, "random_state": 3}
    first = make_regressor(**params).fit(*wave)
    assert_same_fit(first, make_regressor(**params).fit(*wave))
    generator = np.random.RandomState(3)
    assert_same_fit(first, make_regressor(**{**params, "random_state": generator}).fit(*wave))


def test_mini_batches_are_those_of_the_random_state(make_regressor, short_search, wave):
    first, other = (
        make_regressor(solver="adam", batch_size=16, init_params="ladder", random_state=seed).fit(*wave)
        for seed in (0, 1)
    )
    assert first.lower_bound_ != other.lower_bound_


def test_global_random_numbers_are_left_alone(make_regressor, short_search, wave):
    def draw():
        return np.random.uniform(), random.random(), float(tf.random.uniform([]))  # noqa: NPY002

    def seed():
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        tf.random.set_seed(0)

    states = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        seed()
        expected = draw()
        seed()
        model = make_regressor(solver="adam", random_state=None).fit(*wave)
        model.sample_y(X)
        # random_state=None draws from NumPy's global generator, as everywhere in scikit-learn
        assert draw()[1:] == expected[1:]
        seed()
        make_regressor(solver="adam", init_params="auto", early_stopping=True, random_state=0).fit(*wave)
        model.sample_y(X, random_state=1)
        assert draw() == expected
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        random.setstate(states[1])


def test_second_fit_of_a_structure_traces_nothing(make_regressor, short_search, wave, step, monkeypatch):
    make_regressor().fit(*wave).predict(X)

    def compile(*args):
        raise AssertionError("traced again")

    monkeypatch.setattr(Program, "compile", compile)
    make_regressor().fit(*step[:2]).predict(X)


# When to stop


def test_convergence_is_a_lack_of_improvement(make_regressor, short_search, wave):
    rushed = make_regressor(tol=1e3, n_iter_no_change=25, max_iter=500).fit(*wave)
    assert rushed.converged_
    assert rushed.n_iter_ == 50  # from the first report on
    patient = make_regressor(tol=0.0, n_iter_no_change=10_000, max_iter=75).fit(*wave)
    assert not patient.converged_
    assert patient.n_iter_ == 75
    assert len(patient.loss_curve_) == 3
    assert patient.validation_scores_ == []
    # the best of what was seen, or the start itself
    assert loss_of(patient) / 40 <= min(patient.loss_curve_) + 1e-12


def held_out_rows(rows, y, fraction=0.1, seed=0):
    """The rows that early stopping holds out, in their own units."""
    distinct = distinct_rows(Rows(rows, y[:, None], np.ones(len(y))))
    size = round(fraction * len(distinct.X))
    places = sample_without_replacement(len(distinct.X), size, random_state=np.random.RandomState(seed))
    return Rows(*(part[np.sort(places)] for part in distinct))


def test_early_stopping_keeps_what_predicts_held_out_rows_best(make_regressor, short_search, step):
    rows, y, _ = step
    model = make_regressor(early_stopping=True, max_iter=100, tol=0.0).fit(rows, y)
    held_out = held_out_rows(rows, y)
    assert len(held_out.X) == 15
    density = model.score_samples(held_out.X, held_out.Y[:, 0]).mean() + np.log(model._state["y_scale"][0])
    assert max(model.validation_scores_) == pytest.approx(density, rel=1e-9)
    assert len(model.validation_scores_) == len(model.loss_curve_)


def test_held_out_rows_are_not_trained_on(make_regressor, short_search, step):
    """With one look at them there is no choice to make, so that their targets cannot matter."""
    rows, y, _ = step
    held_out = held_out_rows(rows, y)
    other = y.copy()
    other[np.isin(rows[:, 0], held_out.X[:, 0])] += 1.0
    params = {"early_stopping": True, "normalize_y": False, "max_iter": 25}
    first, second = (make_regressor(**params).fit(rows, targets) for targets in (y, other))
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    assert first.validation_scores_[0] > second.validation_scores_[0] + 1.0


# Kernels


@pytest.mark.parametrize("noise", ["constant", "varying"])
def test_one_lengthscale_is_the_same_for_any_rotation_of_the_features(make_regressor, short_search, noise):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rows = (rows - rows.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T, bias=True))).T
    y = np.sin(rows[:, 0]) + 0.1 * rng.normal(size=60)
    params = {"kernel": "matern52_iso", "init_params": "ladder", "noise": noise}
    model = make_regressor(1, **params, n_inducing=60, max_iter=5)
    first, second = (clone(model).fit(r, y) for r in (rows, rows @ rotation))
    np.testing.assert_allclose(first.predict(rows), second.predict(rows @ rotation), atol=1e-3)
    assert first.experts_[0]["lengthscales"].shape == (1, 3)


@pytest.mark.parametrize("noise", ["constant", "varying"])
def test_one_lengthscale_needs_the_same_graphs_for_any_number_of_features(
    make_regressor, short_search, noise
):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    params = {"kernel": "matern52_iso", "gating_kernel": "rbf_iso", "init_params": "ladder"}
    regressor = make_regressor(**params, noise=noise, max_iter=2).fit(rows, rows[:, 0])
    model = regressor.model_
    kernels = [expert.gp.kernel for expert in model.experts.experts] + [model.gating_network.gps[0].kernel]
    assert all(kernel.lengthscales.shape == () for kernel in kernels)
    assert regressor.fit(rows[:, :2], rows[:, 0]).predict(rows[:, :2]).shape == (60,)


def make_rbf(input_dim, variance=1.0):
    return gpflow.kernels.RBF(variance, lengthscales=np.full(input_dim, 0.5))


# k(x, x') of the kernels at a distance r, with unit lengthscale and variance
KERNELS = {
    "rbf": lambda r: np.exp(-0.5 * r**2),
    "matern12": lambda r: np.exp(-r),
    "matern32": lambda r: (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r),
    "matern52": lambda r: (1 + np.sqrt(5) * r + 5 / 3 * r**2) * np.exp(-np.sqrt(5) * r),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_by_name(name):
    priors = KernelPriors(tfp.distributions.Exponential(1.0), tfp.distributions.LogNormal(0.0, 1.0))
    kernel = make_kernel(name, 2, priors)
    assert kernel.variance.prior is priors.variance
    assert kernel.lengthscales.prior is priors.lengthscales
    assert kernel.lengthscales.shape == (2,)
    r = np.array([0.0, 0.3, 2.0])
    found = kernel(np.column_stack([r, 0 * r]), np.zeros((1, 2)))
    np.testing.assert_allclose(found[:, 0], KERNELS[name](r), rtol=1e-9)


def test_kernel_by_callable_and_by_list(make_regressor, short_search, wave):
    dims = []

    def linear(input_dim):
        dims.append(input_dim)
        return gpflow.kernels.Linear(variance=0.7)

    model = make_regressor(kernel=["matern32", linear], gating_kernel=make_rbf).fit(*wave)
    kernels = [type(expert.gp.kernel) for expert in model.model_.experts.experts]
    assert kernels == [gpflow.kernels.Matern32, gpflow.kernels.Linear]
    assert set(dims) == {1}
    assert model.score(*wave) > 0.9
    means = model.predict_experts(X)[:, 1]
    np.testing.assert_allclose(np.diff(means, 2), 0.0, atol=1e-6)  # the second expert is a straight line
    matern, line = model.experts_
    assert set(matern) == {"noise_std", "signal_std", "lengthscales"}
    assert set(line) == {"noise_std"}  # other kernels have parameters of other names


# Progress and interruptions


def test_verbose_shows_the_bound_and_the_shares(make_regressor, short_search, wave, capfd):
    model = make_regressor(verbose=1).fit(*wave)
    out, err = capfd.readouterr()
    assert out == ""
    assert "start mixture" in err
    (line,) = (line for line in err.splitlines() if line.startswith("natgrad 1"))
    assert "25/25" in line
    assert "bound" in line
    assert "nan" not in line
    shares = ", ".join(f"{share:.1%}" for share in model.predict_mixing_proba(wave[0]).mean(axis=0))
    assert f"shares of the rows: {shares}" in err


def test_silent_without_verbose(make_regressor, short_search, wave, capfd):
    make_regressor().fit(*wave)
    assert capfd.readouterr() == ("", "")


def interrupt(monkeypatch, number):
    """Let Ctrl-C be pressed before the report of that number."""
    original, count = Tracker.update, iter(range(1, 1000))

    def update(self, *args):
        if next(count) == number:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(Tracker, "update", update)


# The search for a start makes one report (see short_search), 25 iterations of a solver one each.
@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("solver", ["natgrad", "adam"])
def test_interrupted_fit_keeps_the_best(make_regressor, short_search, wave, monkeypatch, number, solver):
    interrupt(monkeypatch, number)
    model = make_regressor(
        solver=solver, max_iter={"natgrad": 100, "adam": 400}[solver], n_iter_no_change=400
    )
    with pytest.warns(ConvergenceWarning, match="interrupted; it keeps the best parameters so far"):
        model.fit(*wave)
    assert len(model.loss_curve_) == max(0, number - 2)
    assert not model.converged_
    assert model.n_iter_ >= 1
    mean, std = model.predict(X, return_std=True)
    assert np.all(np.isfinite(mean) & (std > 0))
    assert np.isfinite(model.lower_bound_)
    if number > 1:
        assert model.score(*wave) > 0.8


def test_interrupted_lbfgs(make_regressor, short_search, wave, monkeypatch):
    interrupt(monkeypatch, 6)
    model = make_regressor(solver="lbfgs", max_iter=100)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model.fit(*wave)
    assert len(model.loss_curve_) == 4
    assert loss_of(model) / 40 == pytest.approx(min(model.loss_curve_))


def test_interrupted_before_there_is_a_start(make_regressor, short_search, wave, monkeypatch):
    def fit_single(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(search_module, "fit_single", fit_single)
    model = make_regressor()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*wave)
    assert not hasattr(model, "lower_bound_")


# Numerical trouble


def poison(monkeypatch, when):
    """Make parameters not finite before those chunks of iterations whose number ``when`` takes."""
    module = importlib.import_module("sklearn_mogpe.training.solvers.natgrad")
    original, count = module.in_chunks, iter(range(1, 1000))

    def in_chunks(program, data, tracker, options, steps, optimizer):
        def poisoned(*args):
            if when(next(count)):
                program.hyperparameters[0].assign(np.nan * program.hyperparameters[0])
            return steps(*args)

        return original(program, data, tracker, options, poisoned, optimizer)

    monkeypatch.setattr(module, "in_chunks", in_chunks)


def assert_finite(model):
    assert all(np.all(np.isfinite(value)) for value in model._state["parameters"].values())
    assert np.isfinite(model.lower_bound_)


# The search for a start takes one chunk.
@pytest.mark.parametrize(("number", "max_iter"), [(2, 75), (3, 75), (4, 75), (2, 25)])
def test_recovers_from_bad_steps(make_regressor, short_search, wave, monkeypatch, number, max_iter):
    expected = make_regressor(max_iter=max_iter).fit(*wave)
    poison(monkeypatch, lambda chunk: chunk == number)
    model = make_regressor(max_iter=max_iter).fit(*wave)
    assert_finite(model)
    first, last = (m._state["parameters"][".jitter"] for m in (expected, model))
    assert last == pytest.approx(10 * first)
    assert model.score(*wave) == pytest.approx(expected.score(*wave), abs=0.02)


def test_one_expert_recovers_from_its_only_chunk(make_regressor, wave, monkeypatch):
    """Then nothing but the start was ever looked at."""
    poison(monkeypatch, lambda chunk: chunk == 1)
    model = make_regressor(1, max_iter=25).fit(*wave)
    assert_finite(model)
    assert model.score(*wave) > 0.9


def test_lbfgs_recovers(make_regressor, short_search, wave, monkeypatch):
    module = importlib.import_module("sklearn_mogpe.training.solvers.lbfgs")
    original, count = module.minimize, iter(range(1000))

    def minimize(*args, **kwargs):
        if next(count) == 0:
            raise FloatingPointError
        return original(*args, **kwargs)

    monkeypatch.setattr(module, "minimize", minimize)
    model = make_regressor(solver="lbfgs", max_iter=10).fit(*wave)
    assert_finite(model)
    assert model._state["parameters"][".jitter"] == pytest.approx(1e-11)
    assert model.score(*wave) > 0.9


def test_trouble_without_end(make_regressor, short_search, wave, monkeypatch):
    """In the search for a start: an error that says what to try, and the last fit stays."""
    model = make_regressor().fit(*wave)
    expected, attributes = model.predict(X), joblib.hash(vars(model))
    poison(monkeypatch, lambda chunk: chunk >= 1)
    model.set_params(max_iter=200)
    with pytest.raises(np.linalg.LinAlgError, match=r"not positive definite.*Try fewer inducing points"):
        model.fit(*wave)
    model.set_params(max_iter=25)
    assert joblib.hash(vars(model)) == attributes
    np.testing.assert_array_equal(model.predict(X), expected)
    monkeypatch.undo()
    model.fit(*wave)
    assert model.score(*wave) > 0.9


def test_trouble_without_end_after_the_search(make_regressor, short_search, wave, monkeypatch):
    """A warning that says what to try, and the best parameters so far."""
    poison(monkeypatch, lambda chunk: chunk >= 3)
    model = make_regressor(max_iter=200)
    with pytest.warns(ConvergenceWarning, match=r"keeps the best.*not positive definite.*Try fewer inducing"):
        model.fit(*wave)
    assert model.score(*wave) > 0.9
    assert not model.converged_


# Fitted state


def predictions_of(mixture, model):
    state = model._state
    weights, means, variances = mixture.predict_mixture(tf.constant((X - state["x_mean"]) / state["x_scale"]))
    return weights.numpy(), means.numpy() * state["y_scale"] + state["y_mean"], variances.numpy()


@pytest.mark.parametrize("name", ["branches_model", "three_experts_model"])
def test_gpflow_model_predicts_the_same(request, name):
    model = request.getfixturevalue(name)
    weights, means, variances = predictions_of(model.model_, model)
    np.testing.assert_allclose(weights, model.predict_mixing_proba(X), rtol=1e-9)
    expected, stds = model.predict_experts(X, return_std=True)
    np.testing.assert_allclose(means[..., 0], expected, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(variances[..., 0]) * model._state["y_scale"], stds, rtol=1e-9)


def test_gpflow_model_has_the_fitted_bound(branches_model, branches):
    data = standardised(branches_model, *branches[:2])
    assert float(branches_model.model_.elbo(data)) == pytest.approx(branches_model.lower_bound_, rel=1e-6)


def test_changing_the_gpflow_model_does_not_change_the_estimator(make_regressor, short_search, wave):
    model = make_regressor().fit(*wave)
    expected = model.predict(X)
    first = model.model_
    for variable in first.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(model.predict(X), expected)
    assert model.model_ is first
    model.fit(wave[0], -wave[1])
    assert model.model_ is not first
    means = predictions_of(model.model_, model)[1]
    np.testing.assert_allclose(means[..., 0], model.predict_experts(X), rtol=1e-9)


def test_refit_is_a_fresh_fit(make_regressor, short_search, wave):
    model = make_regressor().fit(wave[0], np.column_stack([wave[1], wave[1]]))
    assert model.n_outputs_ == 2
    assert_same_fit(model.fit(*wave), make_regressor().fit(*wave))


@pytest.mark.parametrize("solver", ["natgrad", "lbfgs", "adam"])
def test_single_precision_is_near(make_regressor, short_search, wave, solver):
    double, single = (make_regressor(solver=solver, dtype=d).fit(*wave) for d in ("float64", "float32"))
    assert {value.dtype for value in single._state["parameters"].values()} == {np.dtype("float32")}
    mean = single.predict(X)
    assert mean.dtype == np.float64
    # half of the noise: each makes its own way through rounding errors
    np.testing.assert_allclose(mean, double.predict(X), atol=0.05)
    assert single.lower_bound_ / 40 == pytest.approx(double.lower_bound_ / 40, abs=0.05)


@pytest.mark.parametrize("n_experts", [1, 2])
def test_single_precision_finds_the_signal_among_many_features(make_regressor, n_experts):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 8))
    y = np.sin(X[:, 3]) + 0.3 * rng.normal(size=150)
    params = {"n_inducing": 30, "init_params": "kmeans"}
    double, single = (make_regressor(n_experts, dtype=t, **params).fit(X, y) for t in ("float64", "float32"))
    assert double.score(X, y) > 0.7
    np.testing.assert_allclose(single.predict(X), double.predict(X), atol=0.05)


def test_single_precision_with_held_out_rows(make_regressor, short_search, wave):
    model = make_regressor(dtype="float32", early_stopping=True).fit(*wave)
    assert np.all(np.isfinite(model.validation_scores_))
    assert model.score(*wave) > 0.9


def test_without_normalisation_y_is_as_it_came(make_regressor, short_search, wave):
    model = make_regressor(normalize_y=False).fit(*wave)
    np.testing.assert_array_equal(model._state["y_scale"], [1.0])
    np.testing.assert_array_equal(model._state["y_mean"], [0.0])
    assert model.score(*wave) > 0.9
    normalised = make_regressor().fit(*wave)
    np.testing.assert_allclose(
        normalised._state["y_scale"], fit_scaler(wave[1][:, None], np.ones(40)).scale, rtol=1e-12
    )


def test_sizes_of_a_fit(two_outputs_model):
    assert two_outputs_model.n_outputs_ == 2
    assert two_outputs_model.n_experts_ == 2
    assert two_outputs_model.n_features_in_ == 1
    assert two_outputs_model.n_inducing_ == 12


def test_experts_are_described_in_the_units_of_the_data(make_regressor, short_search, wave):
    X, y = wave
    small, large = make_regressor().fit(X, y).experts_, make_regressor().fit(10 * X, 100 * y).experts_
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(10 * one["lengthscales"], other["lengthscales"], rtol=1e-4)
        np.testing.assert_allclose(100 * one["signal_std"], other["signal_std"], rtol=1e-4)
        np.testing.assert_allclose(100 * one["noise_std"], other["noise_std"], rtol=1e-4)
        assert (one["lengthscales"].shape, one["signal_std"].shape) == ((1, 1), (1,))


def test_experts_tell_their_noise_per_output(two_outputs_model):
    for expert in two_outputs_model.experts_:
        np.testing.assert_allclose(expert["noise_std"], [0.05, 0.3], rtol=0.4)
        assert expert["lengthscales"].shape == (2, 1)


def test_iterations_of_the_loss_curve(make_regressor, short_search, wave):
    model = make_regressor(max_iter=60, tol=0).fit(*wave)
    assert model.loss_iterations_ == [25, 50, 60]
    assert len(model.loss_curve_) == 3
