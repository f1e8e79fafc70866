"""Fits in other units, and to rows in another order: what is promised exactly, and what nearly."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.usefixtures("short_search"),
    pytest.mark.filterwarnings("ignore:Training ended:sklearn.exceptions.ConvergenceWarning"),
]

KINDS = {
    "one": {"n_experts": 1},
    "two": {"init_params": "ladder"},
    "clusters": {"init_params": "kmeans"},
    "varying noise": {"init_params": "residual", "noise": "varying"},
    "a point for each row": {"n_experts": 1, "n_inducing": 30},
}
kinds = st.sampled_from(sorted(KINDS))
seeds = st.integers(0, 10**6)
fewer = settings(max_examples=6)


@pytest.fixture
def predictions(make_regressor):
    """Means, standard deviations and probabilities at X_new of a mixture of some kind, fitted to X and y."""

    def predict(kind, X, y, X_new, weight=None):
        model = make_regressor(**{"max_iter": 4, "n_samples": 8, **KINDS[kind]}).fit(X, y, weight)
        return model.predict(X_new, return_std=True, return_mixing_proba=True)

    return predict


def wave(seed, n_features=None):
    """A wave in noise: X (N, D), y (N,), and rows to predict; some are rounded, so that values are equal.

    Of rows that leave much open, last digits can decide what is found.
    """
    rng = np.random.default_rng(seed)
    n, D = rng.integers(20, 31), n_features or rng.integers(1, 4)
    X = rng.normal(size=(n, D))
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=n)
    if rng.random() < 0.3:
        X, y = X.round(1), y.round(1)
    return X, y, rng.normal(size=(10, D))


@fewer
@given(kind=kinds, data=st.data(), powers=st.lists(st.integers(-40, 40), min_size=4, max_size=4))
def test_powers_of_two_lose_nothing(any_table, predictions, kind, data, powers):
    """Units of every feature and of y, whatever the data but for a constant, whose unit nobody knows."""
    X, y = data.draw(any_table(sizes=(6, 12, 30), max_outputs=1))
    assume(np.ptp(y) > 0 and np.all(np.ptp(X, axis=0) > 0) and len(np.unique(np.c_[X, y], axis=0)) > 1)
    unit, units = 2.0 ** powers[0], 2.0 ** np.array(powers[1 : 1 + X.shape[1]])
    X_new = X + 0.3 * np.std(X, axis=0)
    mean, std, mixing_proba = predictions(kind, X, y, X_new)
    found = predictions(kind, units * X, unit * y, units * X_new)
    np.testing.assert_array_equal(found[0], unit * mean)
    np.testing.assert_array_equal(found[1], unit * std)
    np.testing.assert_array_equal(found[2], mixing_proba)


@fewer
@given(
    kind=kinds,
    seed=seeds,
    scales=st.lists(st.floats(-12, 12), min_size=4, max_size=4),
    shifts=st.lists(st.floats(-100, 100), min_size=4, max_size=4),
)
def test_any_units_and_zeros(predictions, kind, seed, scales, shifts):
    """Zeros up to a hundred standard deviations away; standardised rows are rounded to twelve decimals."""
    X, y, X_new = wave(seed)
    (unit, *units), (zero, *zeros) = 10.0 ** np.array(scales), np.array(shifts)
    units, zeros = np.array(units[: X.shape[1]]), np.array(zeros[: X.shape[1]])
    mean, std, mixing_proba = predictions(kind, X, y, X_new)
    found = predictions(kind, units * (X + zeros), unit * (y + zero), units * (X_new + zeros))
    scale = np.std(y)
    np.testing.assert_allclose(found[0] / unit - zero, mean, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(found[1] / unit, std, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(found[2], mixing_proba, rtol=0, atol=1e-6)


@fewer
@given(seed=seeds, exponents=st.tuples(*[st.floats(2, 8)] * 2))
def test_zeros_that_are_far_away(predictions, seed, exponents):
    """What rounding takes from the rows, up to eight digits of them, the predictions may lack too."""
    X, y, X_new = wave(seed, n_features=1)
    zeros = 10.0 ** np.array(exponents)
    mean, std, _ = predictions("one", X, y, X_new)
    found = predictions("one", X + zeros[0], y + zeros[1], X_new + zeros[0])
    assert np.max(np.abs(found[0] - zeros[1] - mean)) < 0.05 * np.std(y)
    assert np.max(np.abs(found[1] - std)) < 0.05 * np.std(y)


@fewer
@given(kind=kinds, data=st.data(), seed=seeds)
def test_rows_may_stand_in_any_order(any_table, predictions, kind, data, seed):
    """And a row of weight 2 is one that stands there twice: exactly, whatever the data."""
    X, y = data.draw(any_table(sizes=(6, 12, 30), max_outputs=1))
    assume(len(np.unique(np.c_[X, y], axis=0)) > 1)
    rng = np.random.default_rng(seed)
    times = rng.integers(1, 4, len(y))
    places = rng.permutation(np.repeat(np.arange(len(y)), times))
    expected = predictions(kind, X, y, X, times)
    for found, known in zip(predictions(kind, X[places], y[places], X), expected, strict=True):
        np.testing.assert_array_equal(found, known)


@given(seed=seeds)
def test_a_mirror_image(predictions, seed):
    """One expert of constant noise, for which the bound is exact, does not know up from down."""
    X, y, X_new = wave(seed)
    mean, std, _ = predictions("one", X, y, X_new)
    found = predictions("one", X, -y, X_new)
    assert np.max(np.abs(found[0] + mean)) < 1e-4 * np.std(y)
    assert np.max(np.abs(found[1] - std)) < 1e-4 * np.std(y)


@fewer
@given(seed=seeds)
def test_columns_may_stand_in_any_order(predictions, seed):
    """Nearly, and with one expert: rows are sorted column by column, and sums of them are rounded."""
    X, y, X_new = wave(seed, n_features=3)
    order = np.random.default_rng(seed).permutation(3)
    mean, std, _ = predictions("a point for each row", X, y, X_new)
    found = predictions("a point for each row", X[:, order], y, X_new[:, order])
    assert np.max(np.abs(found[0] - mean)) < 0.05 * np.std(y)
    assert np.max(np.abs(found[1] - std)) < 0.05 * np.std(y)
