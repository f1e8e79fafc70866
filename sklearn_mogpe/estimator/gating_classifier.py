"""The gate of a fitted mixture as a classifier of inputs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ..data.isolation import isolated
from ..predictive.arrays import Array

NOT_FITTED = (
    "Expected a fitted %(name)s in this GatingClassifier, got one that is not; its own fit learns nothing. "
    "A clone, such as meta-estimators make, has forgotten the fit: hand them FrozenEstimator(model.gating_), "
    "of sklearn.frozen."
)


@isolated
class GatingClassifier(ClassifierMixin, BaseEstimator):
    """Says which expert speaks at an input; the ``gating_`` of a fitted :class:`MoGPERegressor`.

    Its parameters were learnt together with the experts', so that ``fit`` learns nothing. A clone has
    forgotten them: inside of a meta-estimator put it into a :class:`~sklearn.frozen.FrozenEstimator`.

    Parameters
    ----------
    regressor : MoGPERegressor
        Fitted.

    Attributes
    ----------
    classes_ : array of shape (n_experts,)
        The experts' numbers, from 0.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features,)
        If the regressor was fitted on a table.
    """

    def __init__(self, regressor: Any):
        self.regressor = regressor

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Check that the regressor is fitted, and change nothing.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Not looked at.
        y : array-like of shape (n,), default=None
            Not looked at.

        Returns
        -------
        self
        """
        check_is_fitted(self.regressor, msg=NOT_FITTED)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the regressor is fitted."""
        check_is_fitted(self.regressor, msg=NOT_FITTED)
        return True

    @property
    def classes_(self) -> Array:
        """The experts' numbers, from 0, of shape (n_experts,)."""
        check_is_fitted(self)
        return np.arange(self.regressor.n_experts_)

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in fit."""
        return self.regressor.n_features_in_

    @property
    def feature_names_in_(self) -> Array:
        """Names of the features seen in fit, of shape (n_features,)."""
        return self.regressor.feature_names_in_

    def predict_proba(self, X: ArrayLike) -> Array:
        """Mixing probabilities at X (n, n_features), of shape (n, n_experts)."""
        check_is_fitted(self)
        return self.regressor.predict_mixing_proba(X)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithms of the mixing probabilities at X (n, n_features), of shape (n, n_experts)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> Array:
        """The most probable expert at X (n, n_features), of shape (n,)."""
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]
