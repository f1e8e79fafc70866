"""Fits that were broken off go on from their checkpoints, and end where unbroken ones end."""

import signal
import subprocess
import sys
import time
import warnings

import joblib
import numpy as np
import pytest
import tensorflow as tf
from sklearn.model_selection import GridSearchCV

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.program import Candidate, Program
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import checkpoints as module
from sklearn_mogpe.training import fit as fit_module
from sklearn_mogpe.training.checkpoints import RunCheckpoints
from sklearn_mogpe.training.tracking import Tracker

SOLVERS = {
    "natgrad": {"solver": "natgrad", "max_iter": 150},
    "batch_natgrad": {"solver": "natgrad", "batch_size": 16, "max_iter": 100},
    "lbfgs": {"solver": "lbfgs", "max_iter": 40},
    "adam": {"solver": "adam", "batch_size": 16, "max_iter": 100},
}


class KilledError(BaseException):
    """Nothing in the package catches it."""


@pytest.fixture
def every_report(monkeypatch):
    """Write a checkpoint at each report."""
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture
def updates(monkeypatch):
    """Count the reports of runs that have checkpoints, and kill the fit before the one that is asked for."""

    class Updates:
        count, kill_at = 0, None

    original = Tracker.update

    def update(self, *args):
        if self.checkpoints is not None:
            Updates.count += 1
            if Updates.count == Updates.kill_at:
                raise KilledError
        return original(self, *args)

    monkeypatch.setattr(Tracker, "update", update)
    return Updates


@pytest.fixture
def kill(updates):
    """Fit, and kill the fit before some report."""

    def run(model, data, kill_at):
        updates.kill_at = kill_at
        with pytest.raises(KilledError):
            model.fit(*data)
        updates.count, updates.kill_at = 0, None

    return run


def fitted(model):
    """All that a fit leaves behind."""
    attributes = {name: value for name, value in vars(model).items() if name.endswith("_")}
    return joblib.hash(attributes), joblib.hash(model._state)


def never(*args, **options):
    raise AssertionError("searched for a start again")


def test_a_fit_with_checkpoints_is_the_same_fit(make_regressor, short_search, wave, tmp_path):
    kept = make_regressor(checkpoint_dir=tmp_path, random_state=np.int64(0)).fit(*wave)
    assert fitted(kept) == fitted(make_regressor().fit(*wave))


@pytest.mark.parametrize("kill_at", [1, 4])
@pytest.mark.parametrize("solver", ["natgrad", "batch_natgrad", "adam"])
def test_a_broken_fit_ends_where_an_unbroken_one_does(
    make_regressor, short_search, step, tmp_path, every_report, updates, kill, monkeypatch, solver, kill_at
):
    params = {"tol": 0.0, "n_iter_no_change": 200, **SOLVERS[solver]}
    unbroken = make_regressor(**params, checkpoint_dir=tmp_path / "other").fit(*step[:2])
    reports, updates.count = updates.count, 0
    assert reports > kill_at
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    kill(model, step[:2], kill_at)
    monkeypatch.setattr(fit_module, "find_starts", never)
    assert fitted(model.fit(*step[:2])) == fitted(unbroken)
    assert updates.count == reports - kill_at + 1


def test_a_broken_lbfgs_goes_on(make_regressor, short_search, step, tmp_path, every_report, updates, kill):
    """SciPy's memory of curvature is lost."""
    model = make_regressor(solver="lbfgs", max_iter=40, checkpoint_dir=tmp_path)
    kill(model, step[:2], 20)
    model.fit(*step[:2])
    assert updates.count <= 40 - 19
    assert model.loss_iterations_[:20] == list(range(1, 21))
    unbroken = make_regressor(solver="lbfgs", max_iter=40).fit(*step[:2])
    assert model.lower_bound_ == pytest.approx(unbroken.lower_bound_, abs=0.02 * len(step[0]))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_finished_fit_is_not_run_again(
    make_regressor, short_search, wave, tmp_path, updates, monkeypatch, solver
):
    params = {**SOLVERS[solver], "tol": 1e3, "n_iter_no_change": 3}
    first = make_regressor(**params, checkpoint_dir=tmp_path).fit(*wave)
    assert first.converged_
    reports = updates.count
    monkeypatch.setattr(fit_module, "find_starts", never)
    again = make_regressor(**params, checkpoint_dir=str(tmp_path), verbose=1, device="/CPU:0").fit(*wave)
    assert updates.count == reports
    assert fitted(again) == fitted(first)


