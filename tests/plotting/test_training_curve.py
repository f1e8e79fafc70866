"""The training curve is the estimator's, against its iterations."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_mogpe.plotting import TrainingCurveDisplay


def test_loss(step_model):
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(make_pipeline(step_model), ax=ax, loss_kw={"c": "k"})
    assert display.ax_ is ax
    np.testing.assert_array_equal(display.loss_line_.get_ydata(), step_model.loss_curve_)
    assert display.loss_line_.get_xdata()[-1] == step_model.n_iter_
    assert display.loss_line_.get_color() == "k"
    assert not hasattr(display, "validation_line_")


def test_held_out_rows(wave, make_regressor, short_search):
    model = make_regressor(solver="lbfgs", max_iter=5, early_stopping=True).fit(*wave)
    display = TrainingCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), -np.array(model.validation_scores_))
    np.testing.assert_allclose(display.validation_line_.get_xdata(), np.arange(1, model.n_iter_ + 1))
    assert len(display.ax_.get_legend().get_texts()) == 2


def test_without_iterations_reports_are_counted():
    display = TrainingCurveDisplay([3.0, 2.0], [-1.0, -0.5]).plot(legend=False)
    np.testing.assert_array_equal(display.loss_line_.get_xdata(), [1, 2])
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), [1.0, 0.5])
    assert display.ax_.get_legend() is None


def test_nothing_to_draw(make_regressor):
    model = make_regressor()
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(model)
    model._state, model.loss_curve_ = {}, []
    with pytest.raises(ValueError, match="got none"):
        TrainingCurveDisplay.from_estimator(model)
