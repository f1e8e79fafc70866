"""Which device to compute on."""

import warnings

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
