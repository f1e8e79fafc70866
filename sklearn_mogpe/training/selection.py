"""How many experts: more, as long as the bound says that they are worth it."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..data.problem import MANY_ROWS, Problem
from ..engine.program import State
from ..engine.structure import Structure
from .checkpoints import Checkpoints
from .deadline import Deadline
from .fit import Fit, Settings, search, train, warn_of_interruption
from .reports import RunCallback, no_callback
from .starts.search import Singles

# Nats by which a further expert has to raise the bound: it also brings hyperparameters, whose uncertainty the
# bound does not charge for.
WORTH = 2.0

# Noise variance, as a part of that of y, that is as good as none: what one Gaussian process leaves then is
# rounding, which further experts would share among them.
NO_NOISE = 1e-10

# Nats per row by which the bound may still rise in the last fifth of the iterations.
RISE = 0.01


class Selection(NamedTuple):
    """The mixture that was chosen.

    Attributes
    ----------
    structure : Structure
    fit : Fit
    scores : dict
        The bound in nats by the number of experts; where rows are many, of the sample that chose it.
    """

    structure: Structure
    fit: Fit
    scores: dict[int, float]


def train_best(
    structures: Sequence[Structure],
    problem: Problem,
    settings: Settings,
    deadline: Deadline,
    start: State | None = None,
    callback: RunCallback = no_callback,
    checkpoints: Checkpoints | None = None,
) -> Selection:
    """Train mixtures of more and more experts, until one more is not worth it, or one process explains all.

    Where rows are many, mixtures are compared by what searches for a start reach on a sample of them, in a
    few seconds each, and only the best is trained to the end, in a minute.

    Parameters
    ----------
    structures : sequence of Structure
        In ascending order of experts; only one, if there is a start.
    problem, settings, deadline, callback, checkpoints
        As for :func:`~sklearn_mogpe.training.fit.train`, which also raises the errors of the first structure.
        Those of later ones, an interruption or the deadline end the selection.
    start : State, default=None
        Parameters to begin from.
    """
    singles: Singles = {}
    starts = None if start is None else [start]

    def searched(structure):
        return search(structure, problem, settings, deadline, checkpoints, singles)

    def trained(structure):
        return train(structure, problem, settings, deadline, starts, callback, checkpoints, singles)

    if len(structures) == 1 or problem.n_rows < MANY_ROWS:
        choice = _choose(structures, trained, singles, deadline)
        selection = Selection(choice.structure, choice.result, choice.scores)
    else:
        choice = _choose(structures, searched, singles, deadline)
        starts = choice.result.states
        if choice.is_interrupted:
            settings = replace(settings, options=settings.options._replace(n_steps=0))
        fit = trained(choice.structure)
        fit = fit._replace(interrupted=fit.interrupted or choice.is_interrupted)
        selection = Selection(choice.structure, fit, choice.scores)
    _warn_if_rising(selection.fit)
    return selection


class _Choice(NamedTuple):
    structure: Structure
    result: Any
    scores: dict[int, float]
    is_interrupted: bool


def _choose(structures, attempt, singles, deadline):
    """The structure whose attempt, a fit or a search, is worth its experts."""
    first, *others = structures
    best, interrupted = (first, attempt(first)), False
    scores = {first.n_experts: best[1].lower_bound}
    for structure in others:
        has_ended = best[1].interrupted or deadline.has_passed()
        if has_ended or any(np.all(single.noise < NO_NOISE) for single in singles.values()):
            break
        try:
            result = attempt(structure)
        except KeyboardInterrupt:
            interrupted = True
            warn_of_interruption()
            break
        except np.linalg.LinAlgError:
            scores[structure.n_experts] = -np.inf
            break
        interrupted = result.interrupted
        scores[structure.n_experts] = result.lower_bound
        if result.lower_bound < best[1].lower_bound + WORTH:
            break
        best = structure, result
    return _Choice(*best, scores, interrupted or best[1].interrupted)


def _warn_if_rising(fit):
    if fit.converged or fit.interrupted or len(fit.iterations) < 2:
        return
    before = np.searchsorted(fit.iterations, 0.8 * fit.iterations[-1], side="right") - 1
    rise = fit.loss_curve[max(before, 0)] - fit.loss_curve[-1]
    limit = "max_time" if fit.is_late else "max_iter"
    if rise > RISE:
        warnings.warn(
            f"Training ended by {limit}, after {fit.n_iter} iterations, while the bound still rose: by "
            f"{rise:.2g} nats per row in the last fifth of them. Raise {limit}, or set early_stopping=True "
            "if more iterations fit too closely.",
            ConvergenceWarning,
            stacklevel=3,
        )
