"""Experts: what each component of the mixture predicts."""

from ..gps import tensorflow_start  # noqa: F401  # before any other import
from .base import ExpertBase, Experts, ExpertsBase
from .svgp import SVGPExpert, SVGPExperts

__all__ = ["ExpertBase", "Experts", "ExpertsBase", "SVGPExpert", "SVGPExperts"]
