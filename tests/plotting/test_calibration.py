"""Histogram and coverage count what they should, beside the bands of a calibrated model."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binom

from sklearn_mogpe.plotting import CalibrationDisplay


def test_transform_is_the_predicted_probability_below_y(step_model, new_rows):
    X, y, _ = (part[:300] if isinstance(part, np.ndarray) else part for part in new_rows["step"])
    for level in (0.1, 0.8):
        display = CalibrationDisplay.from_estimator(step_model, X, step_model.predict_quantile(X, level))
        np.testing.assert_allclose(display.pit, level, rtol=1e-9)
    display = CalibrationDisplay.from_estimator(step_model, X, y, n_bins=8)
    assert display.counts_.sum() == 300
    np.testing.assert_array_equal(display.counts_, [bar.get_height() for bar in display.bars_])
    lower, upper = step_model.predict_interval(X, 0.7)
    nominal, observed = display.coverage_line_.get_data()
    drawn = observed[np.searchsorted(nominal, 0.7, side="right") - 1]
    assert drawn == pytest.approx(np.mean((lower <= y) & (y <= upper)))


def test_output(two_outputs_model, new_rows):
    X, y = new_rows["two_outputs"]
    y = np.column_stack([y[:, 0], two_outputs_model.predict_quantile(X, 0.3)[:, 1]])
    display = CalibrationDisplay.from_estimator(two_outputs_model, X, y, output=1)
    np.testing.assert_allclose(display.pit, 0.3, rtol=1e-9)


def test_bands_are_binomial():
    display = CalibrationDisplay(np.linspace(0, 1, 40)).plot(n_bins=5, confidence=0.9)
    extents = display.histogram_band_.get_paths()[0].get_extents()
    assert (extents.ymin, extents.ymax) == tuple(binom.ppf([0.05, 0.95], 40, 0.2))
    corners = display.coverage_band_.get_paths()[0].vertices
    middle = corners[np.isclose(corners[:, 0], 0.5), 1]
    assert {middle.min(), middle.max()} == set(binom.ppf([0.05, 0.95], 40, 0.5) / 40)


@pytest.mark.parametrize("kind", ["histogram", "coverage"])
def test_one_kind_in_given_axes(kind):
    figure, (left, right) = plt.subplots(1, 2)
    display = CalibrationDisplay([0.1, 0.5]).plot(right, kind=kind, bar_kw={"color": "r"}, legend=False)
    assert list(display.axes_) == [right]
    assert display.figure_ is figure
    assert not left.has_data()
    assert hasattr(display, "bars_") == (kind == "histogram")
    assert hasattr(display, "coverage_line_") == (kind == "coverage")


def test_unknown_kind():
    with pytest.raises(ValueError, match=r"'histogram'.*got 'pie'"):
        CalibrationDisplay([0.5]).plot(kind="pie")
