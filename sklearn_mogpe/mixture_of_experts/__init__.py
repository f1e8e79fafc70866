"""Mixtures of experts: their density, their lower bounds and their sparse variational GP form."""

from ..gps import tensorflow_start  # noqa: F401  # before any other import
from .base import MixtureOfExperts, MixtureOfExpertsBase
from .bounds import BOUNDS, further, further_gating, tight
from .latents import Latents
from .svgp import MixtureOfSVGPExperts

__all__ = [
    "BOUNDS",
    "Latents",
    "MixtureOfExperts",
    "MixtureOfExpertsBase",
    "MixtureOfSVGPExperts",
    "further",
    "further_gating",
    "tight",
]
