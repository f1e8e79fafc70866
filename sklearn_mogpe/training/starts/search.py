"""Where training begins: from the priors, from a single Gaussian process, or from the best of a race."""

from collections.abc import Callable

import numpy as np
from numpy.random import RandomState

from ...data.problem import Problem
from ...data.rows import Rows
from ...engine.program import Candidate, Program, State
from ..solvers import NATGRAD, Feed, Options
from ..solvers.precision import precision_of_rows
from ..tracking import Tracker
from .divisions import spread_points
from .growth import grow
from .race import LEARNING_RATE, ROUNDS, number_in_search, prepare, race, start_alone, warm_up
from .single import Single, fit_single

Track = Callable[[str, Candidate, int], Tracker]
Singles = dict[object, Single]


def find_starts(
    program: Program,
    problem: Problem,
    *,
    init_params: str,
    n_init: int,
    is_natural: bool,
    singles: Singles,
    track: Track,
    is_late: Callable[[], bool],
) -> list[State]:
    """Look for parameters from which training may begin, the best first.

    Parameters
    ----------
    program : Program
    problem : Problem
    init_params : str
        Name of a start, ``"auto"`` for a race, or ``"prior"`` for the values that models are built with.
    n_init : int
        How many to find, where there is a race.
    is_natural : bool
        Whether q may first find its place by natural gradients, for ``"prior"``.
    singles : dict
        The single Gaussian processes that are known so far, by their kernels; what is missing is added.
    track : callable ``(name, candidate, max_iter) -> Tracker``
        Prepares the program and a tracker for a run from a candidate.
    is_late : callable returning bool
        Whether there is no more time for a race.

    Raises
    ------
    numpy.linalg.LinAlgError
        If there is none from which the bound is finite.
    """
    structure = program.structure
    if init_params == "prior":
        points = problem.sample.X[spread_points(problem.sample.X, problem.n_inducing)]
        program.reset(points, problem.tied_noise)
        return [warm_up(program, problem.sample, track) if is_natural else program.read()]
    kernel = structure.kernels[0]
    if kernel not in singles:
        singles[kernel] = fit_single(structure, number_in_search(structure, problem), problem.sample)
    single = singles[kernel]
    if structure.n_experts > 1:
        prepare(program, problem, single)
        random_state = RandomState(problem.seed)
        candidates = race(
            program,
            single,
            problem,
            init_params=init_params,
            n_init=n_init,
            random_state=random_state,
            track=track,
            is_late=is_late,
        )
        states = [candidate.state for candidate in candidates]
    else:
        states = [_alone(program, single, problem, track)]
    if problem.n_inducing > number_in_search(structure, problem):
        states = [grow(program, state, problem.sample, problem.n_inducing) for state in states]
    return states


def settle(program: Program, rows: Rows, state: State, track: Track) -> State:
    """Train on as many rows as can be used at once, before mini-batches of all of them.

    Parameters
    ----------
    program : Program
    rows : Rows
        Of the problem, for settling.
    state : State
        To begin from.
    track : callable ``(name, candidate, max_iter) -> Tracker``
        As for :func:`find_starts`.
    """
    n_rows = len(rows.X)
    options = NATGRAD.options(n_rows, batch_size=n_rows, n_iter_no_change=1)
    return _trained(program, rows, track, "some rows", options, state)


def _alone(program, single, problem, track):
    """Where one expert begins: if its noise varies, and the rows are a sample, after a run as of a race."""
    if program.structure.noise == "constant":
        program.assign(single.state)
        program.set_jitter()  # that of its precision
        return program.read()
    state, rows = start_alone(program, single, problem), problem.sample
    if len(rows.X) == problem.n_rows:
        return state
    max_iter = sum(n_iter for n_iter, _ in ROUNDS)
    dtype = precision_of_rows(program.structure, problem.n_rows, single.noise)
    options = Options(max_iter, LEARNING_RATE, dtype=dtype)
    best = _trained(program, rows, track, "start", options, state)
    if best is not state:
        return best
    # The first steps of a noise that varies may lead too far: it had better begin as a constant.
    program.assign(state)
    for expert in program.model.experts.experts:
        program.forget(expert.noise_gp)
    return _trained(program, rows, track, "start", options, program.read())


def _trained(program, rows, track, name, options, state):
    """The best of a run from a state; the state itself, as it was, if the run fails."""
    tracker = track(name, Candidate(np.inf, state), options.n_steps)
    try:
        NATGRAD.run(program, Feed(program.data(rows), len(rows.X)), tracker, options)
    except np.linalg.LinAlgError:
        return state
    return tracker.best_state