def test_each_run_has_its_own_checkpoints(
    make_regressor, short_search, step, tmp_path, every_report, updates, kill
):
    """Of three starts that are trained to the end, two are finished and the third is broken off."""
    params = {"n_init": 3, "init_params": "auto", "max_iter": 50, "tol": 0.0, "bound": "tight"}
    unbroken = make_regressor(**params).fit(*step[:2])
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    kill(model, step[:2], 6)
    assert fitted(model.fit(*step[:2])) == fitted(unbroken)
    assert updates.count == 1
    (directory,) = tmp_path.iterdir()
    assert sorted(path.name for path in (directory / "2-experts").iterdir()) == [
        "natgrad-1",
        "natgrad-2",
        "natgrad-3",
        "starts.npz",
    ]


def test_each_number_of_experts_has_its_own_checkpoints(
    make_regressor, short_search, wave, tmp_path, every_report, updates, kill
):
    params = {"n_experts": "auto", "max_iter": 50, "tol": 0.0}
    unbroken = make_regressor(**params).fit(*wave)
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    kill(model, wave, 4)
    assert fitted(model.fit(*wave)) == fitted(unbroken)
    assert updates.count == 1


def test_held_out_scores_go_on(make_regressor, short_search, step, tmp_path, every_report, updates, kill):
    params = {"early_stopping": True, "max_iter": 100, "tol": 0.0}
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    kill(model, step[:2], 3)
    unbroken = make_regressor(**params).fit(*step[:2])
    assert model.fit(*step[:2]).validation_scores_ == unbroken.validation_scores_
    assert fitted(model) == fitted(unbroken)


def test_a_broken_stream_goes_on(make_regressor, short_search, wave, tmp_path, every_report, updates, kill):
    X, y = wave
    batches = [(X[i : i + 7], y[i : i + 7]) for i in range(0, 40, 7)]
    params = {**SOLVERS["adam"], "max_iter": 200, "tol": 0.0, "n_iter_no_change": 200}
    unbroken = make_regressor(**params).fit_stream(batches)
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    updates.kill_at = 4
    with pytest.raises(KilledError):
        model.fit_stream(batches)
    updates.kill_at = None
    assert fitted(model.fit_stream(batches)) == fitted(unbroken)


def test_partial_fit_keeps_nothing(make_regressor, short_search, wave, tmp_path):
    make_regressor(checkpoint_dir=tmp_path, random_state=None).partial_fit(*wave)
    assert not list(tmp_path.iterdir())


# Which fit it is


@pytest.mark.parametrize(
    "change",
    [
        {"max_iter": 60},
        {"learning_rate": 0.2},
        {"tol": 1e-3},
        {"bound": "tight"},
        {"kernel": ["rbf", "matern32"]},
        {"init_params": "residual"},
        {"n_inducing": 11},
        {"normalize_y": False},
        {"early_stopping": True},
        {"random_state": 1},
        {"dtype": "float32"},
    ],
)
def test_other_parameters_do_not_resume(make_regressor, short_search, wave, tmp_path, monkeypatch, change):
    make_regressor(checkpoint_dir=tmp_path).fit(*wave)
    monkeypatch.setattr(fit_module, "find_starts", never)
    make_regressor(checkpoint_dir=tmp_path).fit(*wave)
    with pytest.raises(AssertionError, match="searched for a start again"):
        make_regressor(**{"checkpoint_dir": tmp_path, **change}).fit(*wave)


@pytest.mark.parametrize("part", [0, 1, 2, 3])
@pytest.mark.parametrize("normalize_y", [True, False])
def test_other_data_do_not_resume(
    make_regressor, short_search, wave, tmp_path, monkeypatch, part, normalize_y
):
    """Though the changed row is in none of the samples."""
    monkeypatch.setattr("sklearn_mogpe.estimator.fitting.WHOLE_DATA_ROWS", 10)
    monkeypatch.setattr("sklearn_mogpe.data.problem.EVALUATION_ROWS", 15)
    monkeypatch.setattr("sklearn_mogpe.data.problem.INITIAL_ROWS", 10)
    data = [*wave, np.ones(40), np.full(40, 0.1)]
    params = {"solver": "adam", "max_iter": 1, "normalize_y": normalize_y, "n_inducing": 6}
    model = make_regressor(**params, checkpoint_dir=tmp_path)
    model.fit(*data)
    monkeypatch.setattr(fit_module, "find_starts", never)
    model.fit(*data)
    for row in range(40):
        changed = [array.copy() for array in data]
        changed[part][row] += 1e-6
        with pytest.raises(AssertionError, match="searched for a start again"):
            model.fit(*changed)


