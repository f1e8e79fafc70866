"""Fits to anything: sound predictions without a warning, or an error that says what came."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytestmark = [
    pytest.mark.usefixtures("short_search"),
    pytest.mark.filterwarnings("ignore:Training ended:sklearn.exceptions.ConvergenceWarning"),
]

STARTS = ("kmeans", "noise", "residual", "mixture", "ladder", "auto")


def asked(X):
    """The rows, others between and beside them, and some that are far away."""
    spread = np.ptp(X, axis=0) + (np.ptp(X, axis=0) == 0) * np.maximum(np.abs(X[0]), 1.0)
    return np.concatenate([X, X + 0.3 * spread, X[:2] - 1e4 * spread])


def fit_or_say(model, X, y, *others):
    """Fit, unless there are too few distinct rows, which the model has to say."""
    n_distinct = len(np.unique(np.column_stack([X, y]), axis=0))
    if n_distinct >= model.n_experts:
        return model.fit(X, y, *others)
    message = f"at least one distinct row for each of the {model.n_experts} experts, got {n_distinct}; lower"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, *others)
    assert not hasattr(model, "n_iter_")
    return None


@pytest.fixture
def assert_fits(make_regressor, assert_sound):
    """Fit, and see whether predictions are sound and the bound and the densities of the rows are finite."""

    def check(X, y, *others, **params):
        model = fit_or_say(make_regressor(**{"max_iter": 4, "n_samples": 8, **params}), X, y, *others)
        if model is None:
            return
        assert_sound(model, asked(X))
        assert np.isfinite(model.lower_bound_)
        assert np.all(np.isfinite(model.score_samples(X, y)))
        distinct = np.unique(X, axis=0)
        assert model.n_inducing_ <= min(model.n_inducing, len(distinct))

    return check


@given(data=st.data(), start=st.sampled_from(STARTS), noise=st.sampled_from(["constant", "varying"]))
def test_any_table(any_table, assert_fits, data, start, noise):
    """One output, which two experts share, of constant noise or one that varies."""
    X, y = data.draw(any_table(max_outputs=1))
    assert_fits(X, y, init_params=start, noise=noise)


@given(data=st.data(), n_inducing=st.sampled_from([1, 2, 5, 60]))
def test_one_expert_and_any_number_of_inducing_points(any_table, assert_fits, data, n_inducing):
    X, y = data.draw(any_table(max_outputs=1))
    assert_fits(X, y, n_experts=1, n_inducing=n_inducing)


@settings(max_examples=6)
@given(data=st.data(), start=st.sampled_from(STARTS))
def test_three_experts_and_two_outputs(any_table, assert_fits, data, start):
    X, y = data.draw(any_table(sizes=(2, 3, 4, 8, 20)))
    y = np.column_stack([y, y]) if y.ndim == 1 else y
    assert_fits(X, y, n_experts=3, init_params=start)


@settings(max_examples=6)
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_any_weights_and_known_errors(any_table, assert_fits, data, seed):
    """Weights that count rows, but for some rows that are left out, and errors of unlike sizes."""
    rng = np.random.default_rng(seed)
    X, y = data.draw(any_table(sizes=(6, 12, 30), max_outputs=1))
    weight = rng.integers(0, 3, len(y)).astype(float)
    weight[:2] = 1.0
    X[0], y[0] = X[1] + 1.0 + np.abs(X[1]), y[1]  # two distinct rows at least
    error = (np.std(y) or 1.0) * 10.0 ** rng.uniform(-9, 3, len(y)) * rng.integers(0, 2, len(y))
    assert_fits(X, y, weight, error)


@given(n_rows=st.integers(1, 6), n_experts=st.integers(1, 9), seed=st.integers(0, 999))
@example(n_rows=2, n_experts=3, seed=0)
def test_more_experts_than_rows_is_an_error(make_regressor, n_rows, n_experts, seed):
    """Of distinct rows, however often they stand there; what would be fitted is not tried here."""
    rng = np.random.default_rng(seed)
    n_experts += n_rows
    X, y = rng.normal(size=(n_rows, 2)), rng.normal(size=n_rows)
    places = np.concatenate([np.arange(n_rows), rng.integers(n_rows, size=n_experts)])
    fit_or_say(make_regressor(n_experts), X[places], y[places])


@settings(max_examples=6)
@given(data=st.data(), power=st.integers(-6, 6))
def test_going_on_with_rows_of_other_units(any_table, make_regressor, assert_sound, data, power):
    """The scales are those of the first rows, in whose units the next may be anything."""
    X, y = data.draw(any_table(sizes=(4, 12), max_features=2, max_outputs=1))
    model = fit_or_say(make_regressor(max_iter=2, n_samples=8), X, y)
    if model is not None:
        unit = 10.0**power
        assert_sound(model.partial_fit(unit * X, unit * y), asked(X))
        assert np.isfinite(model.lower_bound_)
