"""What this package takes of scikit-learn that is not public, or experimental, all of it; by public names."""

import sklearn

try:
    from sklearn.base import _fit_context as fit_context
    from sklearn.utils._param_validation import HasMethods as HasMethods
    from sklearn.utils._param_validation import Interval as Interval
    from sklearn.utils._param_validation import StrOptions as StrOptions
    from sklearn.utils._param_validation import validate_parameter_constraints
    from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
except ImportError as error:
    raise ImportError(
        f"Expected scikit-learn 1.6 to 1.9, got {sklearn.__version__}, which no longer has what is taken of "
        f"those ({error}). Install one of them, or a newer sklearn_mogpe."
    ) from error

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
except ImportError:  # scikit-learn below 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Has no callbacks: those need scikit-learn 1.9."""


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_feature_names_in",
    "fit_context",
    "validate_parameter_constraints",
]