def test_rows_in_another_order_are_the_same_data(make_regressor, short_search, wave, tmp_path, monkeypatch):
    first = make_regressor(checkpoint_dir=tmp_path).fit(*wave)
    monkeypatch.setattr(fit_module, "find_starts", never)
    order = np.random.default_rng(0).permutation(40)
    again = make_regressor(checkpoint_dir=tmp_path).fit(*(part[order] for part in wave))
    assert fitted(again) == fitted(first)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_the_random_state_must_be_known(make_regressor, wave, tmp_path, random_state):
    model = make_regressor(checkpoint_dir=tmp_path, random_state=random_state, solver="adam")
    message = "Expected an integer as random_state with checkpoint_dir.*set random_state=0"
    with pytest.raises(ValueError, match=message):
        model.fit(*wave)
    with pytest.raises(ValueError, match=message):
        model.fit_stream([wave])


def test_a_kernel_that_cannot_be_recognised(make_regressor, wave, tmp_path):
    from gpflow.kernels import RBF

    model = make_regressor(checkpoint_dir=tmp_path, kernel=lambda input_dim: RBF())
    with pytest.raises(ValueError, match=r"(?s)Expected a fit with checkpoint_dir.*at the top of a module"):
        model.fit(*wave)


def test_a_directory_is_a_path(make_regressor, wave):
    with pytest.raises(ValueError, match="'checkpoint_dir' parameter of MoGPERegressor must be"):
        make_regressor(checkpoint_dir=3).fit(*wave)


def test_a_search_shares_a_directory(make_regressor, short_search, wave, tmp_path, updates, monkeypatch):
    def search():
        model = make_regressor(checkpoint_dir=tmp_path)
        return GridSearchCV(model, {"n_inducing": [6, 12]}, cv=2, scoring="r2").fit(*wave)

    first = search()
    assert len(list(tmp_path.iterdir())) == 2 * 2 + 1
    reports = updates.count
    monkeypatch.setattr(fit_module, "find_starts", never)
    again = search()
    assert updates.count == reports
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], first.cv_results_["mean_test_score"])


# Files


def test_few_files_are_kept(make_regressor, short_search, wave, tmp_path, every_report):
    make_regressor(max_iter=200, n_iter_no_change=200, checkpoint_dir=tmp_path).fit(*wave)
    files = sorted(path.name for path in tmp_path.glob("*/2-experts/natgrad-1/*"))
    assert files == [f"checkpoint-{i}.npz" for i in (7, 8, 9)]


@pytest.mark.parametrize("n_checkpoints", [1, 5])
def test_as_many_files_as_are_wanted(
    make_regressor, short_search, wave, tmp_path, every_report, updates, monkeypatch, n_checkpoints
):
    params = {"max_iter": 200, "n_iter_no_change": 200, "checkpoint_dir": tmp_path}
    first = make_regressor(**params, n_checkpoints=n_checkpoints).fit(*wave)
    assert len(list(tmp_path.glob("*/2-experts/natgrad-1/*.npz"))) == n_checkpoints
    monkeypatch.setattr(fit_module, "find_starts", never)
    reports = updates.count
    assert joblib.hash(make_regressor(**params).fit(*wave)._state) == joblib.hash(first._state)
    assert updates.count == reports  # how many are kept is no other fit


def test_the_estimator_is_kept_beside_them(make_regressor, short_search, wave, tmp_path, monkeypatch):
    first = make_regressor(checkpoint_dir=tmp_path).fit(*wave)
    (file,) = tmp_path.glob("*/estimator.toml")
    monkeypatch.setattr(fit_module, "find_starts", never)
    again = MoGPERegressor.from_toml(file).fit(*wave)
    assert joblib.hash(again._state) == joblib.hash(first._state)


def test_checkpoints_are_some_time_apart(make_regressor, short_search, wave, tmp_path):
    make_regressor(max_iter=200, tol=0.0, checkpoint_dir=tmp_path).fit(*wave)
    assert len(list(tmp_path.glob("*/2-experts/natgrad-1/*.npz"))) == 1  # of the end


