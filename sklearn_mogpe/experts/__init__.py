"""Experts: what each component of the mixture predicts."""

from .base import ExpertBase, Experts, ExpertsBase
from .svgp import SVGPExpert, SVGPExperts

__all__ = ["ExpertBase", "Experts", "ExpertsBase", "SVGPExpert", "SVGPExperts"]
