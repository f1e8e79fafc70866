"""The regressor as the last step: of a pipeline, behind encoded columns, under a transformed target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

pytestmark = pytest.mark.usefixtures("short_search")

GRID = np.linspace(3, 57, 10)[:, None]


def test_pipeline_hands_on_the_options_of_predict(make_regressor, motorcycle):
    X, y = motorcycle
    pipeline = Pipeline([("impute", SimpleImputer()), ("mogpe", make_regressor())]).fit(X, y)
    direct = make_regressor().fit(X, y)
    rows = np.vstack([GRID, [[np.nan]]])
    filled = np.vstack([GRID, [[X.mean()]]])
    found = pipeline.predict(rows, return_std=True, return_mixing_proba=True)
    expected = direct.predict(filled, return_std=True, return_mixing_proba=True)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_scaling_before_it_changes_nothing(make_regressor, motorcycle):
    X, y = motorcycle
    scaled = make_pipeline(MinMaxScaler(), make_regressor()).fit(X, y)
    mean, std = scaled.predict(GRID, return_std=True)
    expected, expected_std = make_regressor().fit(X, y).predict(GRID, return_std=True)
    np.testing.assert_allclose(mean, expected, atol=1e-4 * np.std(y))
    np.testing.assert_allclose(std, expected_std, rtol=1e-3)


def test_nested_parameters(make_regressor):
    mogpe = make_regressor()
    pipeline = Pipeline([("impute", SimpleImputer()), ("mogpe", mogpe)])
    pipeline.set_params(mogpe__n_experts=3, mogpe__kernel=["rbf", "rbf", "matern12"])
    assert mogpe.n_experts == 3
    assert pipeline.get_params()["mogpe__kernel"] == ["rbf", "rbf", "matern12"]
    with pytest.raises(ValueError, match="Invalid parameter 'n_expert' for estimator MoGPERegressor"):
        pipeline.set_params(mogpe__n_expert=3)


def test_numbers_and_categories(make_regressor, motorcycle):
    """A new helmet takes 40 g off: its column is found as an effect of that size."""
    X, y = motorcycle
    helmet = np.array(["new", "old"])[np.arange(len(y)) % 2]
    rows = pd.DataFrame({"helmet": helmet, "time": X[:, 0]})
    accel = y - 40.0 * (helmet == "new")
    encoder = ColumnTransformer(
        [("kind", OneHotEncoder(drop="if_binary"), ["helmet"])], remainder="passthrough"
    )
    pipeline = make_pipeline(encoder, make_regressor(max_iter=100)).fit(rows, accel)
    by_hand = np.column_stack([helmet == "old", X[:, 0]]).astype(float)
    direct = make_regressor(max_iter=100).fit(by_hand, accel)
    np.testing.assert_array_equal(pipeline.predict(rows), direct.predict(by_hand))
    new, old = (pipeline.predict(rows.assign(helmet=kind)) for kind in ("new", "old"))
    assert np.mean(old - new) == pytest.approx(40.0, abs=8.0)


def test_transformed_target(make_regressor, motorcycle):
    X, y = motorcycle
    level = np.exp(y / 50)
    outer = TransformedTargetRegressor(make_regressor(), func=np.log, inverse_func=np.exp).fit(X, level)
    inner = make_regressor().fit(X, np.log(level))
    np.testing.assert_array_equal(outer.predict(GRID), np.exp(inner.predict(GRID)))
    np.testing.assert_array_equal(outer.regressor_.predict(GRID), inner.predict(GRID))


def test_transformed_targets_in_columns(make_regressor, motorcycle):
    X, y = motorcycle
    both = np.column_stack([y, y**2])
    outer = TransformedTargetRegressor(make_regressor(), transformer=MinMaxScaler()).fit(X, both)
    inner = make_regressor().fit(X, MinMaxScaler().fit_transform(both))
    expected = MinMaxScaler().fit(both).inverse_transform(inner.predict(GRID))
    np.testing.assert_array_equal(outer.predict(GRID), expected)
