"""The gate of a mixture as a transformer: which expert speaks, as features of a later step."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from ..predictive.arrays import Array
from .regressor import DOCUMENTATION, MoGPERegressor
from .scikit_learn import HasMethods, check_feature_names_in, fit_context


class GatingTransformer(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Fits a mixture and turns inputs into its mixing probabilities.

    So "which expert" can feed a later step of a pipeline, alone or beside the inputs.

    Parameters
    ----------
    regressor : MoGPERegressor, default=None
        The mixture, which is cloned before it is fitted; None is ``MoGPERegressor(n_experts=2)``. One that is
        fitted already stays as it is inside a :class:`~sklearn.frozen.FrozenEstimator`.

    Attributes
    ----------
    regressor_ : MoGPERegressor
        The fitted mixture.
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features,)
        If X had names.

    Notes
    -----
    The gate has seen the y of the rows that it was fitted on, so that a later step may trust it more on
    these than on new ones.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline, make_union
    >>> from sklearn_mogpe import GatingTransformer, MoGPERegressor
    >>> from sklearn_mogpe.datasets import make_step
    >>> X, y = make_step(100, random_state=0)
    >>> gate = GatingTransformer(MoGPERegressor(init_params="ladder", max_iter=50, random_state=0))
    >>> pipeline = make_pipeline(make_union("passthrough", gate), Ridge()).fit(X, y)
    >>> pipeline.score(X, y) > Ridge().fit(X, y).score(X, y)
    True
    """

    # Where the HTML representation leads to.
    _doc_link_module = "sklearn_mogpe"
    _doc_link_template = DOCUMENTATION

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "regressor": [HasMethods(["fit", "predict_mixing_proba"]), None],
    }

    def __init__(self, regressor: Any = None):
        self.regressor = regressor

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs)
        **fit_params : dict
            For the mixture's ``fit``, such as ``sample_weight``; where metadata routing is enabled, what the
            mixture has requested.

        Returns
        -------
        self
        """
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **fit_params)
        else:
            routed = Bunch(regressor=Bunch(fit=fit_params))
        self.regressor_ = clone(self._mixture()).fit(X, y, **routed.regressor.fit)
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in fit."""
        return self.regressor_.n_features_in_

    @property
    def feature_names_in_(self) -> Array:
        """Names of the features seen in fit, of shape (n_features,)."""
        return self.regressor_.feature_names_in_

    def transform(self, X: ArrayLike) -> Array:
        """Probability of each expert at X.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        array of shape (n, n_experts)
            Rows sum to one.
        """
        check_is_fitted(self)
        return self.regressor_.predict_mixing_proba(X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Names of the columns that :meth:`transform` gives.

        Parameters
        ----------
        input_features : array-like of shape (n_features,), default=None
            If given, must be the names seen in fit.

        Returns
        -------
        array of shape (n_experts,)
            ``"expert0"``, ``"expert1"``, ...: the numbers of the classes of the mixture's ``gating_``.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array([f"expert{k}" for k in range(self.regressor_.n_experts_)], dtype=object)

    def get_metadata_routing(self) -> MetadataRouter:
        """What of the metadata goes to the mixture.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit").add(caller="fit_transform", callee="fit")
        return MetadataRouter(owner=self).add(regressor=self._mixture(), method_mapping=to_fit)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self._mixture())
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags

    def _mixture(self) -> Any:
        return MoGPERegressor(n_experts=2) if self.regressor is None else self.regressor
