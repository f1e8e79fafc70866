"""TensorFlow's start, quick and without a word: every room that needs TensorFlow imports this first.

Importing TensorFlow, TensorFlow Probability and GPflow makes millions of objects that stay, which Python's
garbage collector would look through time and again; it also writes some ten lines about the machine to the
standard error, past Python's logging and warnings, and warns of what is deprecated in its own parts.
"""

import atexit
import gc
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# What TensorFlow says of the processor, of missing GPUs and of its own logging when it starts.
START_LINES = re.compile(
    rb"(WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|To enable the following instructions: .*"
    rb"|(\d{4}-\d\d-\d\d \S+: [IWE]|[IWE]\d{4}) .*\b"
    rb"(port|cudart_stub|cpu_feature_guard|cuda_\w+|computation_placer|py_utils|util)\.cc:\d+\] .*)\n+"
)

STDERR = 2
LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_stderr_lock = threading.RLock()


@contextmanager
def no_collections() -> Iterator[None]:
    """Collect no garbage meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def without_start_lines() -> Iterator[None]:
    """Keep :data:`START_LINES` from the standard error; whatever else is written comes when this ends.

    With ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment, all is written.
    """
    if os.environ.get(LEVEL) == "0" or not _has_stderr():
        yield
        return
    with _stderr_lock, tempfile.TemporaryFile() as written:
        original = os.dup(STDERR)
        os.dup2(written.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(original, STDERR)
            os.close(original)
            written.seek(0)
            os.write(STDERR, START_LINES.sub(b"", written.read()))


@contextmanager
def only_errors() -> Iterator[None]:
    """Let TensorFlow's C++ parts log errors alone, unless the environment says otherwise; they ask it once.

    That a factorisation fails is a warning of theirs, and is dealt with here.
    """
    if LEVEL in os.environ:
        yield
        return
    os.environ[LEVEL] = "2"
    try:
        yield
    finally:
        del os.environ[LEVEL]


def _has_stderr() -> bool:
    try:
        os.fstat(STDERR)
    except OSError:
        return False
    return True


with no_collections(), without_start_lines(), only_errors(), warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*invalid escape sequence")  # of docstrings, when they are compiled
    warnings.filterwarnings("ignore", "distutils Version classes are deprecated", DeprecationWarning)
    import gpflow  # noqa: F401
    import tensorflow  # noqa: F401
    import tensorflow_probability  # noqa: F401

# A process that ends would look through all of it twice more.
atexit.register(gc.freeze)
