"""The experts' latent functions, and inducing inputs: what is drawn is what was learnt."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_mogpe.plotting import GatingFunctionsDisplay, LatentFunctionsDisplay


def test_an_expert_is_its_function_and_noise(step_model, two_outputs_model, step, new_rows):
    for model, X in ((step_model, step[0]), (two_outputs_model, new_rows["two_outputs"][0])):
        f, f_std = model.predict_latent_functions(X, return_std=True)
        means, stds = model.predict_experts(X, return_std=True)
        np.testing.assert_allclose(f, means, rtol=1e-12)
        noise = np.array([expert["noise_std"] for expert in model.experts_])
        noise = noise[:, 0] if f.ndim == 2 else noise
        np.testing.assert_allclose(f_std**2 + noise**2, stds**2, rtol=1e-6)  # and the floor of the noise
        np.testing.assert_array_equal(model.predict_latent_functions(X), f)


def test_unfitted(step_model):
    with pytest.raises(ValueError, match="not fitted"):
        clone(step_model).predict_latent_functions([[0.0]])
    with pytest.raises(ValueError, match="not fitted"):
        clone(step_model).inducing_inputs_  # noqa: B018


def test_inducing_inputs_are_those_of_the_model(three_experts_model, step):
    own = [gp.inducing_variable.Z.numpy() for gp in three_experts_model.model_.gps]
    mean, scale = step[0].mean(axis=0), step[0].std(axis=0)
    assert len(own) == 4  # three experts and a gate
    np.testing.assert_allclose(three_experts_model.inducing_inputs_, np.array(own) * scale + mean, rtol=1e-9)


def test_functions(step_model, step):
    X, y, _ = step
    display = LatentFunctionsDisplay.from_estimator(step_model, X, y, inducing_points=True)
    x = display.coordinates[0]
    f, std = step_model.predict_latent_functions(x[:, None], return_std=True)
    drawn = np.column_stack([line.get_ydata() for line in display.lines_])
    np.testing.assert_array_equal(drawn, f)
    for k in range(2):
        band = display.bands_[k].get_paths()[0].get_extents()
        assert band.ymax == pytest.approx((f + 2 * std)[:, k].max())
        assert band.ymin == pytest.approx((f - 2 * std)[:, k].min())
        ticks = display.inducing_[k]
        np.testing.assert_array_equal(ticks.get_xdata(), step_model.inducing_inputs_[k][:, 0])
        assert ticks.get_color() == display.lines_[k].get_color()
    assert display.inducing_[0].get_ydata()[0] < display.inducing_[1].get_ydata()[0] < 0.2
    np.testing.assert_array_equal(display.scatter_.get_xydata(), np.column_stack([X, y]))
    assert display.ax_.get_ylabel() == "y"


def test_output(two_outputs_model, new_rows):
    X, y = new_rows["two_outputs"]
    display = LatentFunctionsDisplay.from_estimator(two_outputs_model, X, y, output=1)
    expected = two_outputs_model.predict_latent_functions(display.coordinates[0][:, None])[:, :, 1]
    np.testing.assert_array_equal(display.means, expected)
    np.testing.assert_array_equal(display.scatter_.get_ydata(), y[:, 1])
    assert display.inducing_ == []


def test_functions_over_two_features(plane_model, plane):
    options = {"grid_resolution": 6, "inducing_points": True, "inducing_kw": {"color": "r"}}
    display = LatentFunctionsDisplay.from_estimator(plane_model, *plane, **options)
    assert display.axes_.shape == (2, 2)
    assert len(display.contours_) == 4
    assert len(display.figure_.axes) == 6  # one colour bar for each row
    for row in (display.contours_[:2], display.contours_[2:]):
        np.testing.assert_array_equal(row[0].levels, row[1].levels)
    crosses = [line.get_xydata() for line in display.inducing_]
    Z = plane_model.inducing_inputs_
    np.testing.assert_array_equal(crosses, [Z[0], Z[0], Z[1], Z[1]])  # expert by expert, mean and std
    assert display.inducing_[0].get_color() == "r"
    options = {"grid_resolution": 6, "inducing_points": True}
    gate = GatingFunctionsDisplay.from_estimator(plane_model, plane[0], **options)
    np.testing.assert_array_equal([line.get_xydata() for line in gate.inducing_], [Z[2], Z[2]])
    cut = LatentFunctionsDisplay.from_estimator(plane_model, plane[0], features=1, inducing_points=True)
    np.testing.assert_array_equal(cut.inducing_[0].get_xdata(), Z[0][:, 1])


def test_functions_of_a_softmax_share_their_inducing_inputs(three_experts_model, step):
    display = GatingFunctionsDisplay.from_estimator(three_experts_model, step[0], inducing_points=True)
    (ticks,) = display.inducing_
    np.testing.assert_array_equal(ticks.get_xdata(), three_experts_model.inducing_inputs_[3][:, 0])


def test_inducing_inputs_behind_a_pipeline(step_model, step):
    alone = make_pipeline(step_model)
    display = LatentFunctionsDisplay.from_estimator(alone, step[0], inducing_points=True)
    assert len(display.inducing_) == 2
    scaled = make_pipeline(MinMaxScaler().fit(step[0]), step_model)
    with pytest.raises(ValueError, match=r"in the units of X, got a pipeline.*inducing_points=False"):
        LatentFunctionsDisplay.from_estimator(scaled, step[0], inducing_points=True)


def test_given_axes_and_styles(components):
    _, (above, below) = plt.subplots(2, 1)
    x, _, means, stds = components
    display = LatentFunctionsDisplay(x, means, stds, target_name="force", inducing_inputs=[np.array([[0.5]])])
    display.plot(below, legend=False, colors=["r", "g", "b"], line_kw={"lw": 5}, inducing_kw={"marker": "^"})
    assert display.ax_ is below
    assert not above.has_data()
    assert display.ax_.get_legend() is None
    assert display.ax_.get_ylabel() == "force"
    assert [line.get_linewidth() for line in display.lines_] == [5, 5, 5]
    assert [line.get_marker() for line in display.inducing_] == ["^"]


def test_inducing_inputs_may_be_one_array():
    Z = np.arange(12.0).reshape(2, 3, 2)
    coordinates, values = (np.arange(4.0),) * 2, np.random.default_rng(0).uniform(0.1, 1, (4, 4, 2))
    display = LatentFunctionsDisplay(coordinates, values, values, inducing_inputs=Z).plot()
    crosses = [line.get_xydata() for line in display.inducing_]
    np.testing.assert_array_equal(crosses, [Z[0], Z[0], Z[1], Z[1]])
