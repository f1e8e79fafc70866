"""Gating networks: the probability of each expert, given the input."""

from ..gps import tensorflow_start  # noqa: F401  # before any other import
from .base import GatingNetworkBase
from .svgp import SVGPGatingNetwork

__all__ = ["GatingNetworkBase", "SVGPGatingNetwork"]
