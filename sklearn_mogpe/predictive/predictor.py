"""Predictions of an estimator whose predictive density is a Gaussian mixture in each row."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length, check_random_state

from ..data.isolation import isolated
from ..data.numeric import check_numeric
from . import gaussian_mixture
from .arrays import Array, Mixture
from .quadrature import gauss_hermite


@isolated
class MixturePredictorMixin(abc.ABC):
    """All that follows from the components of the predictive density.

    An estimator gives :meth:`predict_mixture` and the attributes ``n_experts_``, ``n_outputs_`` and
    ``_flat_output`` (whether y was one-dimensional). An expert may have several components, which then have
    one mean, and weights that are the same parts of the expert's everywhere.
    """

    n_experts_: int
    n_outputs_: int
    _flat_output: bool

    @abc.abstractmethod
    def predict_mixture(self, X: ArrayLike) -> Mixture:
        """Weights (n, C), and means and standard deviations (n, C, P) in units of y, of Gaussians at X.

        Experts stand one after another, each with C / K components.
        """

    def predict(self, X: ArrayLike, return_std: bool = False, return_mixing_proba: bool = False) -> Any:
        """Mean of y at X.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        return_std : bool, default=False
            Also return the standard deviation, which includes noise and the spread between experts.
        return_mixing_proba : bool, default=False
            Also return the mixing probabilities.

        Returns
        -------
        mean : array of shape (n,) or (n, n_outputs)
            In units of y.
        std : array of the same shape
            If asked for.
        mixing_proba : array of shape (n, n_experts)
            If asked for.
        """
        weights, means, stds = self.predict_mixture(X)
        result = [self._shaped(gaussian_mixture.mean(weights, means))]
        if return_std:
            result.append(self._shaped(gaussian_mixture.std(weights, means, stds)))
        if return_mixing_proba:
            result.append(gaussian_mixture.of_experts(weights, self.n_experts_))
        return tuple(result) if len(result) > 1 else result[0]

    def predict_mixing_proba(self, X: ArrayLike) -> Array:
        """Probability of each expert at X.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        array of shape (n, n_experts)
            Rows sum to one.
        """
        return gaussian_mixture.of_experts(self.predict_mixture(X)[0], self.n_experts_)

    def predict_experts(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean of y at X according to each expert.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        return_std : bool, default=False
            Also return the standard deviations, noise included.

        Returns
        -------
        means : array of shape (n, n_experts) or (n, n_experts, n_outputs)
            In units of y.
        stds : array of the same shape
            If asked for.
        """
        _, means, stds = self.predict_mixture(X)
        means, stds = self._by_expert(means)[:, :, 0], self._by_expert(stds)
        # Of the components of an expert, the mean of the variances.
        parts = gauss_hermite(stds.shape[2])[1]
        stds = stds[:, :, 0] if len(parts) == 1 else np.sqrt(np.einsum("nkjp,j->nkp", stds**2, parts))
        return (self._shaped(means), self._shaped(stds)) if return_std else self._shaped(means)

    def predict_responsibilities(self, X: ArrayLike, y: ArrayLike) -> Array:
        """Probability that each expert spoke, given what was observed.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs)

        Returns
        -------
        array of shape (n, n_experts)
            ``p(alpha = k | x, y)``; rows sum to one.
        """
        mixture = self.predict_mixture(X)
        joint = gaussian_mixture.responsibilities(self._check_y(y, X), *mixture)
        return gaussian_mixture.of_experts(joint, self.n_experts_)

    def predict_quantile(self, X: ArrayLike, q: ArrayLike) -> Array:
        """Quantiles of the predictive density of each output.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        q : float or array-like of shape (n_levels,)
            Levels between 0 and 1, exclusive; maybe none.

        Returns
        -------
        array of shape (n,) or (n, n_outputs)
            In units of y. With one more axis, of length n_levels, at the end if ``q`` is not a number.

        Raises
        ------
        ValueError
            If a level is not strictly between 0 and 1.
        """
        levels = gaussian_mixture.probabilities(q, "q")
        return self._quantiles(levels, *self.predict_mixture(X))

    def predict_interval(self, X: ArrayLike, coverage: ArrayLike = 0.9) -> tuple[Array, Array]:
        """Central interval that holds y with the given probability, for each output.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        coverage : float or array-like of shape (n_intervals,), default=0.9
            Between 0 and 1, exclusive; as much probability lies below the interval as above.

        Returns
        -------
        lower, upper : arrays of shape (n,) or (n, n_outputs)
            In units of y. With one more axis, of length n_intervals, at the end if ``coverage`` is not a
            number.

        Raises
        ------
        ValueError
            If a coverage is not strictly between 0 and 1.
        """
        tails = gaussian_mixture.tail(coverage, max_ndim=1)
        weights, means, stds = self.predict_mixture(X)
        return self._quantiles(tails, weights, means, stds), -self._quantiles(tails, weights, -means, stds)

    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Log density of y at X, the outputs jointly.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs), default=None
            None stands for an observation that is still to come.

        Returns
        -------
        array of shape (n,)
            ``log p(y | x)``, in nats, for y in its own units. Without y, what the model itself expects of
            it, ``E log p(y | x)`` over ``y ~ p(y | x)``, the negative entropy of the predictive density: a
            calibrated model scores on average as it expects to.
        """
        mixture = self.predict_mixture(X)
        if y is None:
            return gaussian_mixture.expected_log_density(*mixture, self.n_experts_)
        return gaussian_mixture.log_density(self._check_y(y, X), *mixture)

    def sample_y(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Draw from the predictive density, independently for each row.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, default=1
            Number of draws for each row.
        random_state : int, RandomState instance or None, default=0
            An int gives the same draws at every call.

        Returns
        -------
        array of shape (n, n_samples) or (n, n_outputs, n_samples)
            In units of y.
        """
        mixture = self.predict_mixture(X)
        draws = gaussian_mixture.sample(n_samples, *mixture, check_random_state(random_state))
        return draws[:, 0] if self._flat_output else draws

    def _quantiles(self, levels: Array, weights: Array, means: Array, stds: Array) -> Array:
        """Of one level or of several, in a last axis."""
        n, _, P = means.shape
        result = np.empty((n, P, levels.size))
        for i, level in enumerate(levels.ravel()):
            result[:, :, i] = gaussian_mixture.quantile(level, weights, means, stds)
        result = result[:, 0] if self._flat_output else result
        return result[..., 0] if levels.ndim == 0 else result

    def _by_expert(self, values: Array) -> Array:
        """Values of components (n, C, ...) as (n, K, J, ...), of the J components of each expert."""
        return values.reshape(len(values), self.n_experts_, -1, *values.shape[2:])

    def _shaped(self, values: Array) -> Array:
        """Drop the last axis, of the outputs, if y had none."""
        return values[..., 0] if self._flat_output else values

    def _check_y(self, y: Any, X: Any) -> Array:
        check_numeric(y, "y")
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(X, y)
        y = y[:, None] if y.ndim == 1 else y
        if y.ndim != 2 or y.shape[1] != self.n_outputs_:
            raise ValueError(f"Expected y with {self.n_outputs_} outputs, as in fit, got shape {y.shape}.")
        return y
