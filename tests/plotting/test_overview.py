"""Four pictures in one: what is drawn, over which feature, and at which values of the others."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_mogpe.plotting import (
    CalibrationDisplay,
    ExpertsDisplay,
    MixingProbabilitiesDisplay,
    OverviewDisplay,
    PredictiveDensityDisplay,
)


def title(ax):
    """Title of a panel, or of its legend."""
    return ax.get_legend().get_title().get_text() if ax.get_legend() else ax.get_title()


def caption(display):
    """The text below the panels, in one line."""
    return display.figure_.get_supxlabel().replace("\n", " ").replace("\xa0", " ")


@pytest.fixture(scope="module")
def many(make_regressor):
    """A regressor of three features, the second of which matters most, and its rows."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-1, 1, (61, 3)), columns=["heat", "wind", "rain"])
    X["rain"] = 1990 + np.arange(61)
    y = 0.2 * X["heat"] + np.sin(2 * X["wind"]) + 0.1 * rng.normal(size=61)
    return make_regressor(1).fit(X, y), X, y.rename("growth")


def test_one_feature(step_model, step):
    X, y, _ = step
    display = OverviewDisplay.from_estimator(step_model, X, y)
    assert [title(ax) for ax in display.axes_.flat] == [
        "density",
        "experts",
        "gate",
        "calibration on 150 rows",
    ]
    x = display.density.coordinates[0]
    np.testing.assert_array_equal(display.density.line_.get_xdata(), x)
    np.testing.assert_allclose(display.density.line_.get_ydata(), step_model.predict(x[:, None]), rtol=1e-9)
    np.testing.assert_array_equal(display.density.scatter_.get_xydata(), np.column_stack([X, y]))
    proba = step_model.predict_mixing_proba(x[:, None])
    drawn = np.column_stack([line.get_ydata() for line in display.gate.lines_])
    np.testing.assert_array_equal(drawn, proba)
    np.testing.assert_array_equal(display.experts.means, step_model.predict_experts(x[:, None]))
    alone = CalibrationDisplay.from_estimator(step_model, X, y, kind="coverage").coverage_line_
    np.testing.assert_array_equal(display.calibration.coverage_line_.get_xydata(), alone.get_xydata())
    assert (display.held, display.caption, display.figure_.get_supxlabel()) == ({}, "", "")


def test_experts_differ_in_grey(three_experts_model, step):
    """Each has a line style of its own, the same in both panels, where colours become alike."""
    display = OverviewDisplay.from_estimator(three_experts_model, step[0], step[1])
    styles = {line.get_linestyle() + str(line._dash_pattern[1]) for line in display.gate.lines_}
    assert len(styles) == 3
    for panel in (1, 2):
        lines = display.axes_.flat[panel].get_legend().get_lines()
        assert {line.get_linestyle() + str(line._dash_pattern[1]) for line in lines} == styles
    solid, dashed, dotted = (lines.get_segments() for lines in display.experts.lines_)
    lengths = [sum(end[0] - start[0] for start, end in pieces) for pieces in (solid, dashed, dotted)]
    span = np.ptp(display.experts.coordinates[0])
    np.testing.assert_allclose(np.divide(lengths, span), [1, 4 / 6, 1 / 2.5], atol=0.01)


def test_dashes_lie_on_the_curve_and_fade_with_it(components):
    (x,), weights, means, _ = components
    dash = (0, (7, 4))
    display = ExpertsDisplay(*components).plot(linestyles=["-", dash, dash])
    pieces = np.array(display.lines_[1].get_segments())
    np.testing.assert_allclose(pieces[..., 1], np.interp(pieces[..., 0], x, means[:, 1]), rtol=1e-12)
    middles = pieces[..., 0].mean(axis=1)
    assert ((middles * 180) % 11 < 7).all()
    colors = display.lines_[1].get_colors()
    np.testing.assert_allclose(colors[:, 3], np.interp(middles, x, weights[:, 1]), rtol=1e-12)
    np.testing.assert_allclose(colors[:, :3], np.tile(to_rgb("#d55e00"), (len(colors), 1)))
    with pytest.raises(ValueError, match=r"line style of an expert, got ':'; for example \(0, \(4, 2\)\)"):
        ExpertsDisplay(*components).plot(linestyles=["-", ":", "-"])


