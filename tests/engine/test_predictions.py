"""Predictions block by block: the same whatever the blocks, in little memory, from any float array."""

import threading
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
import tensorflow as tf
from gpflow.kernels import Polynomial

from sklearn_mogpe.engine import predictions as predict

ROWS = np.linspace(-4, 4, 23)[:, None]


@pytest.mark.parametrize("rows_per_call", [1, 7, 23, 24])
def test_blocks_leave_no_mark(three_experts_model, monkeypatch, rows_per_call):
    def everything():
        mixture = three_experts_model.predict_mixture(ROWS)
        return *mixture, *three_experts_model.predict_gating_functions(ROWS, return_std=True)

    expected = everything()
    monkeypatch.setattr(predict, "ROWS_PER_CALL", rows_per_call)
    for found, whole in zip(everything(), expected, strict=True):
        np.testing.assert_allclose(found, whole, rtol=1e-9, atol=1e-12)


def test_gating_functions_are_those_of_the_model(three_experts_model):
    state = three_experts_model._state
    means, stds = three_experts_model.predict_gating_functions(ROWS, return_std=True)
    gates = three_experts_model.model_.latents((ROWS - state["x_mean"]) / state["x_scale"]).gates
    np.testing.assert_allclose(means, np.transpose(gates.mean), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stds, np.sqrt(np.transpose(gates.variance)), rtol=1e-9)


def test_single_precision_rows_are_read_as_they_are(step_model, tmp_path):
    """Each block becomes double before it is standardised, so nothing is lost that the file holds."""
    single = ROWS.astype(np.float32)
    np.save(tmp_path / "rows.npy", single)
    expected = step_model.predict(single.astype(np.float64))
    np.testing.assert_array_equal(step_model.predict(single), expected)
    np.testing.assert_array_equal(step_model.predict(np.load(tmp_path / "rows.npy", mmap_mode="r")), expected)


@contextmanager
def peak_memory():
    """Give a list that gets, at the end, the highest resident memory in bytes above that at the beginning."""
    process, done, peak = psutil.Process(), threading.Event(), []
    before = process.memory_info().rss
    highest = before

    def watch():
        nonlocal highest
        while not done.wait(0.002):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak.append(highest - before)


@pytest.mark.slow
def test_many_rows_need_little_memory(make_regressor, short_search, tmp_path):
    """A third of a gigabyte for a million rows of eight features on disk, by three experts of 100 points."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 8))
    model = make_regressor(3, n_inducing=100, max_iter=5).fit(X, np.sin(X[:, 0]))
    rows = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", shape=(300_000, 8))
    for block in np.array_split(rows, 30):
        block[:] = rng.standard_normal(block.shape)
    model.predict_interval(rows[:10_000])  # what TensorFlow keeps for later
    with peak_memory() as peak:
        mean, std = model.predict(rows, return_std=True)
    assert peak[0] < 100e6
    with peak_memory() as peak:
        gates = model.predict_gating_functions(rows[:100_000])
    assert peak[0] < 50e6
    with peak_memory() as peak:
        lower, upper = model.predict_interval(rows[:100_000])
    assert peak[0] < 50e6
    part = slice(50_000, 50_100)
    np.testing.assert_allclose(
        model.predict(rows[part], return_std=True), (mean[part], std[part]), rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(model.predict_gating_functions(rows[part]), gates[part], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        model.predict_interval(rows[part]), (lower[part], upper[part]), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize(
    "kernels", [("rbf", "rbf"), ("matern32", "matern52"), ("matern32", "rbf")], ids="-".join
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinitely_far_rows_are_predicted_by_the_prior(make_fitted, kernels, dtype):
    model = make_fitted(kernels, kernels[0], dtype=dtype)
    near = model.predict_mixture([[1e5]])
    for x in (1e10, 1e20, -1e40, 1e150, -1e160, 1.7e308):
        for found, expected in zip(model.predict_mixture([[x]]), near, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)


def cubic(input_dim):
    return Polynomial(degree=3)


def test_kernels_that_overflow_are_told_of(make_fitted, tmp_path):
    model = make_fitted((cubic, cubic))
    assert np.all(np.isfinite(model.predict_mixture([[1e6]])[1]))
    with pytest.raises(ValueError, match=r"where the kernels are finite.*X has values up to 1e\+150"):
        model.predict([[1.0], [1e150]])
    with pytest.raises(ValueError, match="where the kernels are finite"):
        model.sample_functions([[1.0], [1e150]])
    model.export_saved_model(tmp_path / "model")
    served = tf.saved_model.load(str(tmp_path / "model"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="where the kernels are finite"):
        served.predict(tf.constant([[1.0], [1e150]], tf.float64))
