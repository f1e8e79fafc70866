"""Who is asked, and which output of the answer is taken."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_mogpe.plotting.answers import ask, select_output, select_target
from sklearn_mogpe.predictive.unwrap import last_step


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
    with pytest.raises(TypeError, match=r"Expected a MoGPERegressor.*got LinearRegression; in place of"):
        ask(make_pipeline(LinearRegression()), "predict_experts", [[0.0]])


@pytest.mark.parametrize(
    ("y", "output", "name"),
    [
        (pd.DataFrame({"u": [0.0, 1.0], "v": [2.0, 3.0]}), 1, "v"),
        (pl.DataFrame({"u": [0.0, 1.0], "v": [2.0, 3.0]}), 0, "u"),
        (pd.DataFrame([[0.0, 2.0], [1.0, 3.0]]), 1, "y"),
        (pd.Series([0.0, 1.0], name="force"), 0, "force"),
        (pl.Series([0.0, 1.0]), 0, "y"),
        (np.array([[0.0, 2.0], [1.0, 3.0]]), 1, "y"),
        ([0.0, 1.0], 0, "y"),
    ],
)
def test_target_and_its_name(y, output, name):
    values, found = select_target(y, output)
    np.testing.assert_array_equal(values, [[0.0, 1.0], [2.0, 3.0]][output])
    assert found == name


def test_output_is_selected():
    values = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(select_output(values, 2, 1), values[..., 1])
    np.testing.assert_array_equal(select_output(values[..., 0], 2, 0), values[..., 0])
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        select_output(values, 2, 2)
