"""The regressor inside pipelines and searches."""

from typing import Any

from sklearn.pipeline import Pipeline


def last_step(estimator: Any) -> Any:
    """The regressor itself, that at the end of a pipeline, or the best one of a search, however nested."""
    return unwrap(estimator)[0]


def unwrap(estimator: Any, X: Any = None) -> tuple[Any, Any]:
    """Go through fitted pipelines and searches to the regressor inside.

    Parameters
    ----------
    estimator
        A regressor, a pipeline that ends with one, or a search over one with refit, however nested.
    X : array-like of shape (n, n_features), default=None
        Inputs. None if only the regressor is asked for.

    Returns
    -------
    regressor
    X : array-like
        As the earlier steps transform it.
    """
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            return estimator, X
