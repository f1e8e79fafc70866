"""TensorFlow starts without a word, and what others write is not lost."""

import gc
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from sklearn_mogpe.gps.tensorflow_start import no_collections, without_start_lines

FIT = """
import gc
import os
import numpy as np
from sklearn_mogpe import MoGPERegressor
X = np.linspace(-3, 3, 30)[:, None]
MoGPERegressor(random_state=0, max_iter=2, init_params="kmeans").fit(X, np.sin(X[:, 0])).predict(X)
assert gc.isenabled()
assert "TF_CPP_MIN_LOG_LEVEL" not in os.environ
import tensorflow as tf
tf.linalg.cholesky(-np.eye(2))  # which fails, and is a warning of its C++ parts
"""

GPU = b"E0000 00:00:1795612226.29 7 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n"
OTHER = b"E0000 00:00:1795612226.29 7 bfc_allocator.cc:9] out of memory\nport.cc: a line of somebody else\n"


def test_a_fit_that_makes_warnings_errors_is_silent():
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-W", "error", "-c", FIT]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(("level", "expected"), [(None, OTHER), ("1", OTHER), ("0", GPU + OTHER)])
def test_only_what_tensorflow_says_when_it_starts_is_left_out(capfdbinary, monkeypatch, level, expected):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    with suppress(ImportError), without_start_lines(), without_start_lines():
        os.write(2, GPU + OTHER)
        raise ImportError
    os.write(2, b"after\n")
    assert capfdbinary.readouterr().err == expected + b"after\n"


@pytest.mark.slow
def test_without_a_standard_error():
    code = "import os; os.close(2); from sklearn_mogpe.gps.tensorflow_start import without_start_lines\n"
    code += "with without_start_lines(): print('fine')"
    result = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert result.stdout == "fine\n"


def test_collections_go_on_afterwards():
    with no_collections():
        assert not gc.isenabled()
        with no_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
