"""Mixtures of Gaussian process experts with a scikit-learn interface, built on GPflow."""

from .estimator.gating_transformer import GatingTransformer
from .estimator.regressor import MoGPERegressor

__version__ = "0.1.0"

__all__ = ["GatingTransformer", "MoGPERegressor", "__version__"]
