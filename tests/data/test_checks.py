"""Weights and known errors of rows: right, wrong and doubtful ones."""

import warnings

import numpy as np
import polars as pl
import pytest

from sklearn_mogpe.data.checks import check_sample_weight, check_y_std, warn_of_weights


@pytest.mark.parametrize(
    ("weight", "expected"), [(None, [1, 1, 1]), (2.5, [2.5] * 3), ([0, 1, 2], [0, 1, 2])]
)
def test_weights_of_all_kinds(weight, expected):
    found = check_sample_weight(weight, np.zeros((3, 1)))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, -0.25, 1.0], r"Negative values in sample_weight, the smallest is -0\.25; expected none"),
        ([0.0, 0.0, 0.0], "all zero; expected at least one row with a positive weight"),
        (0.0, "all zero"),
        (-1.0, "Negative values"),
        ([1.0, np.nan, 1.0], "sample_weight contains NaN"),
        ([1.0, np.inf, 1.0], "sample_weight contains infinity"),
        ([1.0, 1.0], r"inconsistent numbers of samples: \[3, 2\]"),
        (np.ones((3, 1)), r"1D array or scalar, got an array of shape \(3, 1\)"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weight, np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("y_std", "expected"),
    [
        (None, np.zeros((3, 2))),
        (0.5, np.full((3, 2), 0.5)),
        (np.array(2), np.full((3, 2), 2.0)),
        ([1, 2, 0], [[1, 1], [2, 2], [0, 0]]),
        (pl.Series([1.0, 2.0, 3.0]), [[1, 1], [2, 2], [3, 3]]),
        ([[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, 6]]),
    ],
)
def test_errors_of_all_kinds(y_std, expected):
    found = check_y_std(y_std, np.zeros((3, 2)))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_errors_are_not_copied():
    Y, std = np.zeros((1000, 2), np.float32), np.ones((1000, 2), np.float32)
    assert check_y_std(None, Y).strides == check_y_std(0.1, Y).strides == (0, 0)
    assert np.shares_memory(check_y_std(std, Y), std)
    assert np.shares_memory(check_y_std(std[:, 0], Y), std)


@pytest.mark.parametrize(
    ("y_std", "message"),
    [
        (
            [0.1, -0.25, 0.1],
            r"Negative values in y_std, the smallest is -0\.25; expected standard deviations",
        ),
        (-1.0, r"Negative values in y_std.*0 for rows without a known error"),
        ([1.0, np.nan, 1.0], "y_std contains NaN"),
        (np.inf, "y_std contains infinity"),
        ([1.0, 1.0], r"of shape \(3,\) or \(3, 2\), or a number, got shape \(2,\); try np.broadcast_to"),
        (np.ones((3, 1)), r"got shape \(3, 1\)"),
        (np.ones((3, 3)), r"got shape \(3, 3\)"),
        (np.ones((3, 2, 1)), r"dim 3"),
        ("small", "Expected numbers in y_std, got strings such as small"),
    ],
)
def test_bad_errors(y_std, message):
    with pytest.raises(ValueError, match=message):
        check_y_std(y_std, np.zeros((3, 2)))


RNG = np.random.default_rng(0)
SIGMA = RNG.uniform(0.05, 0.3, 200)


@pytest.mark.parametrize(
    "weight",
    [
        np.full(200, 1 / 200),
        np.full(200, 25.0),
        np.full(200, 1e4),
        1 / SIGMA**2,
        1 / np.where(SIGMA < 0.2, 0.1, 0.2) ** 2,  # nearly whole
        SIGMA / SIGMA.sum(),
        np.where(SIGMA < 0.1, 0.0, 25.0),
        1e-3 * SIGMA,
    ],
    ids=["1 / n", "25", "1e4", "1 / sigma^2", "two sigmas", "sum to 1", "25, some left out", "tiny"],
)
def test_weights_that_hardly_count_rows(weight):
    with pytest.warns(UserWarning, match=r"a weight of 2 is a row that stands twice.*y_std=sigma") as caught:
        warn_of_weights(weight)
    used = weight[weight > 0]
    assert f"got weights of {used.mean():.3g} on average, by which {len(used)} rows count as" in str(
        caught[0].message
    )


@pytest.mark.parametrize(
    "weight",
    [
        np.broadcast_to(1.0, 200),
        np.full(200, 2.0),
        np.full(200, 0.5),
        RNG.integers(0, 11, 200).astype(float),
        np.bincount(RNG.integers(0, 200, 200), minlength=200).astype(float),
        RNG.uniform(0.5, 1.5, 200),
        RNG.exponential(size=200),
        np.where(SIGMA < 0.29, 0.0, 1.0),
        RNG.poisson(1000, 200).astype(float),  # counts of binned rows
        np.array([40.0]),
    ],
    ids=["ones", "twos", "halves", "0 to 10", "bootstrap", "near 1", "skew", "mask", "counts", "one row"],
)
def test_ordinary_weights(weight):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_weights(weight)
