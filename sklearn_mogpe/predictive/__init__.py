"""Gaussian mixtures as predictions: their densities, moments and quantiles, without TensorFlow."""
