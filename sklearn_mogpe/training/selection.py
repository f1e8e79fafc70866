"""How many experts: more, as long as the bound says that they are worth it."""

from collections.abc import Iterable
from typing import NamedTuple

from ..rows import Problem
from .fit import Fit, Listen, Settings, quiet, train
from .program import State
from .structure import Structure

# Nats by which a further expert has to raise the bound: it also brings hyperparameters, whose uncertainty the
# bound does not charge for.
WORTH = 5.0


class Selection(NamedTuple):
    """The mixture that was chosen.

    Attributes
    ----------
    structure : Structure
    fit : Fit
    scores : dict
        The bound in nats by the number of experts.
    """

    structure: Structure
    fit: Fit
    scores: dict[int, float]


def train_best(
    structures: Iterable[Structure],
    problem: Problem,
    settings: Settings,
    start: State | None = None,
    listen: Listen = quiet,
) -> Selection:
    """Train mixtures of more and more experts, until one more is not worth it.

    Parameters
    ----------
    structures : iterable of Structure
        In ascending order of experts; only one, if there is a start.
    problem, settings, start, listen
        As for :func:`~sklearn_mogpe.training.fit.train`.
    """
    best, scores = None, {}
    for structure in structures:
        fit = train(structure, problem, settings, start, listen)
        scores[structure.n_experts] = fit.lower_bound
        if best is not None and fit.lower_bound < best.fit.lower_bound + WORTH:
            break
        best = Selection(structure, fit, scores)
    return best
