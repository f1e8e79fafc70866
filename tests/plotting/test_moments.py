"""Moments and samples: what is drawn is what is predicted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_mogpe.plotting import MomentsDisplay


def test_moments_and_samples(step_model, step):
    X, y, _ = step
    display = MomentsDisplay.from_estimator(step_model, X, y, n_samples=2, random_state=3)
    x = display.coordinates[0]
    mean, std = step_model.predict(x[:, None], return_std=True)
    np.testing.assert_allclose(display.line_.get_ydata(), mean, rtol=1e-12)
    band = display.band_.get_paths()[0].vertices
    here = np.isclose(band[:, 0], x[50])
    ends = band[here, 1].min(), band[here, 1].max()
    np.testing.assert_allclose(ends, [mean[50] - 2 * std[50], mean[50] + 2 * std[50]], rtol=1e-9)
    draws = step_model.sample_y(x[:, None], 2, random_state=3)
    np.testing.assert_allclose(display.samples_.get_ydata(), draws.ravel(), rtol=1e-9)
    np.testing.assert_array_equal(display.samples_.get_xdata(), np.repeat(x, 2))
    np.testing.assert_array_equal(display.scatter_.get_xydata(), np.column_stack([X, y]))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["mean ± 2 std", "samples", "mean", "data"]


def test_without_samples_in_given_axes(components):
    _, (left, right) = plt.subplots(1, 2)
    display = MomentsDisplay(*components).plot(right, n_samples=0, legend=False, line_kw={"label": "m"})
    assert display.ax_ is right
    assert not left.has_data()
    assert not hasattr(display, "samples_")
    assert display.line_.get_label() == "m"


def test_moments_over_two_features(plane_model, plane):
    display = MomentsDisplay.from_estimator(plane_model, *plane, grid_resolution=8)
    rows = np.stack(np.meshgrid(*display.coordinates, indexing="ij"), axis=-1).reshape(-1, 2)
    mean, std = plane_model.predict(rows, return_std=True)
    np.testing.assert_allclose(display.mean, mean.reshape(8, 8), rtol=1e-12)
    np.testing.assert_allclose(display.std, std.reshape(8, 8), rtol=1e-12)
    assert [each.get_title() for each in display.axes_] == ["mean", "variance"]
    levels = display.contours_[1].levels
    assert levels[0] <= (std**2).min() < (std**2).max() <= levels[-1]
    assert levels[-1] == pytest.approx((std**2).max(), rel=0.3)  # of the variance, not of its root
    np.testing.assert_array_equal(display.scatter_.get_array(), plane[1])
