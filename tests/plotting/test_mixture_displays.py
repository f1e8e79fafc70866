"""Predictive density and experts: what is drawn is what is predicted, where it was asked for."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_mogpe.plotting import (
    CalibrationDisplay,
    ExpertsDisplay,
    LatentFunctionsDisplay,
    MixingProbabilitiesDisplay,
    PredictiveDensityDisplay,
)
from sklearn_mogpe.predictive import gaussian_mixture as gm

BOTH = pytest.mark.parametrize("display_class", [PredictiveDensityDisplay, ExpertsDisplay])


def test_density_lines_are_the_predictions(step_model, step):
    X, y, _ = step
    display = PredictiveDensityDisplay.from_estimator(step_model, X, y, coverage=(0.5, 0.8), n_samples=2)
    x = display.line_.get_xdata()
    rows = x[:, None]
    np.testing.assert_allclose(display.line_.get_ydata(), step_model.predict(rows), rtol=1e-12)
    np.testing.assert_allclose(display.std, step_model.predict(rows, return_std=True)[1], rtol=1e-12)
    quantiles = step_model.predict_quantile(rows, [0.25, 0.75, 0.1, 0.9])
    drawn = [line.get_ydata() for pair in display.interval_lines_ for line in pair]
    np.testing.assert_allclose(np.transpose(drawn), quantiles, atol=1e-9)
    draws = step_model.sample_y(rows, 2, random_state=0)
    np.testing.assert_allclose(display.samples_.get_ydata(), draws.ravel(), rtol=1e-9)
    np.testing.assert_array_equal(display.samples_.get_xdata(), np.repeat(x, 2))
    np.testing.assert_array_equal(display.scatter_.get_xydata(), np.column_stack([X, y]))
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "50% interval",
        "80% interval",
        "samples",
        "mean",
        "data",
    ]


@pytest.mark.parametrize("kind", ["relative", "density", "log_density"])
def test_shading_is_the_density(step_model, step, kind):
    display = PredictiveDensityDisplay.from_estimator(step_model, step[0], kind=kind, grid_resolution=20)
    x = display.coordinates[0]
    edges = display.mesh_.get_coordinates()[:, 0, 1]
    heights = 0.5 * (edges[:-1] + edges[1:])
    shades = display.mesh_.get_array().T
    log_density = np.stack([step_model.score_samples(np.full((300, 1), value), heights) for value in x])
    if kind == "relative":
        log_density -= log_density.max(axis=1, keepdims=True)
    np.testing.assert_allclose(
        shades, log_density if kind == "log_density" else np.exp(log_density), rtol=1e-6
    )
    assert len(display.figure_.axes) == (1 if kind == "relative" else 2)
    assert not hasattr(display, "scatter_")


def test_interval_bands(components):
    display = PredictiveDensityDisplay(*components).plot(kind="intervals", coverage=0.9)
    (band,), ((lower, upper),) = display.bands_, display.interval_lines_
    corners = band.get_paths()[0].get_extents()
    assert corners.ymin == pytest.approx(lower.get_ydata().min())
    assert corners.ymax == pytest.approx(upper.get_ydata().max())
    assert not hasattr(display, "mesh_")


def test_unknown_kind(components):
    with pytest.raises(ValueError, match=r"'intervals'.*got 'pretty'"):
        PredictiveDensityDisplay(*components).plot(kind="pretty")


def test_experts_are_as_opaque_as_probable(components):
    display = ExpertsDisplay(*components).plot(band_kw={"alpha": 0.5})
    x, weights, means, stds = components
    for k in range(3):
        pieces = np.array(display.lines_[k].get_segments())
        np.testing.assert_allclose(pieces[:, 0], np.column_stack([x[0][:-1], means[:-1, k]]))
        np.testing.assert_allclose(pieces[:, 1], np.column_stack([x[0][1:], means[1:, k]]))
        opacity = 0.5 * (weights[:-1, k] + weights[1:, k])
        np.testing.assert_allclose(display.lines_[k].get_colors()[:, 3], opacity)
        band = display.bands_[k].get_coordinates()[..., 1]
        np.testing.assert_allclose(band, means[:, k] + 2 * stds[:, k] * [[-1], [1]])
        np.testing.assert_allclose(display.bands_[k].get_array()[0, :, 3], 0.5 * opacity)
    assert display.ax_.get_ylim()[1] < 5  # the improbable expert, up to 50, does not widen the axes
    opaque = ExpertsDisplay(*components).plot(fade=False, colors=["r", "g", "b"], line_kw={"lw": 4})
    np.testing.assert_array_equal(opaque.lines_[1].get_colors(), np.tile([0, 0.5, 0, 1], (20, 1)))
    assert opaque.lines_[1].get_linewidth() == 4


def test_experts_are_those_of_the_estimator(branches_model, branches):
    display = ExpertsDisplay.from_estimator(branches_model, branches[0], branches[1])
    means, stds = branches_model.predict_experts(display.coordinates[0][:, None], return_std=True)
    np.testing.assert_array_equal(display.means, means)
    np.testing.assert_array_equal(display.stds, stds)


@pytest.mark.parametrize("output", [0, 1])
def test_output(two_outputs_model, new_rows, output):
    X, y = new_rows["two_outputs"]
    display = PredictiveDensityDisplay.from_estimator(two_outputs_model, X, y, output=output)
    expected = two_outputs_model.predict(display.coordinates[0][:, None])[:, output]
    np.testing.assert_allclose(display.line_.get_ydata(), expected, rtol=1e-12)
    np.testing.assert_array_equal(display.scatter_.get_ydata(), y[:, output])


def test_density_over_two_features(plane_model, plane):
    display = PredictiveDensityDisplay.from_estimator(plane_model, *plane, grid_resolution=8)
    rows = np.stack(np.meshgrid(*display.coordinates, indexing="ij"), axis=-1).reshape(-1, 2)
    mean, std = plane_model.predict(rows, return_std=True)
    np.testing.assert_allclose(display.mean, mean.reshape(8, 8), rtol=1e-12)
    np.testing.assert_allclose(display.std, std.reshape(8, 8), rtol=1e-12)
    names = ["mean", "standard deviation"]
    assert [each.get_title() for each in display.axes_] == names
    assert [each.get_ylabel() for each in display.figure_.axes[2:]] == [f"{name} of y" for name in names]
    assert len(display.contours_) == 2
    assert len(display.figure_.axes) == 4  # with colour bars
    np.testing.assert_array_equal(display.scatter_.get_offsets(), plane[0])
    np.testing.assert_array_equal(display.scatter_.get_array(), plane[1])
    assert display.scatter_.norm is display.contours_[0].norm


def test_contours_lie_where_the_values_are():
    """The first feature runs to the right: the mean grows with it only."""
    x, y = np.linspace(0, 1, 11), np.linspace(0, 1, 6)
    means = np.repeat(np.repeat(x[:, None, None], 6, axis=1), 1, axis=2)
    display = PredictiveDensityDisplay((x, y), np.ones((11, 6, 1)), means, means + 1.0)
    contours = display.plot(contour_kw={"levels": [0.0, 0.5, 1.0]}).contours_[0]
    left = contours.get_paths()[0].get_extents()
    np.testing.assert_allclose(left.extents, [0, 0, 0.5, 1], atol=1e-9)


def test_experts_over_two_features(plane_model, plane):
    display = ExpertsDisplay.from_estimator(plane_model, *plane, grid_resolution=10, scatter_kw={"ec": "k"})
    assert display.axes_.shape == (2, 2)
    assert len(display.contours_) == 4
    for row in (display.contours_[:2], display.contours_[2:]):
        np.testing.assert_array_equal(row[0].levels, row[1].levels)  # one colour bar serves both
    assert len(display.figure_.axes) == 6
    assert len(display.borders_) == 4
    assert [each.get_xlabel() for each in display.axes_.flat] == ["", "", "x0", "x0"]
    assert [each.get_ylabel() for each in display.axes_.flat] == ["x1", "", "x1", ""]


def test_slice_through_two_features(plane_model, plane):
    display = PredictiveDensityDisplay.from_estimator(plane_model, plane[0], features=1, fixed={0: 0.5})
    x = display.line_.get_xdata()
    expected = plane_model.predict(np.column_stack([np.full(len(x), 0.5), x]))
    np.testing.assert_allclose(display.line_.get_ydata(), expected, rtol=1e-12)
    assert display.ax_.get_xlabel() == "x1"


def test_pipeline_and_table(step, make_regressor, short_search):
    X, y = pd.DataFrame({"time": 100 + 10 * step[0][:, 0]}), pd.Series(step[1], name="force")
    pipeline = make_pipeline(MinMaxScaler(), make_regressor(max_iter=1)).fit(X, y)
    display = PredictiveDensityDisplay.from_estimator(pipeline, X, y)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("time", "force")
    x = display.line_.get_xdata()
    assert 60 < x[0] < X["time"].min()
    expected = pipeline.predict(pd.DataFrame({"time": x}))
    np.testing.assert_allclose(display.line_.get_ydata(), expected, rtol=1e-12)


@BOTH
def test_given_axes_alone_are_drawn_into(display_class, components):
    figure, (left, right) = plt.subplots(1, 2)
    display = display_class(*components).plot(ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not left.has_data()
    assert len(figure.axes) == 2


@BOTH
def test_wrong_number_of_axes(display_class, components):
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="Expected 1 axes as ax, got 3"):
        display_class(*components).plot(axes)
    display = display_class((np.arange(3.0),) * 2, *(np.full((3, 3, 2), 0.5),) * 3)
    with pytest.raises(ValueError, match="got 3"):
        display.plot(axes)


@BOTH
def test_given_axes_over_two_features(display_class):
    shape = (1, 2) if display_class is PredictiveDensityDisplay else (2, 2)
    _, axes = plt.subplots(*shape)
    values = np.random.default_rng(0).uniform(0.1, 1, (3, 4, 4, 2))
    display = display_class((np.arange(4.0),) * 2, *values).plot(axes, colorbar=False)
    np.testing.assert_array_equal(display.axes_.ravel(), axes.ravel())
    assert len(display.figure_.axes) == axes.size


@BOTH
def test_styles(display_class, components):
    display = display_class(*components, X=np.array([[0.5]]), y=np.array([1.0]))
    display.plot(legend=False, scatter_kw={"ms": 9, "color": "r"}, line_kw={"linestyle": "--"})
    assert display.ax_.get_legend() is None
    assert display.scatter_.get_markersize() == 9


def test_labels(components):
    display = PredictiveDensityDisplay(*components, X=np.array([[0.5]]), y=np.array([1.0]))
    names = ["samples", "line", "scatter"]
    display.plot(n_samples=1, coverage=[], **{f"{name}_kw": {"label": name} for name in names})
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == names


@BOTH
def test_unfitted(display_class, step_model):
    with pytest.raises(ValueError, match="not fitted"):
        display_class.from_estimator(clone(step_model), [[0.0], [1.0]])


@pytest.mark.parametrize("display_class", [PredictiveDensityDisplay, CalibrationDisplay])
def test_components_are_predicted_once(display_class, step_model, step, monkeypatch):
    predict, asked = type(step_model).predict_mixture, []
    monkeypatch.setattr(
        type(step_model), "predict_mixture", lambda self, X: asked.append(X) or predict(self, X)
    )
    display_class.from_estimator(make_pipeline(step_model), *step[:2])
    assert len(asked) == 1


def test_shapes_are_checked():
    x = np.linspace(0, 1, 3)
    with pytest.raises(ValueError, match=r"got 3 of shapes \[\(\), \(\), \(\)\]; of one, pass \(x,\)"):
        MixingProbabilitiesDisplay(x, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"shape \(3, 2\) at the coordinates, got \(3, 4\)"):
        LatentFunctionsDisplay((x,), np.ones((3, 2)), np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"shape \(3, 3, 2\) at the coordinates, got \(9, 2\)"):
        ExpertsDisplay((x, x), *[np.ones((9, 2))] * 3)


def test_mean_is_that_of_the_components(components):
    display = PredictiveDensityDisplay(*components)
    np.testing.assert_allclose(display.mean, (components[1] * components[2]).sum(axis=1))
    flat = components[1], components[2][..., None], components[3][..., None]
    np.testing.assert_allclose(display.std, gm.std(*flat)[:, 0])
