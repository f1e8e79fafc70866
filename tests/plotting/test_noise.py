"""The experts' noise: what is drawn is what is predicted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_mogpe.plotting import NoiseDisplay


def test_noise(step_model, step):
    display = NoiseDisplay.from_estimator(step_model, step[0])
    noise = step_model.predict_noise(display.coordinates[0][:, None])
    drawn = np.column_stack([line.get_ydata() for line in display.lines_])
    np.testing.assert_array_equal(drawn, noise)
    np.testing.assert_allclose(
        drawn[0], [expert["noise_std"][0] for expert in step_model.experts_], rtol=1e-6
    )
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["expert 1", "expert 2"]
    assert display.ax_.get_ylim()[0] == 0
    assert display.ax_.get_ylabel() == "std of the noise"


def test_output(two_outputs_model, new_rows):
    X = new_rows["two_outputs"][0]
    display = NoiseDisplay.from_estimator(two_outputs_model, X, output=1, grid_resolution=7)
    expected = two_outputs_model.predict_noise(display.coordinates[0][:, None])[:, :, 1]
    np.testing.assert_array_equal(display.stds, expected)
    with pytest.raises(ValueError, match="Expected an output from 0 to 1, got 2"):
        NoiseDisplay.from_estimator(two_outputs_model, X, output=2)


def test_noise_over_two_features(plane_model, plane):
    display = NoiseDisplay.from_estimator(plane_model, plane[0], grid_resolution=6)
    assert display.stds.shape == (6, 6, 2)
    assert len(display.axes_) == len(display.contours_) == 2
    assert len(display.figure_.axes) == 3  # one colour bar
    np.testing.assert_array_equal(display.contours_[0].levels, display.contours_[1].levels)
    cut = NoiseDisplay.from_estimator(plane_model, plane[0], features=1, fixed={0: 0.5}, grid_resolution=4)
    assert cut.ax_.get_xlabel() == "x1"


def test_noise_that_is_the_same_everywhere_and_for_all():
    display = NoiseDisplay((np.arange(3.0),) * 2, np.full((3, 3, 2), 0.2)).plot()
    levels = display.contours_[0].levels
    assert levels[0] <= 0.2 <= levels[-1]


def test_pipeline(step_model, step):
    halved = make_pipeline(FunctionTransformer(lambda X: X / 2).fit(step[0]), step_model)
    display = NoiseDisplay.from_estimator(halved, step[0], grid_resolution=5)
    expected = step_model.predict_noise(display.coordinates[0][:, None] / 2)
    np.testing.assert_array_equal(display.stds, expected)


def test_given_axes_and_styles(components):
    _, (above, below) = plt.subplots(2, 1)
    x, _, _, stds = components
    display = NoiseDisplay(x, stds, feature_names=["time"])
    display.plot(below, legend=False, colors=["r", "g", "b"], line_kw={"lw": 5})
    assert display.ax_ is below
    assert not above.has_data()
    assert below.get_legend() is None
    assert below.get_xlabel() == "time"
    assert [(line.get_color(), line.get_linewidth()) for line in display.lines_] == [
        ("r", 5),
        ("g", 5),
        ("b", 5),
    ]
    with pytest.raises(ValueError, match=r"Expected values of shape \(21, 2\)"):
        NoiseDisplay(x, np.ones((3, 2)))
