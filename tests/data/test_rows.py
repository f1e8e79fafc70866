"""Rows: merged, weighted and standardised."""

from itertools import permutations

import numpy as np
import pytest

from sklearn_mogpe.data.rows import LARGEST_ERROR, Rows, Scaler, Scales, distinct_rows, fit_scaler, fit_scales


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
    assert_same(merged, ([[1.0], [1.0], [2.0]], [[6.0], [7.0], [5.0]], [2.0, 4.0, 1.5], np.zeros((3, 1))))


def test_rows_of_weight_zero_are_left_out():
    merged = distinct_rows(Rows(np.array([[1.0], [2.0]]), np.zeros((2, 1)), np.array([0.0, 3.0])))
    assert_same(merged, ([[2.0]], [[0.0]], [3.0], [[0.0]]))


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
    assert_same(merged, ([[1.0], [1.0]], [[1.0], [2.0]], [1.0, 2.0], np.zeros((2, 1))))


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


def test_single_precision_far_from_zero():
    values = (1e6 + np.random.default_rng(0).normal(size=(1000, 1))).astype(np.float32)
    scaler, expected = (fit_scaler(part, np.ones(1000)) for part in (values, values.astype(float)))
    assert_same(scaler, expected)
    np.testing.assert_array_equal(scaler.transform(values), expected.transform(values.astype(float)))


def test_outputs_may_stay_as_they_are():
    values = np.random.default_rng(0).normal(size=(5, 2)) * 1e8
    scales = fit_scales(Rows(values, values, np.ones(5)))
    assert_same(scales.without_y().X, scales.X)
    np.testing.assert_array_equal(scales.without_y().Y.transform(values), values)
    np.testing.assert_array_equal(scales.without_y().Y.inverse_transform(values), values)


def test_scaler_reads_block_by_block(monkeypatch):
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=(100, 2)) * [1.0, 1e3], rng.uniform(size=100)
    whole = fit_scaler(values, weight)
    monkeypatch.setattr("sklearn_mogpe.data.rows.BLOCK_ROWS", 7)
    np.testing.assert_allclose(fit_scaler(values, weight), whole, rtol=1e-13)


# Known errors


def test_rows_have_no_known_error_unless_given():
    Y = np.ones((1000, 3))
    error = Rows(Y, Y, Y[:, 0]).error
    np.testing.assert_array_equal(error, np.zeros((1000, 3)))
    assert error.strides == (0, 0)  # of no size in memory


def test_equal_rows_of_other_errors_stay_apart():
    ones = np.ones((4, 1))
    error = np.array([[0.2, 0.0], [0.1, 0.5], [0.2, 0.0], [0.1, 0.4]])
    merged = distinct_rows(Rows(ones, np.ones((4, 2)), np.arange(1.0, 5.0), error))
    assert_same(merged, (ones[:3], np.ones((3, 2)), [4.0, 2.0, 4.0], [[0.1, 0.4], [0.1, 0.5], [0.2, 0.0]]))


def test_errors_are_scaled_as_their_outputs_and_shifted_by_nothing():
    scales = Scales(Scaler(np.zeros(1), np.ones(1)), Scaler(np.array([5.0, -3.0]), np.array([2.0, 1e-200])))
    error = np.array([[1.0, 3e-200], [0.0, 1e150]])
    rows = scales.transform(Rows(np.zeros((2, 1)), np.tile(scales.Y.mean, (2, 1)), np.ones(2), error))
    np.testing.assert_array_equal(rows.error, [[0.5, 3.0], [0.0, LARGEST_ERROR]])


def test_rows_that_are_hardly_known_do_not_set_the_scale():
    rng = np.random.default_rng(0)
    X, Y, weight = rng.normal(size=(50, 1)), rng.normal(size=(50, 2)), rng.integers(1, 4, 50).astype(float)
    error, wild = np.full((50, 2), 0.1), Y.copy()
    error[:3, 1] = wild[:3, 1] = 1e7, 1e4, 3e5
    scales = fit_scales(Rows(X, wild, weight, error))
    assert_same(scales.X, fit_scales(Rows(X, Y, weight)).X)
    known = fit_scales(Rows(X[3:], Y[3:], weight[3:])).Y
    assert scales.Y.scale[1] == pytest.approx(known.scale[1], rel=0.01)
    assert scales.Y.mean[1] == pytest.approx(known.mean[1], abs=0.02)
    assert scales.Y.scale[0] == pytest.approx(fit_scales(Rows(X, Y, weight)).Y.scale[0], rel=1e-12)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_scales_of_rows_with_errors_in_any_unit(unit):
    rng = np.random.default_rng(0)
    error, weight = rng.exponential(size=(20, 1)), np.ones(20)
    Y = rng.normal(size=(20, 1)) * (1.0 + error)
    expected = fit_scales(Rows(Y, Y, weight, error)).Y
    found = fit_scales(Rows(Y, Y * unit, weight, error * unit)).Y
    np.testing.assert_allclose(np.array(found) / unit, expected, rtol=1e-9)
    assert expected.scale[0] < 0.95 * np.std(Y)  # a part of which the errors are
