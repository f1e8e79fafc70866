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
from ..data.isolation import isolated
from ..data.numeric import check_numeric
from ..data.rows import Scales
from ..predictive import gaussian_mixture
from ..predictive.arrays import Array, Mixture
from .gating_classifier import GatingClassifier
from .latent_functions import LatentFunctionsMixin

# Models that were asked for, outside the estimators, which hold NumPy arrays and plain Python only.
_models: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_models_lock = threading.Lock()


@isolated
class FittedModelMixin(LatentFunctionsMixin):
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
        weights : array of shape (n, n_components)
            Which sum to one. With ``noise="constant"`` there is one component for each expert, and the
            weights are the mixing probabilities. With ``noise="varying"`` an expert's density is itself a
            mixture, as its noise is not known for sure: there are seven components for each expert, one
            expert's after another's, and their weights' sums are the mixing probabilities.
        means, stds : arrays of shape (n, n_components, n_outputs)
            Of y given each component, noise included, in units of y.
        """
        query = self._query(X)
        from ..engine.predictions import predict_mixture

        return predict_mixture(*query)

    def _query(self, X: Any) -> tuple[Any, Any, Scales, Array]:
        """What the functions that predict ask for: structure, parameters, scales, and X, checked."""
        check_is_fitted(self)
        check_numeric(X, "X")
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))

        from ..engine.devices import device_or_auto  # imports TensorFlow, which takes seconds

        structure = replace(self._structure, device=device_or_auto(self.device))
        return structure, self._state["parameters"], fitted_state.scales(self._state), X

    @property
    def _flat_output(self) -> bool:  # type: ignore[override]  # is read from the state, never set
        return self._state["flat_output"]

    def __getstate__(self) -> dict[str, Any]:
        return fitted_state.sealed(super().__getstate__())  # type: ignore[arg-type]  # that of BaseEstimator

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(fitted_state.unsealed(state))  # type: ignore[misc]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    @property
    def experts_(self) -> list[dict[str, Array]]:
        """What each expert has learnt, in the units of X and y, of the shapes that the class tells."""
        check_is_fitted(self)
        from ..engine.predictions import describe_experts

        return describe_experts(self.model_, fitted_state.scales(self._state))

    @property
    def inducing_inputs_(self) -> list[Array]:
        """Inducing inputs, each of shape (n_inducing, n_features), of experts, then gate, in units of X."""
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

    def predict_noise(self, X: ArrayLike) -> Array:
        """Standard deviation of each expert's noise at X.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        array of shape (n, n_experts) or (n, n_experts, n_outputs)
            In units of y: the root of the mean variance, where the noise is not known for sure.
        """
        query = self._query(X)
        from ..engine.predictions import predict_variances

        return self._shaped(np.sqrt(predict_variances(*query)[3]))

    def predict_variance_parts(self, X: ArrayLike) -> tuple[Array, Array, Array]:
        """What the variance of y at X is made of: noise, doubt about the functions, and choice of the expert.

        Their sum is the square of the standard deviation that :meth:`predict` returns. Without the noise it
        is the variance of the noise-free y, which surrogate models and active learning ask for.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        noise : array of shape (n,) or (n, n_outputs)
            Mean over the experts of their noise variances, in squared units of y. More rows do not lower it.
        functions : array of the same shape
            Mean over the experts of the variances of their latent functions, which more rows here lower.
        experts : array of the same shape
            Variance of the experts' means: they differ, and it is not known which one speaks.
        """
        query = self._query(X)
        from ..engine.predictions import predict_variances

        weights, means, functions, noises = predict_variances(*query)
        spread = means - gaussian_mixture.mean(weights, means)[:, None]
        parts = (gaussian_mixture.mean(weights, part) for part in (noises, functions, spread**2))
        noise, function, expert = map(self._shaped, parts)
        return noise, function, expert

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
            A directory, which is made; the place of an earlier export is taken all at once.

        Raises
        ------
        NotFittedError
            If the model was not fitted.
        FileExistsError
            If the directory holds anything else.
        """
        check_is_fitted(self)
        from ..engine.export import export_saved_model

        export_saved_model(*self._exported(), path)

    def export_onnx(self, path: str | PathLike[str], q: ArrayLike = ()) -> None:
        """Write an ONNX file, which predicts where neither TensorFlow nor this package is installed.

        It takes ``X`` (n, n_features), and gives ``mean``, ``variance`` (n, n_outputs), ``weights``
        (n, n_components), ``means``, ``stds`` (n, n_components, n_outputs), ``mixing_proba`` (n, n_experts)
        and, if there are levels, ``quantiles`` (n, n_outputs, n_levels): all in double precision, and in the
        units of X and y.

        Parameters
        ----------
        path : path-like
            A file; the place of an earlier one is taken all at once.
        q : float or array-like of shape (n_levels,), default=()
            Levels of the quantiles, between 0 and 1, exclusive.

        Raises
        ------
        NotFittedError
            If the model was not fitted.
        ImportError
            If the package ``onnx`` is not installed, which the extra ``onnx`` brings.
        ValueError
            If a level is not strictly between 0 and 1, or if a part has no formula here: a kernel other than
            ``"rbf"``, ``"matern12"``, ``"matern32"`` and ``"matern52"`` and their ``"_iso"``, a mean function
            that is neither constant nor linear, a noise variance that is a function, or experts or a gate of
            one's own. :meth:`export_saved_model` takes all these.

        Notes
        -----
        The operators are those of opset 18, which ONNX runtime has since version 1.14. Results are those
        of the estimator, but for its own rounding. A row of X with NaN or infinity gives NaN, since
        ONNX knows no errors.
        """
        check_is_fitted(self)
        from ..engine.onnx_export import export_onnx

        export_onnx(*self._exported(), path, q)

    def _exported(self) -> tuple[Any, Any, Scales, int, list[str] | None]:
        """What exports ask for: structure, parameters, scales, inducing points and features' names."""
        names = [str(name) for name in self.feature_names_in_] if hasattr(self, "feature_names_in_") else None
        scales = fitted_state.scales(self._state)
        return self._structure, self._state["parameters"], scales, self.n_inducing_, names
