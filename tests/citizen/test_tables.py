"""Tables of pandas and polars: the same numbers as from arrays, and names that are checked."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array

pytestmark = pytest.mark.usefixtures("short_search")


@pytest.fixture
def expected(make_regressor, table):
    """Predictions of a fit on arrays."""
    X, y = (part.to_numpy() for part in table)
    return make_regressor().fit(X, y).predict(X)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_table_is_its_numbers(make_regressor, table, expected, library, request):
    if library is pl:
        request.getfixturevalue("names_of_polars")
    X = library.DataFrame({name: table[0][name].to_numpy() for name in table[0]})
    model = make_regressor().fit(X, library.Series(table[1].to_numpy()))
    assert list(model.feature_names_in_) == ["time", "noise"]
    assert model.n_features_in_ == 2
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_names_must_be_those_of_the_fit(make_regressor, table, library, request):
    if library is pl:
        request.getfixturevalue("names_of_polars")
    X = library.DataFrame({name: table[0][name].to_numpy() for name in table[0]})
    model = make_regressor(warm_start=True).fit(X, table[1].to_numpy())
    for predict in (model.predict, model.predict_interval, model.sample_y, model.gating_.predict):
        with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
            predict(X[["noise", "time"]])
        with pytest.raises(ValueError, match="seen at fit time, yet now missing:\n- noise"):
            predict(X[["time"]])
    with pytest.warns(
        UserWarning, match="X does not have valid feature names, but MoGPERegressor was fitted"
    ):
        model.predict(X.to_numpy())
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        model.fit(X[["noise", "time"]], table[1])  # a warm start goes on with the same columns


def test_names_where_the_fit_had_none(make_regressor, table):
    X, y = table
    model = make_regressor().fit(X.to_numpy(), y.to_numpy())
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but MoGPERegressor was fitted without"):
        model.predict(X)


def test_names_of_mixed_types_are_refused(make_regressor, table):
    X, y = table
    with pytest.raises(TypeError, match="only supported if all input features have string names"):
        make_regressor().fit(X.set_axis(["time", 1], axis=1), y)


@pytest.mark.parametrize(
    "dtypes",
    [
        {"time": "int32", "noise": "bool"},
        {"time": "Float64", "noise": "Int64"},
        {"time": "object", "noise": "boolean"},
        {"time": "float32", "noise": "int8"},
    ],
    ids=lambda dtypes: "-".join(dtypes.values()),
)
def test_columns_of_other_types(make_regressor, table, dtypes):
    """Whole numbers, so that every type can hold them."""
    X = pd.DataFrame({"time": table[0]["time"].round(), "noise": (table[0]["noise"] > 0).astype(float)})
    expected = make_regressor().fit(X, table[1]).predict(X)
    typed = X.astype(dtypes)
    model = make_regressor().fit(typed, table[1])
    np.testing.assert_array_equal(model.predict(typed), expected)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_missing_values_of_nullable_columns(make_regressor, table):
    X = table[0].astype("Float64")
    X.iloc[3, 0] = pd.NA
    with pytest.raises(ValueError, match="Input X contains NaN"):
        make_regressor().fit(X, table[1])
    y = table[1].astype("Float64")
    y.iloc[3] = pd.NA
    with pytest.raises(ValueError, match="y contains NaN"):
        make_regressor().fit(table[0], y)


@pytest.mark.parametrize("kind", ["Float64", "object", "float32 table", "column"])
def test_kinds_of_y(make_regressor, table, kind):
    X, y = table[0], table[1].astype("float32").astype(float)
    expected = make_regressor().fit(X, y).predict(X)
    given = {
        "Float64": lambda: y.astype("Float64"),
        "object": lambda: y.astype(object),
        "float32 table": lambda: y.astype("float32").to_frame(),
        "column": lambda: y.to_frame(),
    }[kind]()
    mean = make_regressor().fit(X, given).predict(X)
    assert mean.shape == given.shape  # a table of one column is an output with a column, as elsewhere
    np.testing.assert_array_equal(mean.ravel(), expected)


def test_tables_where_predictions_are_judged(make_regressor, table):
    X, y = table
    model = make_regressor().fit(X, y)
    density = model.score_samples(X, y)
    np.testing.assert_array_equal(density, model.score_samples(X, y.to_numpy()))
    np.testing.assert_array_equal(
        model.predict_responsibilities(X, y), model.predict_responsibilities(X, y.to_numpy())
    )


def test_index_of_weights_does_not_matter(make_regressor, table):
    """Weights go by position, as everywhere in scikit-learn."""
    X, y = table
    weight = pd.Series(np.arange(1.0, 1.0 + len(y)), index=X.index[::-1])
    found = make_regressor().fit(X, y, sample_weight=weight).predict(X)
    np.testing.assert_array_equal(found, make_regressor().fit(X, y, weight.to_numpy()).predict(X))


def test_words_are_refused(make_regressor, table):
    X, y = table
    with pytest.raises(ValueError, match="column 'noise', got strings such as early"):
        make_regressor().fit(X.assign(noise="early"), y)
    with pytest.raises(ValueError, match="column 'noise', got strings such as early"):
        make_regressor().fit(X.assign(noise=pd.Categorical(["early"] * len(y))), y)


def test_sparse_rows_are_refused(make_regressor, table):
    X, y = table
    sparse = csr_array(X.to_numpy())
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        make_regressor().fit(sparse, y)
    model = make_regressor().fit(X.to_numpy(), y)
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        model.predict(sparse)
