"""Where the grid lies, and in whose names."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from packaging.version import Version
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_mogpe.plotting.grid import make_grid, varying_features

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


@pytest.mark.parametrize("library", [pd, pl, np, list], ids=["pandas", "polars", "array", "list"])
def test_words_are_held_at_the_most_frequent_or_where_told(library):
    if library is pl and Version(sklearn.__version__) < Version("1.9"):
        pytest.skip("scikit-learn below 1.9 knows no size of a polars table, or none of its names")
    columns = {"site": ["b", "a", "b"], "heat": [0.0, 1.0, 3.0], "wind": [5.0, 8.0, 6.0], "wet": [True] * 3}
    X = list(map(list, zip(*columns.values(), strict=True)))
    if library is np:
        X = np.array(X, dtype=object)
    elif library is not list:
        X = library.DataFrame(columns)
    words = [0, 3] if library in (list, np) else ["site", "wet"]
    encode = make_column_transformer((OneHotEncoder(), words), remainder="passthrough")
    pipeline = make_pipeline(encode, LinearRegression()).fit(X, [0.0, 1.0, 2.0])
    grid = make_grid(pipeline, X, 1, grid_resolution=2, margin=0.0)
    assert np.asarray(grid.rows, dtype=object).tolist() == [["b", 0.0, 6.0, True], ["b", 3.0, 6.0, True]]
    np.testing.assert_array_equal(grid.drawn, [[0.0], [1.0], [3.0]])
    pipeline.predict(grid.rows)
    told = make_grid(pipeline, X, [1, 2], {0: "a"}, grid_resolution=2, margin=0.0)
    assert np.asarray(told.rows, dtype=object)[:, 0].tolist() == ["a"] * 4
    assert isinstance(grid.rows, np.ndarray if library in (list, np) else library.DataFrame)


@pytest.mark.parametrize("kind", [object, str])
def test_words_that_look_like_numbers_are_words(kind):
    X = np.array([["1", "0"], ["1", "2"], ["2", "4"], ["3", "4"]], dtype=kind)
    with pytest.raises(ValueError, match=r"Expected numbers in x1 to draw over, got values such as .*'0'"):
        make_grid(LinearRegression(), X, 1)
    table = pd.DataFrame({"code": X[:, 0], "heat": [0.0, 1.0, 2.0, 3.0]})
    assert make_grid(LinearRegression(), table, 1).rows[0, 0] == "1"


def test_features_that_vary():
    X = np.array([[1.0, np.nan, 2.0, 7.0, 0.0], [1.0, 2.0, 2.0, 8.0, 1.0], [1.0, 3.0, 2.0, 9.0, 1.0]])
    assert varying_features(LinearRegression(), X) == [1, 3]
    assert varying_features(LinearRegression(), X, {3: 7.5}) == [1, 4]
    assert varying_features(LinearRegression(), X[:, :3]) == [1]
    assert varying_features(LinearRegression(), X[:, :1]) == []
    table = pd.DataFrame({"heat": ["low", "high"], "wind": [0.0, 2.0]})
    assert varying_features(NAMED, table) == [1]
    assert varying_features(NAMED, table, {"wind": 1.0}) == []


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


def test_a_drawn_feature_is_not_held():
    with pytest.raises(ValueError, match=r"not drawn in fixed, got wind, which is; leave it out"):
        make_grid(NAMED, [[0.0, 1.0], [1.0, 2.0]], ["heat", "wind"], {1: 1.5})


def test_constant_feature():
    with pytest.raises(ValueError, match="distinct values of x1 in X, got 2"):
        make_grid(LinearRegression(), [[0.0, 2.0], [1.0, 2.0]])


def test_flat_X():
    with pytest.raises(ValueError, match=r"\(n_rows, n_features\), got shape \(2,\)"):
        make_grid(LinearRegression(), [0.0, 1.0])
