"""How many experts: more, as long as the bound says that they are worth it."""

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..data.problem import Problem
from ..engine.program import State
from ..engine.structure import Structure
from .checkpoints import Checkpoints
from .fit import Fit, Settings, train, warn_of_interruption
from .reports import RunCallback, no_callback
from .starts.single import Single

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
    callback: RunCallback = no_callback,
    checkpoints: Checkpoints | None = None,
) -> Selection:
    """Train mixtures of more and more experts, until one more is not worth it, or one process explains all.

    Parameters
    ----------
    structures : iterable of Structure
        In ascending order of experts; only one, if there is a start.
    problem, settings, start, callback, checkpoints
        As for :func:`~sklearn_mogpe.training.fit.train`, which also raises the errors of the first structure.
        Those of later ones, or an interruption, end the selection.
    """
    first, *others = structures
    singles: dict[Any, Single] = {}
    best = Selection(first, train(first, problem, settings, start, callback, checkpoints, singles), {})
    best.scores[first.n_experts] = best.fit.lower_bound
    for structure in others:
        if best.fit.interrupted or any(np.all(single.noise < NO_NOISE) for single in singles.values()):
            break
        try:
            fit = train(structure, problem, settings, start, callback, checkpoints, singles)
        except KeyboardInterrupt:
            warn_of_interruption()
            break
        except np.linalg.LinAlgError:
            best.scores[structure.n_experts] = -np.inf
            break
        best.scores[structure.n_experts] = fit.lower_bound
        if fit.lower_bound < best.fit.lower_bound + WORTH:
            break
        best = Selection(structure, fit, best.scores)
    _warn_if_rising(best.fit)
    return best


def _warn_if_rising(fit):
    if fit.converged or fit.interrupted or len(fit.iterations) < 2:
        return
    before = np.searchsorted(fit.iterations, 0.8 * fit.iterations[-1], side="right") - 1
    rise = fit.loss_curve[max(before, 0)] - fit.loss_curve[-1]
    if rise > RISE:
        warnings.warn(
            f"Training ended by max_iter, after {fit.n_iter} iterations, while the bound still rose: by "
            f"{rise:.2g} nats per row in the last fifth of them. Raise max_iter, or set early_stopping=True "
            "if more iterations fit too closely.",
            ConvergenceWarning,
            stacklevel=3,
        )
