"""Where the grid lies, in whose names, and who is asked at it."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_mogpe.plotting.grid import ask, check_coordinates, last_step, make_grid, select_output

NAMED = LinearRegression().fit(pd.DataFrame({"heat": [0.0, 1.0], "wind": [0.0, 2.0]}), [0.0, 1.0])
X3 = np.array([[0.0, 5.0, 1.0], [2.0, 6.0, 2.0], [4.0, 9.0, 10.0]])


def test_one_feature():
    grid = make_grid(LinearRegression(), [[0.0], [2.0]], grid_resolution=5, margin=0.0)
    np.testing.assert_array_equal(grid.rows, [[0.0], [0.5], [1.0], [1.5], [2.0]])
    np.testing.assert_array_equal(grid.coordinates, [grid.rows[:, 0]])
    assert grid.names == ["x"]


def test_margin_widens_each_side():
    (x,) = make_grid(LinearRegression(), [[0.0], [2.0]], margin=0.1).coordinates
    np.testing.assert_allclose([x[0], x[-1], len(x)], [-0.2, 2.2, 200])


def test_two_features_with_the_last_fastest():
    grid = make_grid(LinearRegression(), [[0.0, 5.0], [1.0, 7.0]], grid_resolution=3, margin=0.0)
    np.testing.assert_array_equal(grid.rows[:4], [[0, 5], [0, 6], [0, 7], [0.5, 5]])
    values = grid.shaped(grid.rows)
    np.testing.assert_array_equal(values[:, 0, 0], grid.coordinates[0])
    np.testing.assert_array_equal(values[0, :, 1], grid.coordinates[1])
    assert grid.names == ["x0", "x1"]


def test_other_features_are_held_at_medians_or_where_told():
    grid = make_grid(LinearRegression(), X3, [2, 0], {1: 7.5}, grid_resolution=2, margin=0.0)
    np.testing.assert_array_equal(grid.rows, [[0, 7.5, 1], [4, 7.5, 1], [0, 7.5, 10], [4, 7.5, 10]])
    assert grid.names == ["x2", "x0"]
    held = make_grid(LinearRegression(), X3, 0).rows
    np.testing.assert_array_equal(held[:, 1:], np.tile([6.0, 2.0], (200, 1)))


@pytest.mark.parametrize("library", [pd, pl, None], ids=["pandas", "polars", "array"])
def test_grid_has_the_names_that_the_estimator_knows(library, request):
    X, table = np.array([[0.0, 1.0], [1.0, 3.0]]), pd.DataFrame
    if library is pl:
        request.getfixturevalue("names_of_polars")
    if library is not None:
        table = library.DataFrame
        X = table({"heat": X[:, 0], "wind": X[:, 1]})
    grid = make_grid(NAMED, X, "wind", {"heat": 0.25}, grid_resolution=2, margin=0.0)
    assert isinstance(grid.rows, table)
    assert list(grid.rows.columns) == ["heat", "wind"]
    np.testing.assert_array_equal(grid.rows, [[0.25, 1.0], [0.25, 3.0]])
    assert grid.names == ["wind"]
    NAMED.predict(grid.rows)  # does not warn


def test_table_without_names_in_fit_gives_an_array():
    unnamed = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    assert isinstance(make_grid(unnamed, pd.DataFrame({"a": [0.0, 1.0]})).rows, np.ndarray)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (None, r"one feature or two different ones.*\['x0', 'x1', 'x2'\].*features=\[0, 1\]"),
        ([0, 0], "two different"),
        ([], "one feature or two"),
        (3, "from 0 to 2"),
        ("heat", "got 'heat'"),
    ],
)
def test_features_that_cannot_be_drawn(features, message):
    with pytest.raises(ValueError, match=message):
        make_grid(LinearRegression(), X3, features)


def test_fixed_names_a_feature():
    with pytest.raises(ValueError, match="got 'cold'"):
        make_grid(NAMED, [[0.0, 1.0], [1.0, 2.0]], "heat", {"cold": 1})


def test_constant_feature():
    with pytest.raises(ValueError, match="distinct values of x1 in X, got 2"):
        make_grid(LinearRegression(), [[0.0, 2.0], [1.0, 2.0]])


def test_flat_X():
    with pytest.raises(ValueError, match=r"\(n_rows, n_features\), got shape \(2,\)"):
        make_grid(LinearRegression(), [0.0, 1.0])


def test_pipeline_transforms_and_the_last_step_answers():
    X, y = np.array([[0.0], [1.0], [2.0], [5.0]]), [0.0, 1.0, 4.0, 25.0]
    pipeline = make_pipeline(PolynomialFeatures(2), StandardScaler(), LinearRegression()).fit(X, y)
    np.testing.assert_allclose(ask(pipeline, "predict", X), pipeline.predict(X))
    alone = make_pipeline(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(ask(alone, "predict", X), alone.predict(X))
    search = GridSearchCV(pipeline, {"linearregression__fit_intercept": [True]}, cv=2).fit(X, y)
    np.testing.assert_allclose(ask(search, "predict", X), pipeline.predict(X))
    assert last_step(search) is search.best_estimator_[-1]


def test_other_estimators_are_refused():
    with pytest.raises(TypeError, match="LinearRegression, which has no predict_experts"):
        ask(make_pipeline(LinearRegression()), "predict_experts", [[0.0]])


def test_output_is_selected():
    values = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(select_output(values, 2, 1), values[..., 1])
    np.testing.assert_array_equal(select_output(values[..., 0], 2, 0), values[..., 0])
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        select_output(values, 2, 2)


def test_shapes_of_a_display_are_checked():
    x = np.linspace(0, 1, 3)
    with pytest.raises(ValueError, match=r"pass \(x,\)"):
        check_coordinates(x, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"shape \(3, 2\) at the coordinates, got \(3, 4\)"):
        check_coordinates((x,), np.ones((3, 2)), np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"shape \(3, 3, 2\)"):
        check_coordinates((x, x), np.ones((9, 2)))
