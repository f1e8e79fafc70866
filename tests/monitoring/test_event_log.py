"""Event files hold what was trained, when it was so, and writing them changes nothing."""

import io
import sys
from collections import defaultdict
from contextlib import contextmanager
from itertools import pairwise

import gpflow
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.experts import SVGPExpert, SVGPExperts
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.mixture_of_experts import MixtureOfSVGPExperts
from sklearn_mogpe.monitoring import event_log as monitoring
from sklearn_mogpe.monitoring.event_log import WhenDue, make_monitor
from sklearn_mogpe.monitoring.events import EventFile, histogram, picture, scalar
from sklearn_mogpe.monitoring.model_predictor import ModelPredictor
from sklearn_mogpe.training import fit as fit_module
from sklearn_mogpe.training.reports import Report, together

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def without_windows():
    plt.switch_backend("agg")
    plt.close("all")  # what other tests have left open
    yield
    assert plt.get_fignums() == []  # figures that were written are closed


def read(directory):
    """Values of each run and tag by step."""
    runs = defaultdict(lambda: defaultdict(dict))
    for path in sorted(directory.rglob("*tfevents*")):
        first, *events = (
            tf.compat.v1.Event.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path))
        )
        assert first.file_version == "brain.Event:2"
        for event in events:
            for value in event.summary.value:
                own = runs[path.parent.relative_to(directory).as_posix()][value.tag]
                assert event.step not in own
                own[event.step] = getattr(value, value.WhichOneof("value"))
    return {run: dict(tags) for run, tags in runs.items()}


def values(by_step):
    return list(by_step), list(by_step.values())


def fitted(model):
    state = model._state["parameters"]
    return [state[path] for path in sorted(state)], model.loss_curve_, model.loss_iterations_


# Files


def test_file_holds_what_is_written(tmp_path):
    rng = np.random.default_rng(0)
    sample = rng.normal(size=500)
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.set_facecolor("red")
    file = EventFile(tmp_path / "new")
    file.write(3, [scalar("a", 1.5), histogram("b", np.append(sample, np.nan))])
    file.write(4, [picture("c", figure), histogram("b", np.full(7, 2.0))])
    plt.close(figure)
    tags = read(tmp_path)["new"]  # while the file is still open
    assert values(tags["a"]) == ([3], [1.5])
    counts, edges = np.histogram(sample, len(tags["b"][3].bucket))
    np.testing.assert_array_equal(tags["b"][3].bucket, counts)
    np.testing.assert_allclose(tags["b"][3].bucket_limit, edges[1:], atol=1e-12)
    assert (tags["b"][3].min, tags["b"][3].max, tags["b"][3].num) == (sample.min(), sample.max(), 500)
    assert tags["b"][3].sum == pytest.approx(sample.sum())
    assert tags["b"][3].sum_squares == pytest.approx(np.sum(sample**2))
    assert sum(tags["b"][4].bucket) == 7
    image = plt.imread(io.BytesIO(tags["c"][4].encoded_image_string))
    assert image.shape == (tags["c"][4].height, tags["c"][4].width, 4) == (80, 160, 4)
    np.testing.assert_array_equal(image[40, 80], [1, 0, 0, 1])
    file.close()
    EventFile(tmp_path / "new").close()
    assert len(list((tmp_path / "new").iterdir())) == 2


# The estimator


