"""Unusual and wrong input: each case either fits, sensibly, or raises an error that says what came."""

import re
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sklearn_mogpe import MoGPERegressor

N = 40
rng = np.random.default_rng(0)
X = rng.uniform(-3, 3, (N, 1))
y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=N)
noise = rng.normal(size=N)
ones = np.ones(N)
grid = np.repeat(np.arange(5.0), 8)

FITS = "fits"


class Case(NamedTuple):
    """Data, parameters, and what is to come of them.

    ``expected`` is ``"fits"`` or a pair of exception and pattern of its message. A fit's mean is to miss y by
    no more than the part ``rmse`` of its standard deviation.
    """

    name: str
    X: object = X
    y: object = y
    expected: object = FITS
    params: object = MappingProxyType({})
    weight: object = None
    rmse: float = 0.4


def error(pattern, kind=ValueError):
    return kind, pattern


def with_value(values, value):
    """A copy with the value in the place of one element."""
    values = values.copy()
    values[7, ...] = value
    return values


AUTO = {"init_params": "auto"}

CASES = [
    # not finite
    Case("NaN in X", with_value(X, np.nan), expected=error("Input X contains NaN")),
    Case("infinity in X", with_value(X, np.inf), expected=error("Input X contains infinity")),
    Case("NaN in y", y=with_value(y, np.nan), expected=error("Input y contains NaN")),
    Case("infinity in y", y=with_value(y, -np.inf), expected=error("Input y contains infinity")),
    # few rows
    Case("no row", X[:0], y[:0], error(r"0 sample\(s\)")),
    Case("one row", X[:1], y[:1], error(r"1 sample\(s\).*minimum of 2 is required")),
    Case("two rows", X[:2], y[:2], params=AUTO, rmse=1.01),
    Case("two rows, one expert", X[:2], y[:2], params={"n_experts": 1}, rmse=1.01),
    Case("fewer rows than inducing points", X[:5], y[:5], params=AUTO, rmse=1.01),
    Case("more experts than rows", X[:3], y[:3], error("each of the 5 experts, got 3"), {"n_experts": 5}),
    Case("too few rows to hold out", X[:3], y[:3], error("validation_fraction"), {"early_stopping": True}),
    # nothing to see
    Case("constant y", y=3.0 * ones),
    Case("constant y, all starts", y=3.0 * ones, params=AUTO),
    Case("constant y of zero, one expert", y=0.0 * ones, params={"n_experts": 1}),
    Case("constant column", np.column_stack([X, 5.0 * ones]), params=AUTO),
    Case("constant columns only", 5.0 * ones[:, None], y, params=AUTO, rmse=1.01),
    Case("all rows equal", ones[:, None], ones, error("each of the 2 experts, got 1")),
    Case("all rows equal, one expert", ones[:, None], ones, params={"n_experts": 1}),
    # repetition
    Case("duplicated columns", np.column_stack([X, X]), params=AUTO),
    Case("duplicated rows", np.repeat(X[:20], 2, axis=0), np.repeat(y[:20], 2), params=AUTO),
    Case("few distinct inputs", grid[:, None], grid**2 + noise, params=AUTO),
    # weights
    Case("some weights zero", weight=(np.arange(N) % 2).astype(float)),
    Case("whole number as weight", weight=2),
    Case("very unequal weights", weight=np.logspace(-4, 2, N)[np.argsort(np.argsort(noise))]),
    Case("all weights zero", expected=error("all zero; expected at least one row"), weight=0 * ones),
    Case("negative weight", expected=error(r"Negative values in sample_weight.*-1"), weight=-ones),
    Case("NaN as weight", expected=error("sample_weight contains NaN"), weight=with_value(ones, np.nan)),
    Case("too few weights", expected=error(r"inconsistent.*\[40, 39\]"), weight=ones[:-1]),
    Case("weights in a column", expected=error(r"1D array.*\(40, 1\)"), weight=ones[:, None]),
    Case("words as weights", expected=error("in sample_weight, got strings such as a"), weight=["a"] * N),
    Case("one weighted row", expected=error("experts, got 1"), weight=np.eye(N)[0]),
    # types
    Case("words as X", np.full((N, 1), "a"), expected=error("in X, got strings such as a")),
    Case("words as y", y=np.full(N, "a"), expected=error("in y, got strings such as a")),
    Case("complex X", X + 1j, expected=error("Complex data not supported")),
    Case("complex y", y=y + 1j, expected=error("Complex data not supported")),
    Case("objects that are numbers", X.astype(object), y.astype(object)),
    Case("objects that are not", np.full((N, 1), {}), expected=error("float", TypeError)),
    Case("sparse X", csr_matrix(X), expected=error("dense", TypeError)),
    Case("whole numbers", np.arange(N)[:, None], np.arange(N) // 4),
    Case("lists", X.tolist(), y.tolist()),
    Case("booleans", X > 0, y, rmse=0.8),
    Case("single precision", X.astype(np.float32), y.astype(np.float32)),
    # shapes
    Case("1D X", X[:, 0], expected=error("Expected 2D array, got 1D array")),
    Case("3D X", X[:, :, None], expected=error("Found array with dim 3")),
    Case("no columns", X[:, :0], expected=error(r"0 feature\(s\)")),
    Case("column of y", y=y[:, None]),
    Case("y too short", y=y[:-1], expected=error(r"inconsistent numbers of samples: \[40, 39\]")),
    Case("3D y", y=y[:, None, None], expected=error("dim 3")),
    Case("no y", y=None, expected=error("requires y")),
    # scales
    *(
        case
        for unit in (1e-150, 1e-12, 1e12, 1e150)
        for case in (Case(f"X in units of {unit:g}", unit * X), Case(f"y in units of {unit:g}", y=unit * y))
    ),
    Case("X far from zero", 1e6 + X),
    Case("X very far from zero", 1e6 + 1e-3 * X),
    Case("y far from zero", y=1e6 + y),
    Case("columns of unlike units", np.column_stack([1e9 * X[:, 0], 1e-9 * noise]), params=AUTO),
    Case("an outlier in y", y=with_value(y, 1e3), rmse=1.01),
    Case("an outlier in X", with_value(X, 1e4), rmse=1.01),
    # parameters
    Case("no expert", params={"n_experts": 0}, expected=error(r"'n_experts'.*Got 0")),
    Case("part of an expert", params={"n_experts": 1.5}, expected=error(r"'n_experts'.*an int.*Got 1\.5")),
    Case("word as n_experts", params={"n_experts": "two"}, expected=error("'n_experts'.*Got 'two'")),
    Case("no inducing point", params={"n_inducing": 0}, expected=error("'n_inducing'.*Got 0")),
    Case("one inducing point", params={"n_inducing": 1}, rmse=1.5),
    Case("odd n_samples", params={"n_samples": 7}, expected=error("even number as n_samples, got 7")),
    Case("unknown kernel", params={"kernel": "cosine"}, expected=error("'rbf'.*as kernel, got 'cosine'")),
    Case(
        "unknown gating kernel",
        params={"gating_kernel": "cosine"},
        expected=error("'rbf'.*as gating_kernel, got 'cosine'"),
    ),
    Case("number as kernel", params={"kernel": 1.0}, expected=error(r"'kernel'.*Got 1\.0")),
    Case("too many kernels", params={"kernel": ["rbf"] * 3}, expected=error("each of 2 experts, got 3")),
    Case("unknown kernel in list", params={"kernel": ["rbf", "no"]}, expected=error("as kernel, got 'no'")),
    *(
        Case(f"unknown {name}", params={name: "best"}, expected=error(f"'{name}'.*Got 'best'"))
        for name in ("bound", "solver", "init_params", "dtype", "batch_size")
    ),
    Case("unknown device", params={"device": "abacus"}, expected=error("device.*abacus")),
    Case("absent device", params={"device": "/GPU:7"}, expected=error("'/CPU:0'.*as device, got '/GPU:7'")),
    Case("device by its long name", params={"device": "/device:cpu:0"}),
    *(
        Case(
            f"{name} {value}", params={name: value}, expected=error(f"'{name}'.*Got {re.escape(f'{value}')}")
        )
        for name, values in {
            "learning_rate": (0, -0.1),
            "max_iter": (0, 2.5),
            "tol": (-1.0,),
            "validation_fraction": (0.0, 1.0),
            "n_iter_no_change": (0,),
            "n_init": (0,),
            "batch_size": (0,),
        }.items()
        for value in values
    ),
]


# As a fit is started by one that runs to its end, these take a full search.
HARD_CASES = [
    Case("line without noise", y=2.0 * X[:, 0] + 1.0, params=AUTO, rmse=0.05),
    Case("line without noise, one expert", y=2.0 * X[:, 0] + 1.0, params={"n_experts": 1}, rmse=0.05),
    Case(
        "few distinct inputs beside an irrelevant column",
        np.column_stack([grid, noise]),
        grid**2 + 1e-3 * rng.normal(size=N),
        rmse=0.05,
    ),
]


def assert_fits_or_says_why_not(case, model):
    if case.expected != FITS:
        kind, pattern = case.expected
        with pytest.raises(kind, match=pattern):
            model.fit(case.X, case.y, case.weight)
        assert not hasattr(model, "lower_bound_")
        return
    model.fit(case.X, case.y, case.weight)
    y = np.asarray(case.y, dtype=float)
    unit = np.std(y) or max(1.0, np.abs(y[0]))
    mean, std = model.predict(case.X, return_std=True)
    assert mean.shape == y.shape
    weight = np.broadcast_to(1.0 if case.weight is None else case.weight, len(y))
    rmse = np.sqrt(np.average(((mean - y) / unit) ** 2, axis=0, weights=weight))
    assert rmse <= (case.rmse if np.std(y) else 1e-2)
    assert np.all(std > 0)
    assert np.median(std) < 2 * unit  # what one would say without looking at X
    assert np.all(np.isfinite(model.score_samples(case.X, case.y)))
    assert np.all(np.isfinite(model.predict_quantile(case.X, [0.01, 0.99])))
    assert np.isfinite(model.lower_bound_)
    assert model.n_inducing_ == min(model.n_inducing, len(np.unique(np.asarray(case.X, float), axis=0)))


def regressor_of(case, make_regressor):
    return make_regressor(**{"init_params": "ladder", "max_iter": 15, "tol": 0.0, **case.params})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fits_or_says_why_not(case, make_regressor, short_search):
    assert_fits_or_says_why_not(case, regressor_of(case, make_regressor))


@pytest.mark.parametrize("case", HARD_CASES, ids=lambda case: case.name)
def test_fits_after_a_full_search(case, make_regressor):
    assert_fits_or_says_why_not(case, regressor_of(case, make_regressor))


def test_names_are_unique():
    names = [case.name for case in CASES + HARD_CASES]
    assert len(set(names)) == len(names)


def test_outputs_of_unlike_units(make_regressor, short_search):
    """Each output is standardised by its own scale."""
    model = make_regressor().fit(X, np.column_stack([1e-12 * y, 1e12 * y]))
    mean = model.predict(X) * [1e12, 1e-12]
    assert np.sqrt(np.mean((mean - y[:, None]) ** 2)) < 0.4 * np.std(y)


def test_predict_says_what_is_wrong_with_X(step_model):
    for values, message in (
        ([[np.nan]], "contains NaN"),
        ([0.0], "Expected 2D array, got 1D"),
        ([[0.0, 1.0]], "X has 2 features, but MoGPERegressor is expecting 1"),
        (np.zeros((0, 1)), r"0 sample\(s\)"),
    ):
        with pytest.raises(ValueError, match=message):
            step_model.predict(values)


def test_any_value_is_accepted_until_fit():
    assert MoGPERegressor("two", kernel=None, tol="small").get_params()["kernel"] is None
