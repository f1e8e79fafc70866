"""The same numbers in any container, type and memory layout: the same predictions, to the last bit."""

from copy import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_mogpe.data import fitted_state
from sklearn_mogpe.engine.predictions import predict_mixture

NAMES = ["a", "b"]
SEEDS = st.integers(0, 10**6)


def of_dtype(dtype):
    return lambda values: values.astype(dtype)


def strided(values):
    """Every other element of every other row of something larger."""
    room = np.full([2 * n for n in values.shape], np.nan)
    part = room[(slice(None, None, 2),) * values.ndim]
    part[...] = values
    return part


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def in_pandas(dtype):
    def convert(values):
        if "pyarrow" in dtype:
            pytest.importorskip("pyarrow")
        table = pd.Series(values) if values.ndim == 1 else pd.DataFrame(values, columns=NAMES)
        return table.astype(dtype)

    return convert


def in_polars(dtype):
    def convert(values):
        table = pl.Series(values) if values.ndim == 1 else pl.DataFrame(values, schema=NAMES)
        return table.cast(dtype)

    return convert


def in_arrow(values):
    arrow = pytest.importorskip("pyarrow")
    return arrow.array(values) if values.ndim == 1 else arrow.table(dict(zip(NAMES, values.T, strict=True)))


# All of them can hold whole numbers from 0 to 100.
DTYPES = ("f2", "f4", "f8", "g", ">f8", ">f4", "i1", "u1", "i4", ">i2", "i8", "u8", "O")
ARRAYS = {
    **{f"array of {dtype}": of_dtype(dtype) for dtype in DTYPES},
    "column by column": np.asfortranarray,
    "strided": strided,
    "reversed": lambda values: values[::-1].copy()[::-1],
    "last axis reversed": lambda values: values[..., ::-1].copy()[..., ::-1],
    "read-only": read_only,
    "list": lambda values: values.tolist(),
    "list of arrays": list,
}
NULLABLE = ("Float32", "Float64", "Int64", "UInt8")
ARROW = ("float[pyarrow]", "double[pyarrow]", "int64[pyarrow]", "uint8[pyarrow]")
PANDAS = ("float64", "float32", "int8", "object", *NULLABLE, *ARROW)
POLARS = (pl.Float64, pl.Float32, pl.Int16, pl.UInt64)
TABLES = {
    **{f"pandas {dtype}": in_pandas(dtype) for dtype in PANDAS},
    **{f"polars {dtype}": in_polars(dtype) for dtype in POLARS},
    "arrow": in_arrow,
}


@pytest.fixture
def convert(request):
    """Put whole numbers into a container of some name."""
    name, function = request.param
    if name.startswith("polars"):
        request.getfixturevalue("names_of_polars")
    return function


def to_each(containers):
    return pytest.mark.parametrize("convert", containers.items(), ids=containers, indirect=True)


def whole(seed, n, high=101):
    """Whole numbers (n, 2)."""
    return np.random.default_rng(seed).integers(0, high, (n, 2)).astype(float)


@pytest.fixture(scope="module")
def model(make_fitted):
    return make_fitted(n_features=2, x_mean=50.0, x_scale=30.0)


@pytest.fixture(scope="module")
def named_model(model):
    named = copy(model)
    named.feature_names_in_ = np.array(NAMES, dtype=object)
    return named


def assert_same_answers(model, given, expected):
    """Of a model that knows the names, if there are any, and one that is asked by arrays."""
    (one, (X, y)), (other, (A, b)) = (model, given), expected
    for found, known in zip(one.predict(X, return_std=True), other.predict(A, return_std=True), strict=True):
        np.testing.assert_array_equal(found, known)
    np.testing.assert_array_equal(one.score_samples(X, y), other.score_samples(A, b))
    np.testing.assert_array_equal(one.predict_responsibilities(X, y), other.predict_responsibilities(A, b))


@to_each(ARRAYS)
@settings(max_examples=5)
@given(seed=SEEDS, n=st.integers(1, 9))
def test_asked_by_arrays(model, convert, seed, n):
    X, y = whole(seed, n), whole(seed + 1, n)[:, 0]
    assert_same_answers(model, (convert(X), convert(y)), (model, (X, y)))


@to_each(TABLES)
@settings(max_examples=5)
@given(seed=SEEDS, n=st.integers(1, 9))
def test_asked_by_tables(model, named_model, convert, seed, n):
    X, y = whole(seed, n), whole(seed + 1, n)[:, 0]
    assert_same_answers(named_model, (convert(X), convert(y)), (model, (X, y)))


def of_any_size(dtype, seed, n):
    """Values (n, 2) of a type: those of the model's range, and the smallest and largest."""
    rng = np.random.default_rng(seed)
    if dtype == "?":
        return rng.random((n, 2)) < 0.5
    is_float = dtype in ("f2", "f4", "f8", "g")
    limits = np.finfo(dtype) if is_float else np.iinfo(dtype)
    largest = min(float(limits.max), 2.0 ** (100 if is_float else 53))
    extremes = rng.choice([-largest if limits.min else 0, largest, getattr(limits, "tiny", 0)], (n, 2))
    usual = np.abs(rng.normal(50, 30, (n, 2)))
    if dtype == "g":
        usual = usual * (1 + np.longdouble(2) ** -60)
    return np.where(rng.random((n, 2)) < 0.2, extremes, usual).astype(dtype)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i1", "i4", "i8", "u1", "u4", "u8", "?"])
