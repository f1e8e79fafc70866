"""From standardised arrays to the state of a fitted mixture."""

import warnings
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from sklearn.exceptions import ConvergenceWarning

from ..data.problem import Problem
from ..engine.program import (
    Candidate,
    Program,
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
from .held_out import mean_log_density
from .progress import Progress
from .reports import Callback, RunCallback, no_callback
from .solvers import Feed, Options, Solver
from .starts.divisions import spread_points
from .starts.race import prepare, race, start_alone, warm_up
from .starts.single import fit_single
from .tracking import Tracker


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
    converged, interrupted : bool
    """

    state: State
    lower_bound: float
    iterations: list[int]
    loss_curve: list[float]
    validation_scores: list[float]
    n_iter: int
    converged: bool
    interrupted: bool = False


def train(
    structure: Structure,
    problem: Problem,
    settings: Settings,
    start: State | None = None,
    callback: RunCallback = no_callback,
    checkpoints: Checkpoints | None = None,
    singles: dict | None = None,
) -> Fit:
    """Train a mixture.

    Parameters
    ----------
    structure : Structure
    problem : Problem
    settings : Settings
    start : State, default=None
        Parameters to begin from. None looks for good ones.
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
        runs = Runs(program, progress)
        try:
            known = {} if singles is None else singles
            states = _first_states(
                program, lambda: _starts(program, problem, settings, known, runs.track), start, checkpoints
            )
            _train_to_the_end(program, problem, settings, states, callback, checkpoints, runs)
        except KeyboardInterrupt:
            if not runs.trackers:
                raise
            interrupted = True
            warn_of_interruption()
        best = _best(program, problem, runs)
        lower_bound = _lower_bound(program, best, problem.num_data)
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
    )


class Runs:
    """The runs of a fit on one program, each with a tracker and a line of the progress.

    Parameters
    ----------
    program : Program
    progress : Progress

    Attributes
    ----------
    trackers : list of Tracker
        Of the runs that count.
    """

    def __init__(self, program: Program, progress: Progress):
        self._program, self._progress = program, progress
        self.trackers: list[Tracker] = []

    def track(
        self,
        name: str,
        candidate: Candidate,
        max_iter: int,
        callback: Callback | None = None,
        rival: Tracker | None = None,
        **stopping,
    ) -> Tracker:
        """Begin a run: give the program a candidate's parameters, and make its tracker.

        Parameters
        ----------
        name : str
        candidate : Candidate
        max_iter : int
        callback : callable, default=None
            Gets each report, and says whether to stop.
        rival : Tracker, default=None
            Of the best run so far; the new one stops when it is clearly behind.
        **stopping
            For the tracker.
        """
        self._program.assign(candidate.state)
        show = self._progress.start(name, max_iter)

        def on_report(report):
            asked_to_stop = callback is not None and callback(report)
            show(report.n_iter, report.loss)
            return asked_to_stop or (rival is not None and rival.has_beaten(report.n_iter, report.loss))

        self.trackers.append(Tracker(self._program, candidate, callback=on_report, **stopping))
        return self.trackers[-1]

    @property
    def leader(self) -> Tracker | None:
        """The tracker with the lowest loss, if there is any."""
        return min(self.trackers, key=attrgetter("best_loss"), default=None)


def _first_states(program, search, start, checkpoints):
    """Parameters that training begins from: given ones, those of a checkpoint, or those of a search."""
    if start is not None:
        states = [start]
    elif checkpoints is None:
        states = search()
    else:
        states = checkpoints.starts(program.structure.n_experts, search)
    return [of_first_replica(state) for state in states]


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
            settings.solver.run(program, feed, tracker, options)
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


def _starts(program, problem, settings, singles, track):
    if settings.init_params == "prior":
        points = problem.sample.X[spread_points(problem.sample.X, problem.n_inducing)]
        program.reset(points, problem.tied_noise)
        return [warm_up(program, problem.sample, track) if settings.solver.is_natural else program.read()]
    if program.structure.n_experts > 1:
        prepare(program)
    kernel = program.structure.kernels[0]
    if kernel not in singles:
        singles[kernel] = fit_single(program.structure, problem.n_inducing, problem.sample)
    single = singles[kernel]
    if program.structure.n_experts == 1 and program.structure.noise == "varying":
        return [start_alone(program, single, problem)]
    if program.structure.n_experts == 1:
        program.assign(single.state)
        program.set_jitter()  # that of its precision
        return [program.read()]
    candidates = race(
        program,
        single,
        problem,
        init_params=settings.init_params,
        n_init=settings.n_init,
        random_state=RandomState(problem.seed),
        track=track,
    )
    return [candidate.state for candidate in candidates]


def _feed(program, problem):
    def draw(first, size):
        return program.put(problem.draw(first, size))

    return Feed(program.data(problem.evaluation, problem.num_data), problem.num_data, draw)


def _loss(program, feed, state):
    """Per row, under the given parameters; infinite where it is not a number."""
    program.assign(state)
    loss = float(program.get(bound_function)(feed.evaluation)) / feed.num_data
    return loss if np.isfinite(loss) else np.inf


def _lower_bound(program, best, num_data):
    """The bound at the best parameters, without the log priors that the loss contains."""
    program.assign(best.best_state)
    return -best.best_loss * num_data - float(program.get(log_prior_function)())


def _shares(program, rows):
    """Each expert's part of the rows, by its mixing probabilities under the present parameters."""
    weights = program.get(mixture_function)(program.tensor(rows.X))[0].numpy()
    mixing_probs = gaussian_mixture.of_experts(weights, program.structure.n_experts)
    return np.average(mixing_probs, axis=0, weights=rows.weight)


def _validation_score(program, rows):
    parts = program.get(mixture_function)(program.tensor(rows.X))
    return mean_log_density(rows, *(part.numpy() for part in parts))
