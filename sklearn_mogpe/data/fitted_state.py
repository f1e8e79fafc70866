"""What a fit leaves behind: plain arrays and numbers; sealed in files, and checked when they come back."""

import hashlib

import numpy as np

from .rows import Scaler, Scales

# Raised whenever the meaning of a state's entries changes.
FORMAT = 1

# Under which name a file has the checksum.
SEAL = "_seal"


def make(structure: dict, parameters: dict, n_rows: int, scales: Scales, flat_output: bool) -> dict:
    """Make a fitted state, with the version of its format.

    Parameters
    ----------
    structure : dict
        Of the model.
    parameters : dict of arrays
        Of the model, by their paths.
    n_rows : int
        Rows that the model has seen.
    scales : Scales
    flat_output : bool
        Whether y was one-dimensional.
    """
    return {
        "format": FORMAT,
        "structure": structure,
        "parameters": parameters,
        "n_rows": n_rows,
        "x_mean": scales.X.mean,
        "x_scale": scales.X.scale,
        "y_mean": scales.Y.mean,
        "y_scale": scales.Y.scale,
        "flat_output": flat_output,
    }


def scales(state: dict) -> Scales:
    """The scales in a fitted state."""
    return Scales(Scaler(state["x_mean"], state["x_scale"]), Scaler(state["y_mean"], state["y_scale"]))


def sealed(attributes: dict) -> dict:
    """All attributes of an estimator, fitted or not, and a checksum of them, for a file."""
    return {**attributes, SEAL: _checksum(attributes)}


def unsealed(attributes: dict) -> dict:
    """The attributes that were :func:`sealed`.

    Raises
    ------
    ValueError
        If the fitted state has a newer format than this version knows, or if anything was changed since.
    """
    version = attributes.get("_state", {}).get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(
            f"Expected a fitted state of format {FORMAT} or lower, got {version}: a newer version of "
            "sklearn_mogpe saved it. Load it with that version, or fit again."
        )
    rest = {name: value for name, value in attributes.items() if name != SEAL}
    if attributes.get(SEAL) != _checksum(rest):
        raise ValueError(
            "The saved estimator is damaged: its attributes do not match their checksum. Load it from "
            "another copy, or fit again."
        )
    return rest


def _checksum(attributes):
    digest = hashlib.sha256()
    for name, value in _leaves("", attributes):
        digest.update(f"{name}:{value.dtype}:{value.shape}:".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _leaves(path, value):
    """Numbers, strings and arrays of which attributes consist, as arrays by their paths.

    Of anything else, such as a function, files hold the name only.
    """
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(f"{path}/{key!r}", value[key])
    elif isinstance(value, list | tuple):
        yield path, np.asarray(f"{type(value).__name__} of {len(value)}")
        for index, part in enumerate(value):
            yield from _leaves(f"{path}/{index}", part)
    elif isinstance(value, np.ndarray | np.generic) and value.dtype == object:
        yield from _leaves(path, value.tolist())
    elif isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, np.generic):  # whose repr is another in NumPy 2
        yield path, np.asarray(value)
    elif value is None or isinstance(value, str | bytes | bool | int | float):
        yield path, np.asarray(repr(value))
