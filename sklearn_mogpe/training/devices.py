"""Which device to compute on, and how many threads to use."""

import os
import warnings
from contextlib import suppress

import tensorflow as tf


def check_device(name: str) -> str:
    """Return a device's name, or ``"auto"``, as it is; TensorFlow would quietly replace an absent one.

    Raises
    ------
    ValueError
        If this machine has no such device.
    """
    if not _is_here(name):
        raise ValueError(f'Expected "auto" or one of {_device_names()} as device, got {name!r}.')
    return name


def device_or_auto(name: str) -> str:
    """Return the name of a device if it is there, otherwise ``"auto"``, with a warning.

    A model that was fitted on one machine may be opened on another.
    """
    if _is_here(name):
        return name
    warnings.warn(
        f"The device {name!r} is not on this machine, which has {_device_names()}; predicting with "
        'device="auto".',
        RuntimeWarning,
        stacklevel=2,
    )
    return "auto"


def _is_here(name):
    return name == "auto" or "/" + name.removeprefix("/").removeprefix("device:").upper() in _device_names()


def _device_names():
    return ["/" + device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]


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
