"""What a fit leaves behind: plain arrays and numbers, sealed, and checked when they come back from a file."""

import hashlib

import numpy as np

from .rows import Scaler, Scales

# Raised whenever the meaning of a state's entries changes.
FORMAT = 1


def make(structure: dict, parameters: dict, n_rows: int, scales: Scales, flat_output: bool) -> dict:
    """Make a fitted state, with the version of its format and a checksum.

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
    state = {
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
    return {**state, "checksum": _checksum(state)}


def scales(state: dict) -> Scales:
    """The scales in a fitted state."""
    return Scales(Scaler(state["x_mean"], state["x_scale"]), Scaler(state["y_mean"], state["y_scale"]))


def check(state: dict) -> None:
    """Make sure that a state is as it was when it was sealed.

    Raises
    ------
    ValueError
        If it has a newer format than this version knows, or was changed since.
    """
    version = state.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(
            f"Expected a fitted state of format {FORMAT} or lower, got {version}: a newer version of "
            "sklearn_mogpe saved it. Load it with that version, or fit again."
        )
    if state.get("checksum") != _checksum(state):
        raise ValueError(
            "The fitted state is damaged: its values do not match their checksum. Load it from another copy, "
            "or fit again."
        )


def _checksum(state):
    digest = hashlib.sha256()
    for name, value in _leaves("", state):
        digest.update(f"{name}:{value.dtype}:{value.shape}:".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _leaves(path, value):
    """All that a state consists of, as arrays by their paths, but for callables: files only name those."""
    if isinstance(value, dict):
        for key in sorted(value.keys() - {"checksum"}):
            yield from _leaves(f"{path}/{key}", value[key])
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _leaves(f"{path}/{index}", part)
    elif not callable(value):
        yield path, np.asarray(value if isinstance(value, np.ndarray) else repr(value))
