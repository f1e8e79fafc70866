"""Mixtures of Gaussian process experts with a scikit-learn interface, built on GPflow."""

__version__ = "0.1.0.dev0"
