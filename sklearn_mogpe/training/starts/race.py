"""Where a mixture's training begins: a race of starts, judged by the bound."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.random import RandomState

from ...data.problem import Problem
from ...data.rows import Rows
from ...engine.devices import one_thread
from ...engine.program import Candidate, Program, State, bound_function
from ...engine.structure import Structure
from ...gps import Marginals, model_parameters
from ...mixture_of_experts import Latents
from ..natural_gradients.sites import assign_q, prior_sites, site_step
from ..solvers import NATGRAD, Feed, Options
from ..solvers.natgrad import natgrad_steps
from ..solvers.precision import precision_of_rows
from ..tracking import Tracker
from .divisions import Start, spread_points, starts
from .single import Single, scale

# Of the functions of a noise that varies: prior variance, and lengthscales as multiples of the single GP's.
FIRST_NOISE_GP_VARIANCE, NOISE_GP_LENGTHSCALE_FACTOR = 0.3, 2.0

# Prior variance of the gate's functions: a standard deviation of 2 lets a probit say 2 % and 98 %.
FIRST_GATE_VARIANCE = 4.0

# Natural gradient steps that turn an assignment into a q: the first is exact for experts, gates need a few.
ASSIGNMENT_STEPS = 5

# Step size of the hyperparameters' Adam: large, since it is only the race that decides by it.
LEARNING_RATE = 0.2

# Iterations in which q finds its place before other parameters are trained, where there is no race.
WARM_UP_STEPS = 25

# Rounds of (iterations, starts that go on to the next round). The last is the winner's own: where the race
# sees a sample of the rows only, it spares iterations on all of them.
ROUNDS = ((25, 4), (50, 1), (100, 1))


def race(
    program: Program,
    single: Single,
    problem: Problem,
    *,
    init_params: str,
    n_init: int,
    random_state: RandomState,
    track: Callable[[str, Candidate, int], Tracker],
    is_late: Callable[[], bool],
) -> list[Candidate]:
    """Start mixtures from several divisions of the rows, run each for a while, and keep the best.

    Parameters
    ----------
    program : Program
        Of a mixture of two experts or more.
    single : Single
    problem : Problem
    init_params : str
        Name of the only start to take, or ``"auto"`` for all.
    n_init : int
        Number of candidates to return.
    random_state : numpy.random.RandomState
    track : callable ``(name, candidate, max_iter) -> Tracker``
        Prepares the program and a tracker for a run from a candidate.
    is_late : callable returning bool
        Whether the race has to end, with what has been run so far.

    Returns
    -------
    list of Candidate
        The best first.

    Raises
    ------
    numpy.linalg.LinAlgError
        If every start failed.
    """
    rows = problem.sample
    scaled = rows.X / single.lengthscales
    with one_thread():
        proposals = starts(scaled, rows.Y, single.residuals, program.structure.n_experts, random_state)
    if init_params != "auto":
        proposals = {init_params: proposals[init_params]}
    data = program.data(rows)
    dtype = precision_of_rows(program.structure, problem.n_rows, single.noise)
    base = _base_state(program, single, problem)
    running = {
        name: Candidate(np.inf, _divided(program, base, data, start)) for name, start in proposals.items()
    }
    for max_iter, survivors in ROUNDS:
        for name, candidate in list(running.items()):
            if is_late() and any(np.isfinite(candidate.loss) for candidate in running.values()):
                break
            tracker = track(f"start {name}", candidate, max_iter)
            try:
                options = Options(max_iter, LEARNING_RATE, dtype=dtype)
                NATGRAD.run(program, Feed(data, len(rows.X)), tracker, options)
                running[name] = Candidate(tracker.best_loss, tracker.best_state)
            except np.linalg.LinAlgError:
                del running[name]
                if not running:
                    raise
        ranking = sorted(running, key=lambda name: running[name].loss)
        running = {name: running[name] for name in ranking[: max(survivors, n_init)]}
    return list(running.values())[:n_init]


def start_alone(program: Program, single: Single, problem: Problem) -> State:
    """Where a mixture of one expert begins: as the single GP, and a noise that varies as its residuals do."""
    rows = problem.sample
    ones = np.ones((1, len(rows.X))), np.ones(1), np.ones(1)
    return _divided(program, _base_state(program, single, problem), program.data(rows), Start(*ones))


def number_in_search(structure: Structure, problem: Problem) -> int:
    """Inducing points in the search for a start: those described, or few, to which more are added."""
    return problem.n_search if structure.n_inducing is None else problem.n_inducing


def prepare(program: Program, problem: Problem, single: Single) -> None:
    """Compile what :func:`race` asks for; the values of the program's parameters are lost."""
    dtype = precision_of_rows(program.structure, problem.n_rows, single.noise)
    program.prepare((natgrad_steps, dtype), (_start_function,), (bound_function,))


