"""Scores of fitted estimators, for scikit-learn's searches."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..predictive import gaussian_mixture
from ..predictive.arrays import Array, Mixture
from ..predictive.predictor import MixturePredictorMixin
from ..predictive.unwrap import unwrap
from .scores import as_columns, crps, interval_coverage, interval_score, nlpd


def neg_nlpd(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Scorer: the mean log predictive density, that is minus `nlpd`.

    Parameters
    ----------
    estimator : fitted estimator
        A `MoGPERegressor`; a regressor whose ``predict`` knows ``return_std``, taken as Gaussian with that
        standard deviation, which has to contain the noise; a pipeline that ends in one of these; or a search
        over one, with ``refit``.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Greater is better.

    Raises
    ------
    TypeError
        If the estimator has no predictive density that is known here.

    Examples
    --------
    >>> from sklearn.linear_model import BayesianRidge
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_mogpe.datasets import make_step
    >>> from sklearn_mogpe.metrics import neg_nlpd
    >>> X, y = make_step(random_state=0)
    >>> cross_val_score(BayesianRidge(), X, y, scoring=neg_nlpd, cv=3).round(2)
    array([-1.03, -1.04, -1.23])
    """
    return -nlpd(y, *_predictive_mixture(estimator, X), sample_weight=sample_weight)


def neg_crps(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Scorer: minus `crps`.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None

    Returns
    -------
    float
        Greater is better.
    """
    return -crps(y, *_predictive_mixture(estimator, X), sample_weight=sample_weight)


def neg_interval_score(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    coverage: float = 0.9,
) -> float:
    """Scorer: minus the `interval_score` of central intervals.

    Another coverage is chosen by ``functools.partial(neg_interval_score, coverage=0.5)``.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None
    coverage : float, default=0.9
        Strictly between 0 and 1.

    Returns
    -------
    float
        Greater is better.
    """
    bounds = _predictive_interval(estimator, X, coverage)
    return -interval_score(y, *bounds, coverage=coverage, sample_weight=sample_weight)


def observed_coverage(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    coverage: float = 0.9,
) -> float:
    """Scorer: the part of y that lies in central intervals. To look at, not to search by.

    It should be near ``coverage``: greater is not better. Intervals that are the same at every input, and so
    of little use, can have it right. Another coverage is chosen by
    ``functools.partial(observed_coverage, coverage=0.5)``.

    Parameters
    ----------
    estimator : fitted estimator
        As for `neg_nlpd`.
    X : array-like of shape (n, n_features)
    y : array-like of shape (n,) or (n, P)
    sample_weight : array-like of shape (n,), default=None
    coverage : float, default=0.9
        Strictly between 0 and 1.

    Returns
    -------
    float
        Between 0 and 1; the mean over outputs.
    """
    bounds = _predictive_interval(estimator, X, coverage)
    return interval_coverage(y, *bounds, sample_weight=sample_weight)


def _predictive_mixture(estimator: Any, X: Any) -> Mixture:
    """Weights (n, K), and means and standard deviations (n, K, P) in units of y."""
    check_is_fitted(estimator)
    estimator, X = unwrap(estimator, X)
    check_is_fitted(estimator)
    if isinstance(estimator, MixturePredictorMixin):
        return estimator.predict_mixture(X)
    predict = getattr(estimator, "predict", None)
    if predict is not None and "return_std" in signature(predict).parameters:
        mean, std = (as_columns(part, "the prediction") for part in predict(X, return_std=True))
        return np.ones((len(mean), 1)), mean[:, None], std[:, None]
    raise TypeError(
        "Expected a MoGPERegressor, a regressor whose predict knows return_std, a pipeline that ends in one, "
        f"or a search over one with refit; got {type(estimator).__name__}, whose predictive density is not "
        "known. Try one of these; in place of a TransformedTargetRegressor, transform y before the fit and "
        "score in the transformed units."
    )


def _predictive_interval(estimator: Any, X: Any, coverage: float) -> tuple[Array, Array]:
    """Bounds (n, P) of the central interval of each output."""
    tail = gaussian_mixture.tail(coverage)
    mixture = _predictive_mixture(estimator, X)
    return gaussian_mixture.interval(tail, *mixture)
