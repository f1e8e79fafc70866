"""What stands at the end of a chain of fitted estimators, and what reaches it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ..predictive.unwrap import unwrap

# Methods of a wrapper that are no predictions of its own beside those of the estimator inside.
NOT_ITS_OWN = {"predict_proba", "predict_log_proba"}

# How far two predictions may differ by rounding, as a part of the largest one.
SAME = 1e-6


class End(NamedTuple):
    """The regressor at the end of a chain, X as it gets there, and the transformers of y, outermost first."""

    regressor: Any
    X: Any
    transformers: list[Any]


def knows_mixture(estimator: Any) -> bool:
    """Whether it predicts a mixture, as a `MoGPERegressor` does."""
    return hasattr(estimator, "predict_mixture")


def knows_density(estimator: Any) -> bool:
    """Whether it predicts a mixture, or a standard deviation, which is taken as that of a Gaussian."""
    return knows_mixture(estimator) or _takes(estimator, "predict", "return_std")


def knows_intervals(estimator: Any) -> bool:
    """Whether it has a density, or intervals of any coverage."""
    return knows_density(estimator) or gives_intervals(estimator)


def gives_intervals(estimator: Any) -> bool:
    """Whether it has a ``predict_interval(X, coverage)``."""
    return _takes(estimator, "predict_interval", "coverage")


def follow(estimator: Any, X: Any, is_end: Callable[[Any], bool] = knows_density) -> End:
    """Go through a fitted chain to the regressor that predicts a density.

    Parameters
    ----------
    estimator : fitted estimator
        A pipeline, a search with refit, a `StackingRegressor` (to its final estimator), a
        `TransformedTargetRegressor`, a `FrozenEstimator`, one of skrub's learners or searches, or any other
        that holds an ``estimator_`` and predicts what this predicts; however nested.
    X : array-like of shape (n, n_features)
        What the outermost ``predict`` takes.
    is_end : callable, default=knows_density
        Whether an estimator is what is looked for.

    Returns
    -------
    End

    Raises
    ------
    NotFittedError
        If an estimator of the chain was not fitted.
    TypeError
        If the chain ends in something else, or goes on through an estimator that changes predictions.
    """
    transformers: list[Any] = []
    while True:
        check_is_fitted(estimator)
        estimator, X = unwrap(estimator, X)
        if not hasattr(estimator, "predict"):
            raise _unknown(estimator, "which does not predict")
        check_is_fitted(estimator)
        if is_end(estimator):
            return End(estimator, X, transformers)
        if isinstance(estimator, TransformedTargetRegressor):
            transformers.append(estimator.transformer_)
            estimator = estimator.regressor_
        else:
            estimator, X = _inside(estimator, X)


def _inside(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator that another one asks for its predictions, and the X that it asks with."""
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator, X
    if isinstance(estimator, StackingRegressor):
        return estimator.final_estimator_, estimator.transform(X)
    if hasattr(estimator, "best_learner_"):  # skrub's search; it takes X itself while it is cross-validated
        learner = estimator.best_learner_
        if hasattr(estimator, "environment"):
            learner = learner.__skrub_to_Xy_pipeline__(estimator.environment)
        return learner, X
    if hasattr(estimator, "data_op") and hasattr(estimator, "find_fitted_estimator"):
        return _same_predictions(estimator, X, *_inside_learner(estimator, X))
    if hasattr(estimator, "estimator_"):
        inner = estimator.estimator_
        own = {name for name in dir(estimator) if name.startswith("predict_")} - NOT_ITS_OWN
        if _is_fitted(inner) and not own:
            return _same_predictions(
                estimator, X, inner, estimator.transform(X) if hasattr(estimator, "transform") else X
            )
    raise _unknown(estimator, "whose predictive density is not known")


def _inside_learner(learner: Any, X: Any) -> tuple[Any, Any]:
    """The estimator that a learner of skrub applied last, and what the nodes before it make of X."""
    if not hasattr(learner.data_op.skb, "id"):
        raise _unknown(learner, "of a skrub below 0.10")
    nodes: list[Any] = []
    learner.data_op.skb.find(lambda node: nodes.append(node))  # visits all, from the last to the first
    nodes = [node for node in nodes if hasattr(node, "skb")]
    for node, before in pairwise(nodes):
        try:
            estimator = learner.find_fitted_estimator(node.skb.id)
        except TypeError:  # applies no estimator
            continue
        part = object.__new__(type(learner))
        vars(part).update(vars(learner), data_op=before)
        return estimator, part.transform(X)
    raise _unknown(learner, "which applies no estimator")


def _same_predictions(outer: Any, X: Any, inner: Any, X_inner: Any) -> tuple[Any, Any]:
    """The inner estimator and its X, if it predicts there what the outer one does."""
    expected, found = np.ravel(outer.predict(X)), np.ravel(inner.predict(X_inner))
    if found.shape != expected.shape or np.abs(found - expected).max() > SAME * np.abs(expected).max():
        raise _unknown(outer, f"which changes the predictions of the {type(inner).__name__} inside")
    return inner, X_inner


def _unknown(estimator: Any, why: str) -> TypeError:
    if hasattr(estimator, "estimators_"):
        why = "which puts the predictions of several estimators together, and not their densities"
    return TypeError(
        "Expected a MoGPERegressor, a regressor whose predict knows return_std, or a chain that ends in one: "
        "a pipeline, a StackingRegressor with it as the final estimator, a TransformedTargetRegressor, or a "
        f"search with refit; got {type(estimator).__name__}, {why}. Try one of these, or give an estimator "
        "of your own a predict_mixture(X)."
    )


def _takes(estimator: Any, method: str, parameter: str) -> bool:
    function = getattr(estimator, method, None)
    return function is not None and parameter in signature(function).parameters


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return True