def long_names(components, n_features):
    """An overview of made-up values with long names, many of them held."""
    (x,), *mixture = components
    coordinates = (x,) * n_features
    shape = *map(len, coordinates), 3
    values = [np.broadcast_to(value if n_features == 1 else value[:, None], shape) for value in mixture]
    names = ["mean annual temperature in degrees", "rainfall in the wettest month"][:n_features]
    options = {"feature_names": names, "target_name": "yield of winter wheat in tons per hectare"}
    data = {"X": np.full((5, n_features), 0.5), "y": np.arange(5)}
    return OverviewDisplay(
        PredictiveDensityDisplay(coordinates, *values, **options, **data),
        ExpertsDisplay(coordinates, *values, **options, **data),
        MixingProbabilitiesDisplay(coordinates, values[0], feature_names=names),
        CalibrationDisplay(np.linspace(0, 1, 50)),
        held={f"some other feature {j}": 1000 * j for j in range(20)},
    )


@pytest.mark.parametrize("n_features", [1, 2])
def test_nothing_overlaps(components, n_features):
    """Panels with all that belongs to them, legends and long names included, keep apart in the figure."""
    display = long_names(components, n_features).plot()
    figure = display.figure_
    figure.canvas.draw()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    boxes.append(figure._supxlabel.get_window_extent())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    whole = figure.bbox
    assert all(whole.x0 <= b.x0 and b.x1 <= whole.x1 for b in boxes)
    assert all(whole.y0 <= b.y0 and b.y1 <= whole.y1 for b in boxes)
    assert figure.get_supxlabel().splitlines()[0].startswith("Other features held at some other feature 0")
    assert not [line for line in figure.get_supxlabel().splitlines() if line.startswith(("=", "\xa0"))]


def test_two_features(plane_model, plane):
    X, y = plane
    display = OverviewDisplay.from_estimator(plane_model, X, y, grid_resolution=6)
    titles = [
        ["density: mean", "expert 1", "expert 2"],
        ["density: spread", "", ""],
        ["calibration on 100 rows", "gate: expert 1", "gate: expert 2"],
    ]
    assert [[title(ax) for ax in row] for row in display.axes_] == titles
    assert [[ax.get_xlabel() for ax in row] for row in display.axes_] == [
        ["", "", ""],
        ["x0", "", ""],
        ["nominal coverage", "x0", "x0"],
    ]
    assert [ax.get_ylabel() for ax in display.axes_[:, 1]] == ["x1"] * 3
    grid = np.stack(np.meshgrid(*display.density.coordinates, indexing="ij"), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(display.density.mean.ravel(), plane_model.predict(grid), rtol=1e-9)
    np.testing.assert_array_equal(display.gate.weights.reshape(-1, 2), plane_model.predict_mixing_proba(grid))
    np.testing.assert_array_equal(display.density.scatter_.get_offsets(), X)
    assert display.caption == ""


def test_many_features_at_their_medians(many):
    """Over the feature along which the mean changes most; also when another is held."""
    model, X, y = many
    display = OverviewDisplay.from_estimator(model, X, y)
    assert display.held == {"heat": np.median(X["heat"]), "rain": np.median(X["rain"])}
    (x,) = display.density.coordinates
    rows = pd.DataFrame({"heat": np.median(X["heat"]), "wind": x, "rain": np.median(X["rain"])})
    np.testing.assert_allclose(display.density.line_.get_ydata(), model.predict(rows), rtol=1e-9)
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in display.axes_[0]] == [("wind", "growth")] * 2
    expected = f"Other features held at heat = {np.median(X['heat']):.4g}, rain = 2020. Points: all rows"
    assert caption(display).startswith(expected)
    assert display.density.scatter_.get_alpha() == 0.4
    np.testing.assert_array_equal(display.density.scatter_.get_xdata(), X["wind"])


