"""What a fitted estimator is: a state of plain arrays, and all that is made of it when asked for."""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted, validate_data

from ..data import fitted_state
from ..data.rows import Scales
from ..predictive.arrays import Array, Mixture
from ..predictive.predictor import MixturePredictorMixin
from .gating_classifier import GatingClassifier

# Models that were asked for, outside the estimators, which hold NumPy arrays and plain Python only.
_models: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_models_lock = threading.Lock()


class FittedModelMixin(MixturePredictorMixin):
    """Predictions, the model and its parts from ``_state``, see :mod:`sklearn_mogpe.data.fitted_state`."""

    _state: dict[str, Any]
    device: str
    n_experts_: int
    n_features_in_: int
    n_inducing_: int

    @property
    def _structure(self) -> Any:
        from ..engine.structure import Structure

        return Structure(**self._state["structure"])

    def predict_mixture(self, X: ArrayLike) -> Mixture:
        """Weights, means and standard deviations of the predictive density's Gaussian components at X.

        All other predictions follow from them.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        weights : array of shape (n, n_experts)
            Mixing probabilities, which sum to one.
        means, stds : arrays of shape (n, n_experts, n_outputs)
            Of y given each expert, noise included, in units of y.
        """
        query = self._query(X)
        from ..engine.predictions import predict_mixture

        return predict_mixture(*query)

    def _query(self, X: Any) -> tuple[Any, Any, Scales, Array]:
        """What the functions that predict ask for: structure, parameters, scales, and X, checked."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))

        from ..engine.devices import device_or_auto  # imports TensorFlow, which takes seconds

        structure = replace(self._structure, device=device_or_auto(self.device))
        return structure, self._state["parameters"], fitted_state.scales(self._state), X

    @property
    def _flat_output(self) -> bool:  # type: ignore[override]  # is read from the state, never set
        return self._state["flat_output"]

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)  # type: ignore[misc]  # that of BaseEstimator
        if hasattr(self, "_state"):
            fitted_state.check(self._state)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    @property
    def experts_(self) -> list[dict[str, Array]]:
        """What each expert has learnt, in the units of X and y; see the class."""
        check_is_fitted(self)
        from ..engine.predictions import describe_experts

        return describe_experts(self.model_, fitted_state.scales(self._state))

    @property
    def inducing_inputs_(self) -> list[Array]:
        """Inducing inputs (n_inducing, n_features) of each expert, then of the gate, in the units of X."""
        check_is_fitted(self)
        scaler = fitted_state.scales(self._state).X
        return [scaler.inverse_transform(Z) for Z in self.model_.inducing_inputs]

    @property
    def gating_(self) -> GatingClassifier:
        """The gating network as a classifier of inputs."""
        check_is_fitted(self)
        return GatingClassifier(self)

    @property
    def model_(self) -> Any:
        """The GPflow model, a :class:`~sklearn_mogpe.mixture_of_experts.MixtureOfSVGPExperts`.

        With experts or a gate of one's own, a :class:`~sklearn_mogpe.mixture_of_experts.MixtureOfExperts`.
        Made from the fitted state when first asked for. It lives in standardised units; changing it does not
        change the estimator.
        """
        check_is_fitted(self)
        with _models_lock:
            state, model = _models.get(self, (None, None))
            if state is not self._state:
                from ..engine.predictions import build_model

                sizes = self.n_features_in_, self.n_inducing_
                model = build_model(self._structure, self._state["parameters"], *sizes)
                _models[self] = self._state, model
            return model

    def predict_latent_functions(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean of the experts' latent functions at X.

        Each expert's y is its function plus noise: so the means are those of :meth:`predict_experts`, but the
        standard deviations leave out the noise.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        return_std : bool, default=False
            Also return the standard deviations.

        Returns
        -------
        means : array of shape (n, n_experts) or (n, n_experts, n_outputs)
            In units of y.
        stds : array of the same shape
            If asked for.
        """
        query = self._query(X)
        from ..engine.predictions import predict_latent_functions

        means, stds = map(self._shaped, predict_latent_functions(*query))
        return (means, stds) if return_std else means

    def predict_gating_functions(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean of the gate's latent functions at X.

        Of two experts, there is one function h, and the first expert has probability ``Phi(h)``. Of K > 2,
        there are K, and the probabilities are their softmax. The mixing probabilities average over what is
        not known of the functions.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        return_std : bool, default=False
            Also return the standard deviations.

        Returns
        -------
        means : array of shape (n, n_functions)
        stds : array of the same shape
            If asked for.

        Raises
        ------
        ValueError
            If there is only one expert, and so no gate.
        """
        check_is_fitted(self)
        if self.n_experts_ == 1:
            raise ValueError("Expected at least two experts, got one, which has no gate; try n_experts=2.")
        query = self._query(X)
        from ..engine.predictions import predict_gating_functions

        means, stds = predict_gating_functions(*query)
        return (means, stds) if return_std else means

    def predict_derivatives(self, X: ArrayLike) -> tuple[Array, Array]:
        """Derivatives of the mean and of the variance of y by the features.

        They are exact, those of what :meth:`predict` returns: of the mean, and of the square of the standard
        deviation, which includes noise and the spread between experts.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        mean : array of shape (n, n_features) or (n, n_outputs, n_features)
            In units of y by units of X.
        variance : array of the same shape
            In squared units of y by units of X.

        Notes
        -----
        With ``kernel="matern12"`` mean and variance have kinks at the inducing inputs. There the middle
        between the slopes on both sides is returned.
        """
        query = self._query(X)
        from ..engine.predictions import predict_derivatives

        mean, variance = predict_derivatives(*query)
        return (mean[:, 0], variance[:, 0]) if self._flat_output else (mean, variance)

    def export_saved_model(self, path: str | PathLike[str]) -> None:
        """Write a TensorFlow SavedModel, which predicts without this package, GPflow or scikit-learn.

        It has the functions ``predict`` (also the signature ``serving_default``), ``predict_mixture``,
        ``predict_mixing_proba`` and ``predict_quantile``, as signatures and as attributes of what
        ``tf.saved_model.load`` gives, see :func:`sklearn_mogpe.engine.export.served_functions`. They take
        and return double precision, in the units of X and y, and all have an axis of outputs.

        Parameters
        ----------
        path : path-like
            A directory, which is made; what an earlier export has left there is written over.

        Raises
        ------
        NotFittedError
            If the model was not fitted.
        """
        check_is_fitted(self)
        from ..engine.export import export_saved_model

        names = [str(name) for name in self.feature_names_in_] if hasattr(self, "feature_names_in_") else None
        parameters, scales = self._state["parameters"], fitted_state.scales(self._state)
        export_saved_model(self._structure, parameters, scales, self.n_inducing_, names, path)
