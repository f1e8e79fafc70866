"""Columns come back from files as they went in."""

import numpy as np
import polars as pl
import pytest

from sklearn_mogpe.command.columns import take_columns, write_columns
from sklearn_mogpe.command.dataset import read_data
from sklearn_mogpe.descriptions.errors import ConfigurationError

COLUMNS = {"a": np.array([0.1, 1e-300, -3.0]), "b": np.array([1, 2, 3])}


@pytest.mark.parametrize("suffix", ["csv", "npz", "parquet"])
def test_round_trip(tmp_path, read, suffix):
    file = tmp_path / f"rows.{suffix}"
    write_columns(file, COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    data = read_data({"path": str(file), "features": ["a"], "target": "b"})
    for found in (read(file), {"a": np.ravel(data.X), "b": data.y}):
        assert found.keys() == COLUMNS.keys()
        for name, column in COLUMNS.items():
            np.testing.assert_array_equal(found[name], column)
            assert found[name].dtype == column.dtype


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_of_a_table(tmp_path, suffix):
    file = tmp_path / f"rows.{suffix}"
    write_columns(file, {**COLUMNS, "y": np.arange(3.0), "w": np.ones(3)})
    data = read_data({"path": str(file), "sample_weight": "w"})
    assert isinstance(data.X, pl.DataFrame)
    assert (data.X.columns, data.features, data.target) == (["a", "b"], ["a", "b"], ["y"])
    np.testing.assert_array_equal(data.X.to_numpy(), np.column_stack(list(COLUMNS.values())))
    np.testing.assert_array_equal(data.y, np.arange(3.0))
    np.testing.assert_array_equal(data.sample_weight, np.ones(3))
    X, y, weight, error = data.take(np.array([2, 0]))
    assert error is None
    np.testing.assert_array_equal(X.to_numpy(), [[-3.0, 3], [0.1, 1]])
    np.testing.assert_array_equal([y, weight], [[2.0, 0.0], [1.0, 1.0]])


def test_rows_of_arrays(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    np.savez(tmp_path / "rows.npz", X=X, y=y, inputs=X + 1, t=y[:, 0])
    data = read_data({"path": str(tmp_path / "rows.npz")})
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, y)
    data = read_data({"path": str(tmp_path / "rows.npz"), "features": ["inputs", "t"], "target": "t"})
    np.testing.assert_array_equal(data.X, np.column_stack([X + 1, y[:, 0]]))
    np.testing.assert_array_equal(data.y, y[:, 0])


def test_made_rows():
    from sklearn_mogpe.datasets import load_motorcycle, make_two_regimes

    X, y = make_two_regimes(20, random_state=4)
    data = read_data({"dataset": "two_regimes", "n_samples": 20, "random_state": 4})
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, y)
    np.testing.assert_array_equal(read_data({"dataset": "motorcycle"}).X, load_motorcycle().data)


def test_no_numbers(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,two\n")
    with pytest.raises(
        ConfigurationError, match="line 2, column 'b': expected a column of numbers, got 'two'"
    ):
        read_data({"path": str(tmp_path / "rows.csv"), "target": "a"})
    with pytest.raises(ConfigurationError, match="expected columns of numbers, got 'b' with 'two'"):
        take_columns({"b": np.array(["two"])}, ["b"])


def test_values_that_are_not_finite_in_arrays(tmp_path):
    X = np.ones((4, 2))
    X[2, 1] = np.nan
    np.savez(tmp_path / "rows.npz", X=X, y=np.ones(4))
    with pytest.raises(ConfigurationError, match=r"features: expected finite .* nan in 'X' at \[2, 1\]"):
        read_data({"path": str(tmp_path / "rows.npz")})


def test_the_rule_of_arrays_is_told_and_not_for_tables(tmp_path):
    """An array X holds the features; a column X is one of them."""
    columns = {"X": np.arange(3.0), "noise": np.array([4.0, 1.0, 3.0]), "y": np.ones(3)}
    for suffix, features in {"npz": ["X"], "csv": ["X", "noise"]}.items():
        file = tmp_path / f"rows.{suffix}"
        write_columns(file, columns)
        data = read_data({"path": str(file)})
        assert data.features == features
        assert (
            data.notes[-1]
            == {
                "npz": "'X' holds the features, others are not used: noise",
                "csv": "'X' counts the rows; if it is no feature, set features",
            }[suffix]
        )


def test_unequal_lengths():
    with pytest.raises(ConfigurationError, match=r"equal lengths, got shapes \[\(3,\), \(2,\)\]"):
        take_columns({"a": np.ones(3), "b": np.ones(2)}, ["a", "b"])


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_damaged_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=f"{name} cannot be read"):
        read_data({"path": str(tmp_path / name)})


def test_without_polars(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match=r"Expected Polars.*sklearn-mogpe\[command\]"):
        write_columns(tmp_path / "rows.csv", COLUMNS)
    write_columns(tmp_path / "rows.npz", COLUMNS)
