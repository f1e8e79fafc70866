"""Callbacks of scikit-learn 1.9: tasks, scores as training goes, and stopping."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

sklearn_callback = pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")


class Recorder:
    """Records the tasks that end, and stops a run after some reports."""

    def __init__(self, stop_after=np.inf):
        self.stop_after = stop_after
        self.ended = []
        self.models = []

    def setup(self, estimator, context):
        self.ended.append("setup")

    def teardown(self, estimator, context):
        self.ended.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.ended.append(context.task_name)
        if context.task_name == "iterations":
            self.models.append(fitted_estimator)
        self.data = X, y, metadata
        return context.task_name == "iterations" and len(self.models) >= self.stop_after


def test_tasks_are_the_fit_its_runs_and_their_reports(make_regressor, short_search, wave):
    recorder = Recorder()
    weight = np.ones(len(wave[0]))
    model = make_regressor(max_iter=60, tol=0).set_callbacks(recorder).fit(*wave, weight, y_std=0.1)
    expected = ["setup", *["iterations"] * 3, "natgrad 1", "fit", "teardown"]
    assert recorder.ended == expected
    assert recorder.data[0] is wave[0]
    assert recorder.data[2]["sample_weight"] is weight
    assert recorder.data[2]["y_std"] == 0.1
    assert model.n_iter_ == 60


def test_models_on_the_way_predict(make_regressor, short_search, wave):
    recorder = Recorder()
    model = make_regressor(max_iter=50, tol=0).set_callbacks(recorder).fit(*wave)
    first, last = recorder.models
    assert first.score_samples(*wave).mean() != last.score_samples(*wave).mean()
    best = recorder.models[np.argmin(model.loss_curve_)]
    np.testing.assert_array_equal(best.predict(wave[0]), model.predict(wave[0]))


def test_a_callback_can_stop_the_training(make_regressor, short_search, wave):
    model = make_regressor(max_iter=200, tol=0).set_callbacks(Recorder(stop_after=2)).fit(*wave)
    assert model.n_iter_ == 50
    assert not model.converged_


def test_callbacks_change_nothing(make_regressor, short_search, wave):
    watched = make_regressor().set_callbacks(Recorder()).fit(*wave)
    np.testing.assert_array_equal(watched.predict(wave[0]), make_regressor().fit(*wave).predict(wave[0]))


def test_search_hands_on_progress_bar_and_monitor(make_regressor, short_search, wave, capsys):
    monitor = sklearn_callback.ScoringMonitor(scoring="neg_mean_squared_error")
    model = make_regressor(max_iter=50, tol=0).set_callbacks(monitor)
    search = GridSearchCV(model, {"n_inducing": [6, 12]}, cv=2)
    search.set_callbacks(sklearn_callback.ProgressBar()).fit(*wave)
    logs = monitor.get_logs(select="all")
    scores = [row["neg_mean_squared_error"] for log in logs for row in log.data]
    assert len(scores) >= 2 * 5  # two reports of each of 2 x 2 + 1 fits
    assert max(scores) < 0
    assert "MoGPERegressor - fit" in capsys.readouterr().out
