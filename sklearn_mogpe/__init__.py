"""Mixtures of Gaussian process experts with a scikit-learn interface, built on GPflow."""

from .regressor import MoGPERegressor

__version__ = "0.1.0.dev0"

__all__ = ["MoGPERegressor", "__version__"]
