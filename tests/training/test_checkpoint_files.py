"""Damaged files of checkpoints: they are read as they were written, or refused."""

import numpy as np
import pytest

from sklearn_mogpe.training import checkpoints


def test_a_file_is_read_as_it_was_written_or_refused(tmp_path):
    rng, file = np.random.default_rng(0), tmp_path / "arrays.npz"
    arrays = {"model/.a": rng.normal(size=(3, 2)), "model/.b": np.ones(4), "finished": np.asarray(True)}
    checkpoints._try_to_write(file, arrays)
    content = file.read_bytes()
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            damaged[place] ^= 1 << rng.integers(8)
        file.write_bytes(damaged[: rng.integers(len(content))] if rng.uniform() < 0.1 else damaged)
        try:
            found = checkpoints._read(file)
        except checkpoints.DAMAGES:
            refused += 1
        else:
            assert found.keys() == arrays.keys()
            assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert refused > 200


def test_a_file_that_lacks_an_array_is_refused(tmp_path):
    """An archive's directory may be damaged so that it ends before."""
    checkpoints._try_to_write(tmp_path / "arrays.npz", {"a": np.ones(2), "b": np.ones(3)})
    with np.load(tmp_path / "arrays.npz") as archive:
        np.savez(tmp_path / "fewer.npz", a=archive["a"], names=archive["names"])
    with pytest.raises(ValueError, match=r"expected the arrays \['a', 'b'\], got \['a'\]"):
        checkpoints._read(tmp_path / "fewer.npz")
