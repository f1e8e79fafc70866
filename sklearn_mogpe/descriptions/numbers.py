"""Numbers and nested lists of them."""

import reprlib
from collections.abc import Sequence

import numpy as np

from .errors import ConfigurationError

Shapes = Sequence[tuple[int | None, ...]]


def numbers(value, shapes: Shapes = ((),), *, above: float | None = None) -> np.ndarray:
    """Return a number or nested lists as an array of one of some shapes.

    Parameters
    ----------
    value : number, nested lists of numbers, or array
    shapes : sequence of tuple, default=((),)
        None in a shape is any length.
    above : float, default=None
        Which each number must be larger than.

    Raises
    ------
    ConfigurationError
        If it has none of the shapes, or holds anything but finite numbers that are large enough.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    is_number = array.size > 0 and array.dtype.kind in "iuf" and np.all(np.isfinite(array))
    if (
        is_number
        and any(_matches(array.shape, shape) for shape in shapes)
        and (above is None or np.all(array > above))
    ):
        return array.astype(float)
    kind = "number" if above is None else "positive number" if above == 0.0 else f"number above {above:g}"
    words = dict.fromkeys(_in_words(shape, kind) for shape in shapes)
    raise ConfigurationError(f"expected {' or '.join(words)}, got {reprlib.repr(value)}")


def _matches(shape, wanted):
    return len(shape) == len(wanted) and all(n in (m, None) for m, n in zip(shape, wanted, strict=True))


def _in_words(shape, kind):
    if not shape:
        return f"a {kind}"
    lengths = " of ".join("lists" if n is None else f"{n} lists" for n in shape[:-1])
    of = f"{kind}s" if shape[-1] is None else f"{shape[-1]} {kind}{'s' * (shape[-1] > 1)}"
    return f"{lengths} of {of}" if lengths else f"a list of {of}"
