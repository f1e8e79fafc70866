"""Data sets to try mixtures on: one classic, and generators whose true density is known."""

from ._motorcycle import load_motorcycle
from ._synthetic import make_step, make_two_branches, make_two_regimes

__all__ = ["load_motorcycle", "make_step", "make_two_branches", "make_two_regimes"]
