"""Gating networks: the probability of each expert, given the input."""

from .base import GatingNetworkBase
from .svgp import SVGPGatingNetwork

__all__ = ["GatingNetworkBase", "SVGPGatingNetwork"]