def warm_up(program: Program, rows: Rows, track: Callable[[str, Candidate, int], Tracker]) -> State:
    """Let every q find its place from the program's present parameters, the others of which are held.

    Let loose at once, the hyperparameters would run after a q that has learnt nothing yet.

    Parameters
    ----------
    program : Program
    rows, track
        As for :func:`race`.
    """
    tracker = track("start", Candidate(np.inf, program.read()), WARM_UP_STEPS)
    feed = Feed(program.data(rows), len(rows.X))
    NATGRAD.run(program, feed, tracker, Options(WARM_UP_STEPS, learning_rate=0.0))
    return tracker.best_state


def _base_state(program, single, problem):
    """The single GP's hyperparameters for every expert that has such, its lengthscales for the gate.

    What is described stays so.
    """
    structure, X = program.structure, problem.sample.X
    # Where one smooth function leaves less noise than that, equal values are no rounded ones.
    noise_floor = np.minimum(problem.tied_noise, single.noise)
    points = X[spread_points(X / single.lengthscales, number_in_search(structure, problem))]
    program.reset(points, noise_floor)
    for k in structure.experts_as_usual:
        for path, parameter in model_parameters(program.model.experts.experts[k]).items():
            variable = parameter.unconstrained_variable
            if path in single.expert and np.shape(single.expert[path]) == variable.numpy().shape:
                variable.assign(single.expert[path])
        lengthscales = NOISE_GP_LENGTHSCALE_FACTOR * single.lengthscales
        _begin(program.model.experts.experts[k].noise_gp, FIRST_NOISE_GP_VARIANCE, lengthscales)
    if structure.has_usual_gate:
        for gate in program.model.gating_network.gps:
            _begin(gate, FIRST_GATE_VARIANCE, single.lengthscales)
    return program.read()


def _begin(gp, variance, lengthscales):
    """Give the kernels of a sparse GP, if there is any, some first values, if they have such."""
    for kernel in {id(kernel): kernel for kernel, _ in gp.latents}.values() if gp else ():
        if hasattr(kernel, "lengthscales") and hasattr(kernel, "variance"):
            shape = kernel.lengthscales.numpy().shape
            own = lengthscales if shape else np.exp(np.mean(np.log(lengthscales)))
            kernel.lengthscales.assign(np.broadcast_to(own, shape))
            kernel.variance.assign(variance)


def _divided(program, base, data, start):
    """A state with the parameters of a :class:`Start`, and more jitter where they need it."""
    program.assign(base)
    tracker = Tracker(program, Candidate(np.inf, base))
    while not program.get(_start_function)(data, *map(program.tensor, start)):
        tracker.recover()
    return program.read()


def _start_function(program: Program):
    """Compile what gives a program's experts and gate the parameters of a :class:`Start`.

    It returns whether they are finite.
    """
    model, dtype = program.model, program.structure.dtype

    def function(rows, responsibilities, noise_factor, lengthscale_factor):
        for k in program.structure.experts_as_usual:
            expert = model.experts.experts[k]
            scale(expert, noise_factor[k], lengthscale_factor[k])

        def step(i, sites):
            def objective(latents):
                if latents.log_noise is not None:
                    # In the first step no function is near its rows, which would all pass for noise.
                    moves = tf.cast(i > 0, dtype)
                    log_noise = Marginals(*(part * moves for part in latents.log_noise))
                    latents = latents._replace(log_noise=log_noise)
                return tf.reduce_sum(rows.weight * _assigned(latents, rows, model.points, responsibilities))

            return i + 1, site_step(model, rows.X, sites, objective, [], 1.0)[2]

        start = tf.constant(0), prior_sites(model, rows.X)
        _, sites = tf.while_loop(lambda i, _: i < ASSIGNMENT_STEPS, step, start)
        return assign_q(model, rows.X, sites)

    factors = tf.TensorSpec([program.structure.n_experts], dtype)
    responsibilities = tf.TensorSpec([program.structure.n_experts, None], dtype)
    return program.compile(function, program.rows_signature, responsibilities, factors, factors)


def _assigned(latents: Latents, rows: Rows, points, responsibilities):
    """Each row's expected log likelihood together with its expert, given the responsibilities (K, N)."""
    known = latents._replace(error_variance=tf.transpose(tf.square(rows.error)))
    f, (variances, weights) = latents.experts, known.possible_noises()
    # E log N(y; f, v) = log N(y; mu, v) - (s + r) / (2 v), for each variance v that the noise may have
    squares = tf.square(tf.transpose(rows.Y) - f.mean) + f.variance
    terms = tf.reduce_sum(np.log(2 * np.pi) + tf.math.log(variances) + squares / variances, 2)
    log_density = -0.5 * tf.tensordot(tf.constant(weights, terms.dtype), terms, 1)
    # E log Pr(k | h), h ~ N(mu, s + r)
    H = latents.gating_network.num_latent_gps
    h = latents.gates._replace(projected_variance=latents.gates.variance)
    first = f.mean.shape[0] * f.mean.shape[1]
    h = h.project(tf.cast(points[:, first : first + H, None], rows.Y.dtype))
    log_probs = tf.reduce_mean(latents.gating_network.log_mixing_probs(h), 0)
    return tf.reduce_sum(responsibilities * (log_density + log_probs), 0)
