"""Questions about the latent functions behind a fitted mixture."""

from __future__ import annotations

import abc
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..data.isolation import isolated
from ..predictive import joint_gaussian
from ..predictive.arrays import Array
from ..predictive.predictor import MixturePredictorMixin


@isolated
class LatentFunctionsMixin(MixturePredictorMixin):
    """The functions of experts and gate: their moments, and draws of the experts'."""

    @abc.abstractmethod
    def _query(self, X: Any) -> tuple[Any, ...]:
        """What the functions that predict ask for."""

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

    def predict_function_covariance(self, X: ArrayLike) -> Array:
        """Joint covariance over the rows of X of each expert's latent function.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            At most 5000 rows.

        Returns
        -------
        array of shape (n_experts, n, n) or (n_experts, n_outputs, n, n)
            In squared units of y. The diagonals are the squares of the standard deviations of
            :meth:`predict_latent_functions`. Functions of different experts and outputs are independent.

        Raises
        ------
        ValueError
            If there are more rows, or if an expert is of another class than
            :class:`~sklearn_mogpe.experts.SVGPExpert`.
        """
        query = self._query(X)
        from ..engine.predictions import predict_joint_functions

        covariance = predict_joint_functions(*query)[1]
        return covariance[:, 0] if self._flat_output else covariance

    def sample_functions(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Draw the experts' latent functions, each draw one function over all rows of X.

        Unlike :meth:`sample_y`, which draws each row by itself, noise included. What is drawn are values over
        these rows: another call, with more rows or others, draws other functions.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            At most 5000 rows.
        n_samples : int, default=1
            Number of draws.
        random_state : int, RandomState instance or None, default=0
            An int gives the same draws at every call.

        Returns
        -------
        array of shape (n, n_experts, n_samples) or (n, n_experts, n_outputs, n_samples)
            In units of y.

        Raises
        ------
        ValueError
            If there are more rows, or if an expert is of another class than
            :class:`~sklearn_mogpe.experts.SVGPExpert`.
        """
        query = self._query(X)
        from ..engine.predictions import predict_joint_functions

        mean, covariance = predict_joint_functions(*query)
        draws = joint_gaussian.sample(n_samples, mean, covariance, check_random_state(random_state))
        return draws[:, :, 0] if self._flat_output else draws

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
            They have no units.
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