def test_features_that_are_chosen_or_fixed(many):
    model, X, _ = many
    display = OverviewDisplay.from_estimator(model, X, features="heat", fixed={"wind": 0.5})
    assert display.gate.feature_names == ["heat"]
    assert caption(display) == "Other features held at wind = 0.5, rain = 2020."
    plane = OverviewDisplay.from_estimator(model, X, fixed={2: 2000}, grid_resolution=4)
    assert (plane.gate.feature_names, plane.held) == (["heat", "wind"], {"rain": 2000})
    with pytest.raises(ValueError, match=r"from 0 to 2 or one of \['heat', 'wind', 'rain'\], got 'hail'"):
        OverviewDisplay.from_estimator(model, X, features="hail")
    with pytest.raises(ValueError, match="distinct values of heat in X, got 0 only"):
        OverviewDisplay.from_estimator(model, np.zeros_like(X))
    with pytest.raises(ValueError, match="an output from 0 to 0, got 1"):
        OverviewDisplay.from_estimator(model, X, output=1)


def test_one_expert_without_targets_says_what_is_missing(many):
    model, X, _ = many
    display = OverviewDisplay.from_estimator(model, X, features=0)
    gate, calibration = display.axes_[1]
    assert [text.get_text() for text in gate.texts] == ["There is one expert,\nand so no gate."]
    assert [text.get_text() for text in calibration.texts] == ["The calibration needs y."]
    assert [title(ax) for ax in display.axes_[1]] == ["gate", "calibration"]
    plane = OverviewDisplay.from_estimator(model, X, features=[0, 1], grid_resolution=4)
    assert [title(ax) for ax in plane.axes_[2]] == ["calibration", "gate"]
    assert plane.axes_[1, 1].get_xlabel() == "heat"


def test_outputs(two_outputs_model, new_rows):
    X, Y = new_rows["two_outputs"]
    table = pd.DataFrame(Y, columns=["force", "torque"])
    display = OverviewDisplay.from_estimator(two_outputs_model, X, table, output=1)
    (x,) = display.density.coordinates
    mean = two_outputs_model.predict(x[:, None])[:, 1]
    np.testing.assert_allclose(display.density.line_.get_ydata(), mean, rtol=1e-9)
    assert [ax.get_ylabel() for ax in display.axes_[0]] == ["torque"] * 2
    alone = CalibrationDisplay.from_estimator(two_outputs_model, X, Y, output=1)
    np.testing.assert_array_equal(display.calibration.pit, alone.pit)


def test_pipelines_are_asked_in_their_own_units(step_model, step):
    pipeline = make_pipeline(MinMaxScaler().fit(step[0]), step_model)
    display = OverviewDisplay.from_estimator(pipeline, *step[:2], grid_resolution=10)
    (x,) = display.density.coordinates
    np.testing.assert_allclose(display.density.line_.get_ydata(), pipeline.predict(x[:, None]), rtol=1e-9)


def test_other_estimators_are_refused():
    linear = LinearRegression().fit(np.eye(3), np.arange(3.0))
    with pytest.raises(TypeError, match=r"Expected a MoGPERegressor.*got LinearRegression"):
        OverviewDisplay.from_estimator(linear, np.eye(3), features=0)


def test_given_axes_and_styles(components):
    _, axes = plt.subplots(1, 4)
    coordinates, weights, means, _ = components
    parts = PredictiveDensityDisplay(*components), ExpertsDisplay(*components)
    gate = MixingProbabilitiesDisplay(coordinates, weights)
    pit = CalibrationDisplay(norm.cdf(means[:, 0]))
    display = OverviewDisplay(*parts, gate, pit, held={f"x{j}": j for j in range(30)} | {"x3": "wet"})
    display.plot(axes, gate_kw={"kind": "stacked"}, calibration_kw={"kind": "histogram", "n_bins": 5})
    assert list(display.axes_.flat) == list(axes)
    assert (len(display.gate.areas_), len(display.calibration.bars_)) == (3, 5)
    assert display.figure_.get_supxlabel() == ""
    assert display.caption.startswith("Other features held at x0 = 0, x1 = 1, x2 = 2, x3 = wet, x4 = 4")
    assert display.caption.endswith("x23 = 23 and 6 more.")
    with pytest.raises(ValueError, match="Expected 4 axes as ax, got 2"):
        display.plot(axes[:2])
