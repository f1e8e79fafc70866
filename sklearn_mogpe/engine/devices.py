"""Which device to compute on, how much of its memory to take, and how many threads to use."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import tensorflow as tf
from threadpoolctl import ThreadpoolController

from ..gps.tensorflow_start import without_start_lines


def check_device(name: str) -> str:
    """Return the full name of a device that is here; TensorFlow would quietly replace an absent one.

    Parameters
    ----------
    name : str
        Such as ``"/CPU:0"``, ``"cpu:0"`` or ``"/device:CPU:0"``; ``"auto"`` is the first GPU, or the CPU if
        there is none.

    Returns
    -------
    str
        Such as ``"/CPU:0"``.

    Raises
    ------
    ValueError
        If this machine has no such device.
    """
    if name == "auto":
        return _default_device()
    full = "/" + name.removeprefix("/").removeprefix("device:").upper()
    if full not in _device_names():
        raise ValueError(f'Expected "auto" or one of {_device_names()} as device, got {name!r}.')
    return full


def device_or_auto(name: str) -> str:
    """Return the full name of a device if it is here, otherwise that of ``"auto"``, with a warning.

    A model that was fitted on one machine may be opened on another.
    """
    try:
        return check_device(name)
    except ValueError:
        warnings.warn(
            f"The device {name!r} is not on this machine, which has {_device_names()}; predicting with "
            'device="auto".',
            RuntimeWarning,
            stacklevel=2,
        )
        return _default_device()


def _default_device():
    names = _device_names()
    return next((name for name in names if name.startswith("/GPU:")), names[0])


def _device_names():
    # In a cluster they are called by their process first, and those of this process come first.
    return ["/" + device.name.rpartition("/device:")[2] for device in tf.config.list_logical_devices()]


def describe_device(name: str) -> str:
    """A device's name, and the number of threads if it is a CPU."""
    if not name.startswith("/CPU:"):
        return name
    threads = tf.config.threading.get_intra_op_parallelism_threads() or _n_cores()  # 0 is all
    return f"{name}, {threads} thread{'s' * (threads > 1)}"


def _n_cores():
    """Cores that this process may use, as far as the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@cache
def _thread_pools():
    return ThreadpoolController()


def one_thread():
    """Let NumPy, SciPy and scikit-learn use one thread in this context.

    For small problems more are slower, and far slower on cores that others keep busy. TensorFlow has threads
    of its own.
    """
    return _thread_pools().limit(limits=1)


def limit_threads() -> None:
    """Let TensorFlow use no more threads than ``OMP_NUM_THREADS`` says, if that is set.

    joblib sets it in its workers, so that together they use each core once. Once TensorFlow has begun to
    compute, its threads are there, and this does nothing.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit() and int(limit) > 0:
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(int(limit))
            tf.config.threading.set_inter_op_parallelism_threads(int(limit))


@cache
def start_devices() -> None:
    """Start TensorFlow's devices, of which it tells on the standard error."""
    with without_start_lines():
        tf.transpose(tf.zeros([1, 2], tf.int32))  # the first of this kind is told of


@contextmanager
def telling_of_memory() -> Iterator[None]:
    """Make TensorFlow's errors of too little memory Python's, which say what to do."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            f"TensorFlow could not allocate memory: {error.message.splitlines()[0]}. Try fewer inducing "
            'points (n_inducing), mini-batches (solver="natgrad", batch_size=1024), or device="cpu".'
        ) from error


def let_memory_grow() -> None:
    """Let TensorFlow take memory of GPUs as it needs it, not all at once, so that processes can share them.

    If the user has set up the memory of a GPU, or TensorFlow has started its devices, this does nothing.
    """
    gpus = tf.config.get_visible_devices("GPU")
    # TensorFlow wants the same of all GPUs, so one that is set up decides for the others.
    if any(_is_set_up(gpu) for gpu in gpus):
        return
    with suppress(RuntimeError):
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)


def _is_set_up(gpu):
    grows = tf.config.experimental.get_memory_growth(gpu)  # None as long as nobody has said
    return grows is not None or tf.config.get_logical_device_configuration(gpu) is not None
