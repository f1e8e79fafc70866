"""What a fit or a prediction leaves as it was: the caller's data, and the state of the libraries."""

import gc
import logging
import os
import random
import signal
import threading
import warnings

import gpflow
import numpy as np
import pandas as pd
import pytest
import sklearn
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.python.eager import context
from threadpoolctl import threadpool_info

pytestmark = pytest.mark.usefixtures("short_search")

FAST = {"init_params": "kmeans", "max_iter": 2, "n_samples": 8}

ASK = (
    lambda model, X, y: model.predict(X, return_std=True),
    lambda model, X, y: model.score(X, y),
    lambda model, X, y: model.score_samples(X, y),
    lambda model, X, y: model.score_samples(X),
    lambda model, X, y: model.predict_responsibilities(X, y),
    lambda model, X, y: model.predict_interval(X),
    lambda model, X, y: model.predict_derivatives(X),
    lambda model, X, y: model.predict_variance_parts(X),
    lambda model, X, y: model.sample_y(X, 3),
    lambda model, X, y: model.sample_functions(X, 2),
    lambda model, X, y: (model.experts_, model.inducing_inputs_, model.gating_.predict(X)),
)


def surroundings():
    """What others may have set, and what tells whether random numbers were drawn."""
    name, keys, *place = np.random.get_state()  # noqa: NPY002
    return {
        "errors of NumPy": np.geterr(),
        "random state of NumPy": (name, keys.tolist(), place),
        "random state of Python": random.getstate(),
        "seed of TensorFlow": context.global_seed(),
        "precision of GPflow": (gpflow.default_float(), gpflow.default_int(), gpflow.default_jitter()),
        "precision of Keras": tf.keras.backend.floatx(),
        "threads of TensorFlow": (
            tf.config.threading.get_intra_op_parallelism_threads(),
            tf.config.threading.get_inter_op_parallelism_threads(),
        ),
        "functions of TensorFlow": (tf.config.functions_run_eagerly(), tf.config.get_soft_device_placement()),
        "threads of others": sorted((part["filepath"], part["num_threads"]) for part in threadpool_info()),
        "warnings": list(warnings.filters),
        "printing": np.get_printoptions(),
        "configuration of scikit-learn": sklearn.get_config(),
        "garbage collection": (gc.isenabled(), gc.get_threshold()),
        "environment": (dict(os.environ), os.getcwd()),
        "logging": (logging.root.level, list(logging.root.handlers), logging.getLogger("tensorflow").level),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
    }


@pytest.fixture(scope="module", autouse=True)
def everything_imported(make_fitted):
    """Libraries may set something when they are imported."""
    make_fitted(n_features=2).predict(np.zeros((1, 2)))


@pytest.fixture
def unusual():
    """Settings that are not the defaults."""
    before, jitter = np.geterr(), gpflow.default_jitter()
    np.seterr(divide="ignore", under="warn")
    tf.random.set_seed(7)
    with gpflow.config.as_context(gpflow.config.Config(float=np.float32, jitter=1e-4)):
        yield
    np.seterr(**before)
    context.set_global_seed(None)
    assert gpflow.default_jitter() == jitter


def rows(seed, n=15):
    """X, y, weights and known errors."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] ** 2 + 0.1 * rng.normal(size=n), rng.integers(1, 3, n).astype(float), 0.1 * X[:, 1] ** 2


def assert_same_surroundings(before):
    now = surroundings()
    for name, value in before.items():
        np.testing.assert_equal(now[name], value, err_msg=name)


@settings(max_examples=5)
@given(seed=st.integers(0, 999), params=st.sampled_from([{}, {"dtype": "float32"}, {"solver": "lbfgs"}]))
def test_a_fit_changes_nothing_else(make_regressor, seed, params):
    """Neither in the arrays that it is given, nor elsewhere."""
    given = rows(seed)
    copies, before, n_threads = [part.copy() for part in given], surroundings(), threading.active_count()
    model = make_regressor(**FAST, **params).fit(*given)
    model.partial_fit(*given)
    assert_same_surroundings(before)
    assert threading.active_count() <= n_threads + 1  # one may be kept to set up graphs
    for part, known in zip(given, copies, strict=True):
        np.testing.assert_array_equal(part, known)


@given(seed=st.integers(0, 999), ask=st.sampled_from(ASK))
def test_a_question_changes_nothing_else(make_fitted, seed, ask):
    model = make_fitted(n_features=2, seed=seed % 5)
    X, y, *_ = rows(seed)
    copies, before = (X.copy(), y.copy()), surroundings()
    state = {path: values.copy() for path, values in model._state["parameters"].items()}
    ask(model, X, y)
    assert_same_surroundings(before)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(y, copies[1])
    for path, values in model._state["parameters"].items():
        np.testing.assert_array_equal(values, state[path])


@settings(max_examples=6)
@given(seed=st.integers(0, 999))
def test_tables_stay_as_they_are(make_regressor, seed):
    X, y, weight, y_std = rows(seed)
    table = pd.DataFrame(X, columns=["a", "b"], index=[f"row {i}" for i in range(len(X))])
    table["b"] = table["b"].astype("Float64")
    before, column = table.copy(), pd.Series(y, index=table.index)
    model = make_regressor(**FAST).fit(table, column, weight, y_std)
    model.predict(table)
    pd.testing.assert_frame_equal(table, before)
    np.testing.assert_array_equal(column, y)


@settings(max_examples=6)
@given(seed=st.integers(0, 999))
def test_what_others_have_set_does_not_matter(make_regressor, seed, unusual):
    """Neither to the fit nor to predictions."""
    X, y, *_ = rows(seed)
    before = surroundings()
    model = make_regressor(**FAST).fit(X, y)
    mean = model.predict(X)
    assert_same_surroundings(before)
    with gpflow.config.as_context(gpflow.config.Config()):
        usual = make_regressor(**FAST).fit(X, y)
        np.testing.assert_array_equal(usual.predict(X), mean)


@settings(max_examples=6)
@given(seed=st.integers(0, 999))
def test_a_refusal_changes_nothing_else(make_regressor, seed):
    X, y, *_ = rows(seed)
    y[seed % len(y)] = np.nan
    before = surroundings()
    with pytest.raises(ValueError, match="Input y contains NaN"):
        make_regressor().fit(X, y)
    with pytest.raises(ValueError, match="distinct row"):
        make_regressor(9).fit(X[:3], np.arange(3.0))
    assert_same_surroundings(before)