@pytest.mark.parametrize("solver", ["natgrad", "batch_natgrad", "adam", "lbfgs"])
def test_curves_are_those_of_the_fit(make_regressor, short_search, step, tmp_path, solver):
    params = {
        "natgrad": {"max_iter": 60},
        "batch_natgrad": {"batch_size": 16, "max_iter": 12},
        "adam": {"solver": "adam", "batch_size": 16, "max_iter": 12},
        "lbfgs": {"solver": "lbfgs", "max_iter": 8},
    }[solver]
    plain = make_regressor(tol=0.0, **params).fit(*step[:2])
    period = 3 if solver == "lbfgs" else 10
    logged = make_regressor(tol=0.0, **params, log_dir=tmp_path, log_period=period).fit(*step[:2])
    for ours, theirs in zip(fitted(logged), fitted(plain), strict=True):
        np.testing.assert_equal(ours, theirs)
    ((run, tags),) = read(tmp_path).items()
    assert run == f"2_experts/{solver}_1"

    steps_per_iter = 10 if "batch_size" in params else 1  # of 150 rows
    looked, losses = values(tags["loss"])
    assert looked == [round(n_iter * steps_per_iter) for n_iter in logged.loss_iterations_]
    np.testing.assert_allclose(losses, logged.loss_curve_, rtol=1e-6)
    if min(logged.loss_curve_) == losses[-1]:
        assert tags["bound"][looked[-1]] == pytest.approx(logged.lower_bound_, rel=1e-5)

    due = [b for a, b in pairwise([0, *looked]) if b // period > a // period]
    assert list(tags["parameters/experts.experts[1].likelihood.variance"]) == due
    assert "held_out/nlpd" not in tags


def test_parameters_and_losses_are_those_of_the_model(make_regressor, short_search, step, tmp_path):
    """The last ones."""
    params = {"max_iter": 30, "tol": 0.0, "n_iter_no_change": 100, "log_dir": tmp_path, "log_period": 1}
    model = make_regressor(**params).fit(*step[:2])
    (tags,) = read(tmp_path).values()
    assert np.argmin(model.loss_curve_) == 1  # so that the last parameters are kept
    parameters = gpflow.utilities.parameter_dict(model.model_)
    for path, parameter in parameters.items():
        if path.endswith("variance"):
            assert tags[f"parameters/{path[1:]}"][30] == pytest.approx(parameter.numpy(), rel=1e-6)
    q_mu = parameters[".experts.experts[0].gp.q_mu"].numpy()
    last = tags["histograms/experts.experts[0].gp.q_mu"][30]
    assert (last.min, last.max, last.num) == (q_mu.min(), q_mu.max(), 12)
    assert tags["histograms/gating_network.gps[0].q_sqrt"][30].num == 12 * 13 / 2
    shares = model.predict_mixing_proba(step[0]).mean(axis=0)
    written = [tags[f"share/expert_{k}"][30] for k in (1, 2)]
    np.testing.assert_allclose(written, shares, rtol=1e-5)
    proba = model.predict_mixing_proba(step[0])
    entropy = -np.mean(np.sum(proba * np.log(proba), axis=1))
    assert tags["share/entropy"][30] == pytest.approx(entropy, rel=1e-4)


@pytest.mark.parametrize("y_std", [None, np.linspace(0, 20, 150)], ids=["exact", "with known errors"])
def test_held_out_rows(make_regressor, short_search, step, tmp_path, y_std):
    X, y = 10 * step[0], 100 + 20 * step[1]
    params = {"early_stopping": True, "max_iter": 50, "tol": 0.0, "log_dir": tmp_path}
    model = make_regressor(**params).fit(X, y, y_std=y_std)
    (tags,) = read(tmp_path).values()
    # The scores are of standardised rows, the curves in units of y.
    expected = np.log(model._state["y_scale"][0]) - np.array(model.validation_scores_)
    np.testing.assert_allclose(list(tags["held_out/nlpd"].values()), expected, rtol=1e-5)
    assert 0 < tags["held_out/mae"][50] < tags["held_out/rmse"][50] < np.std(y)


def test_pictures(make_regressor, short_search, step, tmp_path):
    params = {"max_iter": 60, "tol": 0.0}
    logged = make_regressor(**params, log_dir=tmp_path, image_period=30).fit(*step[:2])
    for ours, theirs in zip(fitted(logged), fitted(make_regressor(**params).fit(*step[:2])), strict=True):
        np.testing.assert_equal(ours, theirs)
    (tags,) = read(tmp_path).values()
    names = [name for name in tags if name.startswith("pictures/")]
    assert {"pictures/density", "pictures/experts", "pictures/gating_functions"} <= set(names)
    for name in names:
        assert list(tags[name]) == [50, 60]  # the first looks at or after 30 and 60
        image = plt.imread(io.BytesIO(tags[name][60].encoded_image_string))
        assert image.shape[:2] == (tags[name][60].height, tags[name][60].width)
        assert np.ptp(image) > 0.5


def test_each_run_has_a_directory(make_regressor, short_search, wave, tmp_path):
    model = make_regressor("auto", max_iter=10, log_dir=str(tmp_path)).fit(*wave)
    assert len(model.n_experts_scores_) > 1
    assert set(read(tmp_path)) == {f"{K}_experts/natgrad_1" for K in model.n_experts_scores_}
    stream = make_regressor(1, log_dir=tmp_path / "stream")
    for _ in range(2):
        stream.partial_fit(*wave)
    stream.fit_stream([wave])
    assert set(read(tmp_path / "stream")) == {f"1_experts/batch_natgrad_1{i}" for i in ("", "-2", "-3")}


def test_tables(make_regressor, short_search, wave, tmp_path):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"time": wave[0][:, 0]})
    model = make_regressor(max_iter=10, log_dir=tmp_path, image_period=10).fit(table, wave[1])
    assert model.feature_names_in_ == ["time"]
    assert "pictures/density" in next(iter(read(tmp_path).values()))


