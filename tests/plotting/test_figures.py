"""All figures of a mixture, and none that it does not have."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from sklearn_mogpe.plotting import close_figures, make_figures

ALWAYS = ["density", "moments", "experts", "latent_functions", "noise", "mixing_probabilities"]


def test_one_feature(step_model, step):
    figures = make_figures(step_model, *step[:2], grid_resolution=20)
    assert list(figures) == [*ALWAYS, "gating_functions", "calibration", "training_curve"]
    assert len(plt.get_fignums()) == 9
    for name in ("latent_functions", "gating_functions"):
        ticks = [line for line in figures[name].axes[0].lines if line.get_marker() == "|"]
        assert len(ticks[0].get_xdata()) == 12
    close_figures(figures.values())
    assert plt.get_fignums() == []


def test_without_targets(step_model, step):
    assert "calibration" not in make_figures(step_model, step[0], grid_resolution=10)


def test_two_features(plane_model, plane):
    figures = make_figures(plane_model, *plane, grid_resolution=4)
    assert figures["experts"].axes[0].get_ylabel() == "x1"


def test_one_expert_of_three_features(make_regressor, short_search):
    X = np.random.default_rng(0).standard_normal((30, 3))
    model = make_regressor(1, max_iter=1).fit(X, X[:, 0])
    figures = make_figures(model, X, X[:, 0], grid_resolution=4)
    assert list(figures) == [*ALWAYS, "calibration", "training_curve"]
    assert figures["moments"].axes[0].get_xlabel() == "x0"
    cut = make_figures(model, X, features=2, grid_resolution=4)
    assert cut["moments"].axes[0].get_xlabel() == "x2"


def test_a_constant_feature_is_not_drawn(make_regressor, short_search, wave):
    X = np.column_stack([np.ones(40), wave[0], wave[0] ** 2])
    model = make_regressor(max_iter=1).fit(X, wave[1])
    figure = make_figures(model, X, wave[1], grid_resolution=4)["experts"]
    assert (figure.axes[2].get_xlabel(), figure.axes[0].get_ylabel()) == ("x1", "x2")
    figure = make_figures(model, X, wave[1], fixed={1: 0.5}, grid_resolution=4)["experts"]
    assert figure.axes[0].get_xlabel() == "x2"
    with pytest.raises(ValueError, match="distinct values of x0 in X, got 1 only"):
        make_figures(model, np.ones((2, 3)))


def test_words(make_regressor, short_search, wave):
    """All displays of a pipeline whose table has words, over the only feature of numbers."""
    site = np.where(np.arange(40) % 3, "near", "far")
    X = pd.DataFrame({"site": site, "time": wave[0][:, 0]})
    encode = make_column_transformer((OneHotEncoder(drop="first"), ["site"]), remainder="passthrough")
    pipeline = make_pipeline(encode, make_regressor(max_iter=1)).fit(X, wave[1])
    figures = make_figures(pipeline, X, wave[1], grid_resolution=5)
    assert list(figures) == [*ALWAYS, "gating_functions", "calibration", "training_curve"]
    (ax,) = figures["moments"].axes
    mean = next(line for line in ax.lines if line.get_label() == "mean").get_xydata()
    rows = pd.DataFrame({"site": "near", "time": mean[:, 0]})
    np.testing.assert_allclose(mean[:, 1], pipeline.predict(rows), rtol=1e-12)
    data = next(line for line in ax.lines if line.get_label() == "data").get_xydata()
    np.testing.assert_array_equal(data, np.column_stack([wave[0], wave[1]]))
    assert figures["latent_functions"].axes[0].get_xlabel() == "time"


def test_pipeline(step_model, step):
    pipeline = make_pipeline(MinMaxScaler().fit(step[0]), step_model)
    figures = make_figures(pipeline, step[0], grid_resolution=10)
    assert not [line for line in figures["latent_functions"].axes[0].lines if line.get_marker() == "|"]
