"""Rows: merged, weighted and standardised."""

from itertools import permutations

import numpy as np
import pytest

from sklearn_mogpe.data.rows import (
    Rows,
    check_sample_weight,
    distinct_rows,
    fit_scaler,
    fit_scales,
)


@pytest.fixture
def rows():
    """Twenty distinct rows with whole weights."""
    rng = np.random.default_rng(0)
    return Rows(rng.normal(size=(20, 2)), rng.normal(size=(20, 1)), rng.integers(1, 4, 20).astype(float))


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_equal_rows_merge_and_their_weights_add_up():
    X, Y = np.array([[2.0], [1.0], [2.0], [1.0]]), np.array([[5.0], [6.0], [5.0], [7.0]])
    merged = distinct_rows(Rows(X, Y, np.array([1.0, 2.0, 0.5, 4.0])))
    assert_same(merged, ([[1.0], [1.0], [2.0]], [[6.0], [7.0], [5.0]], [2.0, 4.0, 1.5]))


def test_rows_of_weight_zero_are_left_out():
    merged = distinct_rows(Rows(np.array([[1.0], [2.0]]), np.zeros((2, 1)), np.array([0.0, 3.0])))
    assert_same(merged, ([[2.0]], [[0.0]], [3.0]))


def test_order_does_not_matter(rows):
    order = np.random.default_rng(1).permutation(20)
    assert_same(distinct_rows(rows), distinct_rows(Rows(*(part[order] for part in rows))))


def test_repetition_is_weight(rows):
    times = rows.weight.astype(int)
    repeated = Rows(np.repeat(rows.X, times, axis=0), np.repeat(rows.Y, times, axis=0), np.ones(times.sum()))
    assert_same(distinct_rows(rows), distinct_rows(repeated))


@pytest.mark.parametrize("weight", list(permutations([0.1, 0.2, 0.3])))
def test_order_does_not_matter_for_broken_weights(weight):
    """(0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in the last bit."""
    X = np.ones((3, 1))
    expected = distinct_rows(Rows(X, X, np.array([0.1, 0.2, 0.3]))).weight
    np.testing.assert_array_equal(distinct_rows(Rows(X, X, np.array(weight))).weight, expected)


def test_equal_inputs_with_other_targets_stay_apart():
    X = np.ones((3, 1))
    merged = distinct_rows(Rows(X, np.array([[2.0], [1.0], [2.0]]), np.ones(3)))
    assert_same(merged, ([[1.0], [1.0]], [[1.0], [2.0]], [1.0, 2.0]))


def test_scaler_standardises_by_weight():
    rng = np.random.default_rng(0)
    values, times = rng.normal(size=(30, 2)) * [1.0, 50.0] + [3.0, -7.0], rng.integers(1, 5, 30)
    scaler = fit_scaler(values, times.astype(float))
    repeated = np.repeat(values, times, axis=0)
    np.testing.assert_allclose(scaler.mean, repeated.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(scaler.scale, repeated.std(axis=0), rtol=1e-13)
    np.testing.assert_allclose(scaler.transform(repeated).std(axis=0), 1.0, rtol=1e-13)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(values)), values, rtol=1e-13)


@pytest.mark.parametrize("unit", [1e-300, 1e-150, 1e-12, 1e12, 1e150, 1e300])
def test_scaler_in_any_unit(unit):
    values, weight = np.random.default_rng(0).normal(size=(20, 1)), np.ones(20)
    scaler = fit_scaler(values * unit, weight)
    expected = fit_scaler(values, weight).transform(values)
    np.testing.assert_allclose(scaler.transform(values * unit), expected, rtol=1e-12)
    assert scaler.scale[0] / unit == pytest.approx(np.std(values), rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 1.0, -1e-150, 0.1, 1e150])
def test_constant_column_becomes_zero(constant):
    values = np.full((7, 1), constant)
    scaler = fit_scaler(values, np.arange(1.0, 8.0))
    assert scaler.scale == [1.0]
    np.testing.assert_allclose(scaler.transform(values), 0.0, atol=1e-15 * max(1.0, abs(constant)))


def test_small_spread_far_from_zero_is_not_constant():
    noise = np.random.default_rng(0).normal(size=(50, 1))
    scaler = fit_scaler(1e6 + 1e-3 * noise, np.ones(50))
    assert scaler.scale[0] == pytest.approx(1e-3 * np.std(noise), rel=1e-6)


def test_outputs_may_stay_as_they_are():
    values = np.random.default_rng(0).normal(size=(5, 2)) * 1e8
    scales = fit_scales(Rows(values, values, np.ones(5)))
    assert_same(scales.without_y().X, scales.X)
    np.testing.assert_array_equal(scales.without_y().Y.transform(values), values)
    np.testing.assert_array_equal(scales.without_y().Y.inverse_transform(values), values)


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


def test_scaler_reads_block_by_block(monkeypatch):
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=(100, 2)) * [1.0, 1e3], rng.uniform(size=100)
    whole = fit_scaler(values, weight)
    monkeypatch.setattr("sklearn_mogpe.data.rows.BLOCK_ROWS", 7)
    np.testing.assert_allclose(fit_scaler(values, weight), whole, rtol=1e-13)