@pytest.fixture
def broken(make_regressor, short_search, wave, tmp_path, every_report, kill):
    """A fit that was broken off, with three checkpoints, and their directory."""
    model = make_regressor(max_iter=125, tol=0.0, n_iter_no_change=125, checkpoint_dir=tmp_path)
    kill(model, wave, 4)
    (directory,) = tmp_path.glob("*/2-experts/natgrad-1")
    return model, directory


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut_off, flip, empty])
def test_the_checkpoint_before_a_damaged_one_is_taken(make_regressor, wave, broken, updates, damage):
    model, directory = broken
    unbroken = make_regressor(max_iter=125, tol=0.0, n_iter_no_change=125).fit(*wave)
    damage(directory / "checkpoint-3.npz")
    with pytest.warns(RuntimeWarning, match=r"The last checkpoint in .* is damaged; going on from .*-2\.npz"):
        model.fit(*wave)
    assert updates.count == 3
    assert fitted(model) == fitted(unbroken)


def test_all_checkpoints_damaged(wave, broken):
    model, directory = broken
    for path in directory.glob("checkpoint-*"):
        cut_off(path)
    with pytest.raises(ValueError, match=r"All checkpoints in .* are damaged. Delete them"):
        model.fit(*wave)


@pytest.mark.parametrize("damage", [cut_off, flip, empty])
def test_damaged_starts(wave, broken, damage):
    model, directory = broken
    damage(directory.parent / "starts.npz")
    with pytest.raises(ValueError, match=r"starts.npz is damaged .*Delete it to search for starts anew"):
        model.fit(*wave)


def test_a_checkpoint_holds_all_that_a_run_is(tmp_path):
    program = Program(Structure(("rbf", "rbf"), "rbf", 1, 4, "tight"))
    rng = np.random.default_rng(0)

    def scramble(moment):
        program.reset(rng.normal(size=(rng.integers(2, 6), 2)))
        program.model.jitter.assign(rng.uniform())
        for variable in program.trainable:
            variable.assign(variable + rng.normal(size=variable.numpy().shape))
        moment.assign(rng.normal(size=rng.integers(1, 5)))

    moment = tf.Variable([0.0], shape=[None])
    scramble(moment)
    tracker = Tracker(
        program, Candidate(np.inf, program.read()), checkpoints=RunCheckpoints(tmp_path, program, 3)
    )
    assert not tracker.resume([moment])
    for n_iter, loss in enumerate([3.0, 1.0, 2.0], 1):
        tracker.update(n_iter / 3, loss)
        scramble(moment)
    expected = joblib.hash([program.read(), moment.numpy(), tracker.history])
    tracker.finish()
    scramble(moment)
    other = Tracker(program, Candidate(0.0, program.read()), checkpoints=RunCheckpoints(tmp_path, program, 3))
    assert other.resume([moment])
    assert joblib.hash([program.read(), moment.numpy(), other.history]) == expected
    assert other.loss_curve == [3.0, 1.0, 2.0]
    assert other.best_loss == 1.0
    assert isinstance(other.n_iter, float)


# Killed in earnest

SCRIPT = """
import sys
import numpy as np
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.training import checkpoints
checkpoints.CHECKPOINT_SECONDS = 0.2
params = {params} | {{"checkpoint_dir": sys.argv[1]}}
MoGPERegressor(**params).fit(*make_step(150, random_state=0))
print("not killed")
"""


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["natgrad", "adam"])
def test_a_killed_process_is_followed_by_one_that_ends_where_it_would_have(
    make_regressor, tmp_path, monkeypatch, updates, solver
):
    """Of one expert: with two, what processes round differently would grow to another optimum."""
    params = make_regressor(1, solver=solver, max_iter=1500, tol=0.0, n_iter_no_change=1500).get_params()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(params=params), tmp_path])
    try:
        while not list(tmp_path.glob(f"*/1-experts/{solver}-1/checkpoint-3.npz")):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    data = make_step(150, random_state=0)
    unbroken = MoGPERegressor(**params).fit(*data)
    monkeypatch.setattr(fit_module, "find_starts", never)
    with warnings.catch_warnings():  # it may have been killed while it wrote
        warnings.filterwarnings("ignore", "The last checkpoint in .* is damaged", RuntimeWarning)
        resumed = MoGPERegressor(**{**params, "checkpoint_dir": tmp_path}).fit(*data)
    assert updates.count < len(unbroken.loss_curve_)
    np.testing.assert_allclose(resumed.loss_curve_, unbroken.loss_curve_, rtol=1e-5)
    for path, value in unbroken._state["parameters"].items():
        np.testing.assert_allclose(resumed._state["parameters"][path], value, rtol=1e-5, atol=1e-7)
