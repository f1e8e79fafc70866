"""Settings that a caller has made for a whole thread, and that ought not to change what is computed here."""

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from inspect import isfunction
from typing import TypeVar

import numpy as np
import sklearn

Part = TypeVar("Part")


def isolated(part: Part) -> Part:
    """Let a function, or all public methods of a class, run under usual settings of NumPy and scikit-learn.

    Densities far out underflow to zero as they should, where NumPy was told to raise errors; and the parts of
    scikit-learn that are used inside take and give NumPy's arrays. What it was told to check or not, holds.

    Parameters
    ----------
    part : function or type
    """
    if isinstance(part, type):
        for name, method in list(vars(part).items()):
            if isfunction(method) and not name.startswith("_"):
                setattr(part, name, isolated(method))
        return part

    @wraps(part)  # type: ignore[arg-type]
    def function(*args, **kwargs):
        with (
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            sklearn.config_context(array_api_dispatch=False, transform_output="default"),
        ):
            return part(*args, **kwargs)

    return function  # type: ignore[return-value]


def unrecorded() -> AbstractContextManager[None]:
    """Let parts of scikit-learn be fitted inside that MLflow does not record as models of the caller's.

    Its autologging replaces the methods of all estimators of scikit-learn.
    """
    mlflow = sys.modules.get("mlflow.utils.autologging_utils")
    return mlflow.disable_autologging() if mlflow else nullcontext()
