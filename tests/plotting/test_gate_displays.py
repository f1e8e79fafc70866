"""Mixing probabilities and the gate's functions: what is drawn is what is predicted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import ndtr, softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_mogpe.plotting import GatingFunctionsDisplay, MixingProbabilitiesDisplay


def test_functions_of_two_experts_explain_the_probabilities(step_model, step):
    h, std = step_model.predict_gating_functions(step[0], return_std=True)
    assert h.shape == std.shape == (150, 1)
    first = step_model.predict_mixing_proba(step[0])[:, 0]
    np.testing.assert_allclose(ndtr(h / np.sqrt(1 + std**2))[:, 0], first, rtol=1e-6)
    np.testing.assert_array_equal(step_model.predict_gating_functions(step[0]), h)


def test_functions_of_three_experts_explain_the_probabilities(three_experts_model, step):
    h, std = three_experts_model.predict_gating_functions(step[0][:20], return_std=True)
    assert h.shape == (20, 3)
    noise = np.random.default_rng(0).normal(size=(20_000, 1, 3))
    averaged = softmax(h + std * noise, axis=-1).mean(axis=0)
    np.testing.assert_allclose(averaged, three_experts_model.predict_mixing_proba(step[0][:20]), atol=0.03)


@pytest.mark.slow
def test_functions_in_single_precision(step, make_regressor, short_search):
    model = make_regressor(max_iter=1, dtype="float32").fit(*step[:2])
    h, std = model.predict_gating_functions(step[0], return_std=True)
    assert h.dtype == std.dtype == np.float64
    first = model.predict_mixing_proba(step[0])[:, 0]
    np.testing.assert_allclose(ndtr(h / np.sqrt(1 + std**2))[:, 0], first, atol=1e-3)


def test_single_expert_has_no_gate(wave, make_regressor, short_search):
    single = make_regressor(1, max_iter=1).fit(*wave)
    with pytest.raises(ValueError, match=r"at least two experts, got one.*n_experts=2"):
        GatingFunctionsDisplay.from_estimator(single, wave[0])
    display = MixingProbabilitiesDisplay.from_estimator(single, wave[0])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), np.ones(200))


def test_gate_without_functions(step_model, step, monkeypatch):
    """Such as that of docs/new_parts.md whose probabilities are the same everywhere."""
    nothing = np.zeros((200, 0))
    monkeypatch.setattr(
        type(step_model), "predict_gating_functions", lambda self, X, return_std: (nothing, nothing)
    )
    with pytest.raises(ValueError, match=r"gate with functions.*that has none.*MixingProbabilitiesDisplay"):
        GatingFunctionsDisplay.from_estimator(step_model, step[0])


def test_probabilities(three_experts_model, step):
    display = MixingProbabilitiesDisplay.from_estimator(three_experts_model, step[0])
    proba = three_experts_model.predict_mixing_proba(display.coordinates[0][:, None])
    drawn = np.column_stack([line.get_ydata() for line in display.lines_])
    np.testing.assert_array_equal(drawn, proba)


def test_stacked_probabilities_fill_the_axes(components):
    display = MixingProbabilitiesDisplay(*components[:2]).plot(kind="stacked", area_kw={"alpha": 1})
    extents = [area.get_paths()[0].get_extents() for area in display.areas_]
    assert extents[0].ymin == 0
    assert extents[-1].ymax == pytest.approx(1)
    assert display.lines_ == []
    assert display.ax_.get_ylim() == (0, 1)
    assert len(display.ax_.get_legend().get_texts()) == 3
    with pytest.raises(ValueError, match='"lines" or "stacked" as kind'):
        display.plot(kind="pie")


def test_probabilities_over_two_features(plane_model, plane):
    display = MixingProbabilitiesDisplay.from_estimator(plane_model, plane[0], grid_resolution=6)
    assert display.weights.shape == (6, 6, 2)
    assert len(display.axes_) == len(display.contours_) == 2
    assert len(display.figure_.axes) == 3  # one colour bar
    np.testing.assert_allclose(display.contours_[1].levels, np.linspace(0, 1, 11))


def test_gating_functions(step_model, step):
    display = GatingFunctionsDisplay.from_estimator(step_model, step[0])
    x = display.lines_[0].get_xdata()
    h, std = step_model.predict_gating_functions(x[:, None], return_std=True)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), h[:, 0])
    band = display.bands_[0].get_paths()[0].get_extents()
    assert band.ymax == pytest.approx((h + 2 * std).max())
    assert band.ymin == pytest.approx((h - 2 * std).min())


def test_gating_functions_of_three_experts(three_experts_model, step):
    display = GatingFunctionsDisplay.from_estimator(three_experts_model, step[0])
    assert len(display.lines_) == len(display.bands_) == 3


def test_gating_functions_over_two_features(plane_model, plane):
    display = GatingFunctionsDisplay.from_estimator(plane_model, plane[0], grid_resolution=6)
    assert display.axes_.shape == (2, 1)
    assert display.means.shape == (6, 6, 1)
    assert len(display.contours_) == 2


def test_gate_of_a_pipeline(step_model, step):
    pipeline = make_pipeline(FunctionTransformer(lambda X: -X), step_model)
    display = GatingFunctionsDisplay.from_estimator(pipeline, step[0])
    expected = step_model.predict_gating_functions(-display.coordinates[0][:, None])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), expected[:, 0])


def test_many_experts_differ_in_colour():
    display = MixingProbabilitiesDisplay((np.arange(3.0),), np.full((3, 9), 1 / 9)).plot()
    assert len({tuple(line.get_color()) for line in display.lines_}) == 9


def test_given_axes_alone_are_drawn_into(components):
    figure, (above, below) = plt.subplots(2, 1)
    display = MixingProbabilitiesDisplay(*components[:2]).plot(above)
    assert display.ax_ is above
    display = GatingFunctionsDisplay(*components[:3]).plot(above)
    assert display.figure_ is figure
    assert not below.has_data()
    assert plt.get_fignums() == [figure.number]
