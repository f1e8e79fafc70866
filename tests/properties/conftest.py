"""Data of any kind, drawn by Hypothesis, and what must hold of every fitted mixture."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# The same examples in every run, as many as take seconds; without Phase.shrink, which looks for smaller ones
# for minutes.
settings.register_profile(
    "properties",
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("properties")

LEVELS = (0.001, 0.1, 0.5, 0.9, 0.999)

# Standardised values of n rows.
SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "skewed": lambda rng, n: np.exp(4 * rng.normal(size=n)),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "whole": lambda rng, n: rng.integers(-3, 4, n).astype(float),
    "two values": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "ties": lambda rng, n: rng.choice(rng.normal(size=1 + n // 3), n),
    "grid": lambda rng, n: np.linspace(-1, 1, n),
    "constant": lambda rng, n: np.full(n, rng.choice([0.0, 1.0, 0.1])),
    "outlier": lambda rng, n: np.where(np.arange(n) == rng.integers(n), 1e6, 1.0) * rng.normal(size=n),
}


@st.composite
def columns(draw, n):
    """Values of n rows, in units of 1e-12 to 1e12, up to 1e8 units away from zero."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = SHAPES[draw(st.sampled_from(sorted(SHAPES)))](rng, n)
    unit = 10.0 ** draw(st.sampled_from([0, 0, -12, -6, 3, 12]))
    offset = draw(st.sampled_from([0.0, 0.0, 1.0, -1e3, 1e8]))
    return unit * (offset + values)


@st.composite
def tables(draw, sizes=(2, 3, 4, 5, 6, 12, 30), max_features=3, max_outputs=2):
    """X (N, D) and y (N,) or (N, P), maybe with rows that stand there several times."""
    n = draw(st.sampled_from(sizes))
    X = np.column_stack([draw(columns(n)) for _ in range(draw(st.integers(1, max_features)))])
    Y = np.column_stack([draw(columns(n)) for _ in range(draw(st.integers(1, max_outputs)))])
    repeats = draw(st.sampled_from(["none", "none", "inputs", "rows"]))
    if repeats != "none":
        places = np.random.default_rng(draw(st.integers(0, 99))).integers(n, size=n)
        X, Y = X[places], Y[places] if repeats == "rows" else Y
    return X, Y[:, 0] if Y.shape[1] == 1 else Y


@pytest.fixture(scope="session")
def any_table():
    """A strategy of X and y."""
    return tables


@pytest.fixture(scope="session")
def assert_sound():
    """Check what must hold of a fitted model's predictions, whatever it was fitted to."""

    def check(model, X):
        mean, std, mixing_proba = model.predict(X, return_std=True, return_mixing_proba=True)
        assert np.all(np.isfinite(mean))
        assert np.all((std > 0) & np.isfinite(std))
        assert np.all(mixing_proba >= 0)
        np.testing.assert_allclose(mixing_proba.sum(axis=1), 1.0, rtol=0, atol=1e-9)
        quantiles = model.predict_quantile(X, LEVELS)
        assert np.all(np.isfinite(quantiles))
        assert np.all(np.diff(quantiles, axis=-1) >= 0)
        assert np.all(np.isfinite(model.score_samples(X)))
        for part in (*model.predict_variance_parts(X), model.predict_noise(X)):
            assert np.all((part >= 0) & np.isfinite(part))
        assert all(np.all(np.isfinite(slope)) for slope in model.predict_derivatives(X))
        assert np.all(np.isfinite(model.sample_y(X, 2)))

    return check