def test_interrupted_fit_leaves_its_file(make_regressor, short_search, step, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(monitoring.EventLog, "_predictions", interrupt)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        make_regressor(log_dir=tmp_path, max_iter=50).fit(*step[:2])
    (tags,) = read(tmp_path).values()
    assert list(tags["loss"]) == [25]


def test_without_log_dir_nothing_is_written(make_regressor, short_search, wave, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_regressor(max_iter=10).fit(*wave)
    assert list(tmp_path.iterdir()) == []


def test_parameters_of_the_estimator(tmp_path):
    model = MoGPERegressor(log_dir=tmp_path, log_period=7, image_period=70)
    assert clone(model).get_params() == model.get_params()
    for wrong in ({"log_period": 0}, {"image_period": 0}, {"log_dir": 3}):
        with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter"):
            MoGPERegressor(**wrong).fit([[0.0], [1.0]], [0.0, 1.0])


# Callbacks and tasks


def test_callbacks_together():
    calls = []

    def callback(name, stops):
        @contextmanager
        def around(run, max_reports, program):
            calls.append(("begin", name, run, max_reports, program))
            try:
                yield lambda report: calls.append((name, report)) or stops
            finally:
                calls.append(("end", name))

        return around

    report = Report(1.0, 0.5)
    for stops in (True, False):
        calls.clear()
        with together(callback("a", stops), callback("b", False))("adam 1", 3, "program") as on_report:
            assert on_report(report) is stops
        begin = [("begin", name, "adam 1", 3, "program") for name in "ab"]
        assert calls == [*begin, ("a", report), ("b", report), ("end", "b"), ("end", "a")]  # all get it
    with pytest.raises(KeyboardInterrupt), together(callback("a", False))("adam 1", 3, None):
        raise KeyboardInterrupt
    assert calls[-1] == ("end", "a")


def test_a_group_is_run_when_it_is_due():
    steps = []
    task = gpflow.monitor.ExecuteCallback(lambda: steps.append(int(task.current_step)))
    group = WhenDue(task, 30)
    for step in (25, 50, 60, 75, 130, 140, 150):
        group(step)
    assert steps == [50, 60, 130, 150]


# Building blocks


@pytest.fixture
def by_hand():
    """A model of building blocks, data, and steps of a loop of one's own."""
    rng = np.random.default_rng(3)
    X = np.linspace(-2, 2, 30)[:, None]
    Y = np.sin(2 * X) + 0.1 * rng.normal(size=X.shape)
    Z = X[::6]
    experts = [SVGPExpert(gpflow.kernels.RBF(), gpflow.likelihoods.Gaussian(v), Z) for v in (0.1, 0.3, 0.5)]
    gate = SVGPGatingNetwork(gpflow.kernels.RBF(), Z, num_experts=3)
    model = MixtureOfSVGPExperts(SVGPExperts(experts), gate, bound="further", num_samples=8)
    zero = gpflow.utilities.to_default_float(0)
    experts[0].likelihood.variance.prior = tfp.distributions.LogNormal(zero, 1)
    optimizer = gpflow.keras.tf_keras.optimizers.legacy.Adam(0.05)
    loss = model.training_loss_closure((X, Y))
    return model, (X, Y), lambda: optimizer.minimize(loss, model.trainable_variables)


def test_monitor_of_building_blocks(by_hand, tmp_path):
    model, (X, Y), train = by_hand
    model.num_data = 60  # twice the rows
    monitor = make_monitor(model, tmp_path, data=(X, Y), test_data=(X[::2], Y[::2] + 1.0), period=2)
    expected = defaultdict(dict)
    for step in range(1, 21):
        train()
        monitor(step, gradient_norm=step / 7)
        if step % 2 == 0:
            kernel = model.experts.experts[2].gp.kernel
            weights, means, variances = (part.numpy() for part in model.predict_mixture(X[::2]))
            stds, errors = np.sqrt(variances), np.einsum("nk,nkp->np", weights, means) - Y[::2] - 1.0
            for name, value in {
                "gradient_norm": step / 7,
                "bound": model.elbo((X, Y)),
                "log_prior": model.log_prior_density(),
                "parameters/experts.experts[2].gp.kernel.lengthscales": kernel.lengthscales,
                "share/expert_2": model.predict_mixing_probs(X)[:, 1].numpy().mean(),
                "held_out/nlpd": nlpd(Y[::2] + 1.0, weights, means, stds),
                "held_out/rmse": np.sqrt(np.mean(errors**2)),
                "held_out/mae": np.mean(np.abs(errors)),
            }.items():
                expected[name][step] = float(np.asarray(value))
    tags = read(tmp_path)["."]
    for name, by_step in expected.items():
        assert list(tags[name]) == list(by_step)
        np.testing.assert_allclose(list(tags[name].values()), list(by_step.values()), rtol=1e-5)
    (last,) = tags["histograms/gating_network.gps[0].q_mu"].items()
    q_mu = model.gating_network.gps[0].q_mu.numpy()
    assert (last[0], last[1].min, last[1].max, last[1].num) == (20, q_mu.min(), q_mu.max(), 15)


def test_monitor_without_data_writes_the_parameters(by_hand, tmp_path):
    model, _, train = by_hand
    monitor = make_monitor(model, tmp_path, period=1)
    train()
    monitor(1, loss=tf.constant(2.5))
    tags = read(tmp_path)["."]
    assert tags["loss"] == {1: 2.5}
    assert {name.partition("/")[0] for name in tags} == {"loss", "parameters"}
    with pytest.raises(ValueError, match="data to draw with image_period"):
        make_monitor(model, tmp_path, image_period=10)


def test_monitor_of_single_precision_and_weights(make_regressor, short_search, step, tmp_path):
    model = make_regressor(dtype="float32").fit(*step[:2]).model_
    X, y = step[0], step[1][:, None]
    weight = np.arange(150.0)
    parts = tuple(tf.constant(part, tf.float32) for part in (X, y, weight))
    with gpflow.config.as_context(gpflow.config.Config(float=np.float32)):
        make_monitor(model, tmp_path, data=(X, y, weight), test_data=(X, y), period=1)(1)
        bound = float(model.elbo(parts))
    tags = read(tmp_path)["."]
    assert tags["bound"][1] == pytest.approx(bound, rel=1e-5)
    assert np.isfinite(tags["held_out/nlpd"][1])
    with pytest.raises(ValueError, match=r"Expected Y of shape \(N, P\), got \(150,\); reshape it"):
        make_monitor(model, tmp_path, data=(X, step[1]))


def test_pictures_need_a_directory(make_regressor, wave):
    with pytest.raises(ValueError, match="Expected log_dir with image_period=10, got None"):
        make_regressor(image_period=10).fit(*wave)


def test_pictures_need_matplotlib(make_regressor, wave, tmp_path, monkeypatch):
    """Which is found out before training."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setattr(fit_module, "find_starts", None)
    with pytest.raises(ImportError, match="Drawing needs matplotlib"):
        make_regressor(image_period=10, log_dir=tmp_path).fit(*wave)


def test_variational_parameters_are_no_curves(make_regressor, step, tmp_path):
    """However few they are."""
    experts = [{"inducing": {"num": 3}}, {"kernel": {"name": "rbf", "lengthscales": 0.5}}]
    make_regressor(
        experts=experts, init_params="auto", max_iter=3, n_inducing=3, log_dir=tmp_path, log_period=1
    ).fit(*step[:2])
    (tags,) = read(tmp_path).values()
    curves = [tag for tag in tags if tag.startswith("parameters/")]
    assert curves
    assert not [tag for tag in curves if ".Z" in tag or ".q_" in tag]


@pytest.mark.slow
def test_pictures_of_building_blocks(by_hand, tmp_path):
    model, data, train = by_hand
    monitor = make_monitor(model, tmp_path, data=data, period=5, image_period=2)
    for step in (1, 2, 3):
        train()
        monitor(step)
    tags = read(tmp_path)["."]
    for name in ("density", "latent_functions", "noise", "gating_functions", "calibration"):
        (step,) = tags[f"pictures/{name}"]
        assert step == 2
    assert "bound" not in tags


def test_model_predicts_as_an_estimator_does(step_model, step):
    """Its own, in standardised units."""
    X, y = step[0], step[1]
    predictor = ModelPredictor(step_model.model_)
    standard = (X - X.mean()) / X.std()
    for ours, theirs in (
        (predictor.predict(standard), step_model.predict(X)),
        (predictor.predict_latent_functions(standard)[..., 0], step_model.predict_latent_functions(X)),
    ):
        np.testing.assert_allclose(np.squeeze(ours) * y.std() + y.mean(), theirs, atol=1e-6)
    noise = predictor.predict_noise(standard)[..., 0] * y.std()
    np.testing.assert_allclose(noise, step_model.predict_noise(X), rtol=1e-6)
    h, std = predictor.predict_gating_functions(standard, return_std=True)
    expected = step_model.predict_gating_functions(X, return_std=True)
    np.testing.assert_allclose([h, std], expected, atol=1e-6)
    Z = np.array(predictor.inducing_inputs_) * X.std() + X.mean()
    np.testing.assert_allclose(Z, step_model.inducing_inputs_, atol=1e-9)
