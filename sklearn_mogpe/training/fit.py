"""From standardised arrays to the state of a fitted mixture."""

import warnings
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning

from ..data.problem import Problem
from ..engine.program import (
    Candidate,
    State,
    bound_function,
    checkout,
    log_prior_function,
    mixture_function,
)
from ..engine.replicas import of_first_replica
from ..engine.structure import Structure
from ..predictive import gaussian_mixture
from .checkpoints import Checkpoints
from .deadline import Deadline
from .held_out import mean_log_density
from .progress import Progress
from .reports import RunCallback, no_callback
from .runs import Runs
from .solvers import Feed, Options, Solver
from .starts.search import Singles, find_starts, settle


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    solver : Solver
    options : Options
        What the solver is told.
    tol, n_iter_no_change : float and int
        When to stop, see :class:`~sklearn_mogpe.training.tracking.Tracker`.
    n_init : int
        Starts that are trained to the end.
    init_params : str
        The start's name, or ``"auto"`` for a race.
    verbose : int
    """

    solver: Solver
    options: Options
    tol: float
    n_iter_no_change: int
    n_init: int
    init_params: str
    verbose: int


class Fit(NamedTuple):
    """A fitted mixture and its history.

    Attributes
    ----------
    state : State
    lower_bound : float
        Of all rows, in nats.
    iterations : list of int
        After which the loss was looked at.
    loss_curve : list of float
        Negative bound and log priors per row.
    validation_scores : list of float
        Mean log density of the held-out rows, if any.
    n_iter : int
    converged, interrupted, is_late : bool
        The last if the deadline has ended it.
    """

    state: State
    lower_bound: float
    iterations: list[int]
    loss_curve: list[float]
    validation_scores: list[float]
    n_iter: int
    converged: bool
    interrupted: bool = False
    is_late: bool = False


class Search(NamedTuple):
    """What a search for parameters has found, from which training may begin.

    Attributes
    ----------
    states : list of State
        The best first.
    lower_bound : float
        Of the sample of rows that the search looks at, in nats, by the first of them.
    interrupted : bool
    """

    states: list[State]
    lower_bound: float
    interrupted: bool


def search(
    structure: Structure,
    problem: Problem,
    settings: Settings,
    deadline: Deadline,
    checkpoints: Checkpoints | None = None,
    singles: Singles | None = None,
) -> Search:
    """Look for parameters of a mixture from which training may begin; see :func:`train`."""
    with Progress(settings.verbose, structure.device) as progress, checkout(structure) as program:
        runs, interrupted = Runs(program, progress, deadline), False
        try:
            states = _found(program, problem, settings, checkpoints, singles, runs)
        except KeyboardInterrupt:
            if runs.leader is None or not np.isfinite(runs.leader.best_loss):
                raise
            states, interrupted = [runs.leader.best_state], True
            warn_of_interruption()
        n_rows = len(problem.sample.X)
        loss = _loss(program, Feed(program.data(problem.sample), n_rows), states[0])
        return Search(states, _lower_bound(program, Candidate(loss, states[0]), n_rows), interrupted)


def train(
    structure: Structure,
    problem: Problem,
    settings: Settings,
    deadline: Deadline,
    starts: list[State] | None = None,
    callback: RunCallback = no_callback,
    checkpoints: Checkpoints | None = None,
    singles: Singles | None = None,
) -> Fit:
    """Train a mixture.

    Parameters
    ----------
    structure : Structure
    problem : Problem
    settings : Settings
    deadline : Deadline
        When it ends at the latest, with the best parameters so far.
    starts : list of State, default=None
        Parameters to begin from, one after another. None looks for good ones.
    callback : callable, default=no_callback
        Goes around each run that is trained to the end, see :mod:`sklearn_mogpe.training.reports`.
    checkpoints : Checkpoints, default=None
        Where the fit is kept, so that it goes on from there when it is started again.
    singles : dict, default=None
        The single Gaussian processes that fits of this problem have begun from so far, by their kernels;
        what is missing is added.

    Returns
    -------
    Fit
        If interrupted from the keyboard, the best so far, with a warning.

    Raises
    ------
    numpy.linalg.LinAlgError
        If no start could be trained.
    """
    interrupted = False
    with Progress(settings.verbose, structure.device) as progress, checkout(structure) as program:
        runs = Runs(program, progress, deadline)
        try:
            if starts is None:
                starts = _found(program, problem, settings, checkpoints, singles, runs)
            if problem.settling is not None and settings.solver.is_natural:
                starts = [settle(program, problem.settling, state, runs.track) for state in starts]
            states = [of_first_replica(state) for state in starts]
            _train_to_the_end(program, problem, settings, states, callback, checkpoints, runs)
        except KeyboardInterrupt:
            if not runs.trackers:
                raise
            interrupted = True
            warn_of_interruption()
        best = _best(program, problem, runs)
        candidate = Candidate(best.best_loss, best.best_state)
        lower_bound = _lower_bound(program, candidate, problem.num_data)
        if settings.verbose > 0:
            progress.tell_shares(_shares(program, problem.sample))
    return Fit(
        state=best.best_state,
        lower_bound=lower_bound,
        iterations=best.iterations,
        loss_curve=best.loss_curve,
        validation_scores=best.validation_scores,
        n_iter=max(int(np.ceil(best.n_iter)), 1),
        converged=best.converged,
        interrupted=interrupted,
        is_late=best.is_late,
    )


def _found(program, problem, settings, checkpoints, singles, runs):
    """Parameters to begin from: those of a checkpoint, or else those of a search."""

    def find():
        return find_starts(
            program,
            problem,
            init_params=settings.init_params,
            n_init=settings.n_init,
            is_natural=settings.solver.is_natural,
            singles={} if singles is None else singles,
            track=runs.track,
            is_late=runs.deadline.has_passed,
        )

    if checkpoints is None:
        return find()
    return checkpoints.starts(program.structure.n_experts, find, lambda: not runs.deadline.has_passed())


def _train_to_the_end(program, problem, settings, states, callback, checkpoints, runs):
    """Run the solver from each of some states; only these runs count from then on."""
    held_out, options = problem.held_out, settings.options
    feed = _feed(program, problem)
    candidates = [Candidate(_loss(program, feed, state), state) for state in states]
    runs.trackers.clear()
    for number, candidate in enumerate(candidates, 1):
        name = f"{settings.solver.name} {number}"
        with callback(name, -(-options.n_steps // options.report_every), program) as on_report:
            tracker = runs.track(
                name,
                candidate,
                -(-options.n_steps // options.steps_per_iter),
                on_report,
                rival=runs.leader if held_out is None else None,
                tol=settings.tol,
                n_iter_no_change=settings.n_iter_no_change,
                validate=None if held_out is None else lambda: _validation_score(program, held_out),
                checkpoints=checkpoints and checkpoints.run(program.structure.n_experts, name, program),
            )
            if not runs.deadline.has_passed():
                try:
                    settings.solver.run(program, feed, tracker, options)
                except (np.linalg.LinAlgError, tf.errors.ResourceExhaustedError) as error:
                    if not np.isfinite(runs.leader.best_loss):
                        raise
                    _warn_of_trouble(error)
                else:
                    if not tracker.is_late:
                        tracker.finish()


def _best(program, problem, runs):
    """The tracker of the best run.

    Raises
    ------
    numpy.linalg.LinAlgError
        If its loss is not finite.
    """
    best = min(runs.trackers, key=attrgetter("best_criterion"))
    if not np.isfinite(best.best_loss):  # perhaps interrupted before the first report
        best.best_loss = _loss(program, _feed(program, problem), best.best_state)
    if not np.isfinite(best.best_loss):
        raise np.linalg.LinAlgError(
            "Expected a finite bound where training starts, got none that is. Try other values of what "
            "is described, or priors under which they are possible; or a smaller learning_rate."
        )
    return best


def warn_of_interruption() -> None:
    """Tell the user that Ctrl-C has ended the fit."""
    message = "The fit was interrupted; it keeps the best parameters so far."
    warnings.warn(message, ConvergenceWarning, stacklevel=3)


def _warn_of_trouble(error):
    message = f"Training ended early, and keeps the best parameters so far. {error}"
    warnings.warn(message, ConvergenceWarning, stacklevel=3)


def _feed(program, problem):
    def draw(first, size):
        return program.put(problem.draw(first, size))

    return Feed(program.data(problem.evaluation, problem.num_data), problem.num_data, draw)


def _loss(program, feed, state):
    """Per row, under the given parameters; infinite where it is not a number."""
    program.assign(state)
    loss = float(program.get(bound_function)(feed.evaluation)) / feed.num_data
    return loss if np.isfinite(loss) else np.inf


def _lower_bound(program, candidate, num_data):
    """The bound at a candidate's parameters, without the log priors that the loss contains."""
    program.assign(candidate.state)
    return -candidate.loss * num_data - float(program.get(log_prior_function)())


def _shares(program, rows):
    """Each expert's part of the rows, by its mixing probabilities under the present parameters."""
    weights = program.get(mixture_function)(program.tensor(rows.X))[0].numpy()
    mixing_probs = gaussian_mixture.of_experts(weights, program.structure.n_experts)
    return np.average(mixing_probs, axis=0, weights=rows.weight)


def _validation_score(program, rows):
    parts = program.get(mixture_function)(program.tensor(rows.X))
    return mean_log_density(rows, *(part.numpy() for part in parts))