@settings(max_examples=5)
@given(seed=SEEDS, n=st.integers(2, 9))
def test_any_values_of_a_type(model, dtype, seed, n):
    """They become double precision and nothing else."""
    X, state = of_any_size(dtype, seed, n), model._state
    scales = fitted_state.scales(state)
    expected = predict_mixture(model._structure, state["parameters"], scales, X.astype("f8"))
    for same in (X, X.astype(object), X[::-1].copy()[::-1]):
        for found, known in zip(model.predict_mixture(same), expected, strict=True):
            np.testing.assert_array_equal(found, known)


# Fits


def rows(seed, n):
    """X, y, weights and known errors, whole numbers all."""
    X, others = whole(seed, n), whole(seed + 1, n, high=4)
    return X, X[:, 0] + others[:, 0], 1 + others[:, 1], others[:, 0] % 2


@to_each({**ARRAYS, **TABLES})
@settings(max_examples=2)
@given(seed=SEEDS, n=st.integers(3, 20))
def test_fitted_to(make_regressor, short_search, convert, seed, n):
    """All that a fit takes in one container."""
    plain, given = rows(seed, n), [convert(part) for part in rows(seed, n)]
    if np.asarray(given[3]).dtype == np.float32:
        given[3] = plain[3]
    first, second = (
        make_regressor(init_params="ladder", max_iter=2, n_samples=8).fit(*part) for part in (plain, given)
    )
    for path, values in first._state["parameters"].items():
        np.testing.assert_array_equal(second._state["parameters"][path], values)
    assert second.lower_bound_ == first.lower_bound_
    is_table = hasattr(given[0], "columns") or hasattr(given[0], "column_names")
    assert list(getattr(second, "feature_names_in_", [])) == (NAMES if is_table else [])
    assert_same_answers(second, given[:2], (first, plain[:2]))


TRUTHS = {
    "array": of_dtype(bool),
    "array of objects": lambda values: values.astype(bool).astype(object),
    "list": lambda values: values.astype(bool).tolist(),
    **{f"pandas {dtype}": in_pandas(dtype) for dtype in ("bool", "boolean", "bool[pyarrow]")},
    "polars": in_polars(pl.Boolean),
}


@to_each(TRUTHS)
@settings(max_examples=2)
@given(seed=SEEDS)
def test_fitted_to_truth_values(make_regressor, short_search, convert, seed):
    X, y, *_ = (part % 2 for part in rows(seed, 30))
    first, second = (
        make_regressor(init_params="ladder", max_iter=2, n_samples=8).fit(*part)
        for part in ((X, y), (convert(X), convert(y)))
    )
    assert_same_answers(second, (convert(X), convert(y)), (first, (X, y)))


# What is refused

WITH_GAPS = {
    **{name: ARRAYS[name] for name in ("array of f2", "array of g", "array of O", "strided", "list")},
    **{name: TABLES[name] for name in TABLES if "Float" in name or "float" in name or name == "arrow"},
}


@to_each(WITH_GAPS)
@settings(max_examples=8)
@given(seed=SEEDS, n=st.integers(2, 9), gap=st.sampled_from([np.nan, np.inf, -np.inf]), in_y=st.booleans())
def test_gaps_are_refused(make_regressor, model, named_model, convert, seed, n, gap, in_y):
    """Wherever they are."""
    X, y = whole(seed, n), whole(seed + 1, n)[:, 0]
    place = np.random.default_rng(seed).integers(n), seed % 2
    (y if in_y else X)[place[:1] if in_y else place] = gap
    X, y = convert(X), convert(y)
    # scikit-learn does not name y if it is of objects
    message = f"Input {'(y )?' if in_y else 'X '}contains {'NaN' if np.isnan(gap) else 'infinity'}"
    with pytest.raises(ValueError, match=message):
        make_regressor().fit(X, y)
    asked = named_model if hasattr(X, "columns") or hasattr(X, "column_names") else model
    with pytest.raises(ValueError, match=message):
        asked.score_samples(X, y)


@given(
    seed=SEEDS,
    kind=st.sampled_from(["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]),
    is_array=st.booleans(),
)
def test_sparse_matrices_are_refused(make_regressor, model, seed, kind, is_array):
    X, y = whole(seed, 6), whole(seed + 1, 6)[:, 0]
    sparse = getattr(scipy.sparse, f"{kind}_{'array' if is_array else 'matrix'}")(X)
    for ask in (lambda: make_regressor().fit(sparse, y), lambda: model.predict(sparse)):
        with pytest.raises(TypeError, match=r"Sparse data was passed for X, but dense.*toarray\(\)"):
            ask()
    with pytest.raises(TypeError, match="Sparse data was passed for y"):
        make_regressor().fit(X, scipy.sparse.csr_matrix(y[:, None]))
