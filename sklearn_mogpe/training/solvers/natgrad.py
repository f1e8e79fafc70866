"""Natural gradients for every q, Adam for the hyperparameters, on the whole data."""

import tensorflow as tf

from ...data.problem import MANY_ROWS
from ...engine.program import Program
from ..natural_gradients.sites import assign_q, site_step, sites_of_q, weight_inside
from ..tracking import Tracker
from .base import Feed, Options, Solver
from .precision import in_precision, prepare_precision
from .steps import Adam, all_finite, in_chunks, loop

# A natural gradient step of 1 solves the present Gaussian problem, but overshoots where gate and experts
# compete for a row; half of it is nearly as fast and stays stable.
STEP_SIZE = 0.5

# Iterations unless the user says how many. In trials on some 9000 rows, the time of more was better spent on
# more inducing points.
N_STEPS, N_STEPS_ON_MANY = 125, 75


def natgrad(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the whole data's bound by natural gradients for q and Adam for the hyperparameters.

    One iteration is one pass over the data. See :class:`~sklearn_mogpe.training.solvers.Solver` for the
    parameters.
    """
    own, dtype = program.structure.dtype, prepare_precision(program, feed, options)
    steps, rows = program.get(natgrad_steps, dtype), in_precision(feed.evaluation, dtype)

    def on_all(_, rates):
        nonlocal steps, rows
        if steps(rows, rates):
            return True
        if rows.X.dtype == own:
            return False
        # what single precision cannot do, double precision may
        program.assign(tracker.best_state)
        steps, rows = program.get(natgrad_steps, own), feed.evaluation
        return steps(rows, rates)

    in_chunks(program, feed, tracker, options, on_all, program.get(natgrad_optimizer))


def natgrad_optimizer(program: Program) -> Adam:
    """The optimizer of :func:`natgrad_steps` in any precision."""
    return Adam(program.hyperparameters)


def natgrad_steps(program: Program, dtype: str):
    """Compile ``(rows, rates) -> finite`` for rows in some precision."""
    model, optimizer = program.model, program.get(natgrad_optimizer)
    # Z that begin at rows: where there are as many, nothing is gained by a move, and without noise much lost.
    gps = model.gps if program.structure.n_inducing is None else []
    at_rows = {id(gp.inducing_variable.Z.unconstrained_variable) for gp in gps}

    def useful(gradient, variable, X):
        if id(variable) not in at_rows:
            return gradient
        return tf.where(tf.shape(variable)[0] < tf.shape(X)[0], gradient, 0.0)

    def steps(rows, rates):
        def objective(latents):
            expected = model.expected_log_lik(latents, rows.Y, rows.weight, rows.error)
            return expected + model.log_prior_density()

        weight = weight_inside(model, rows)

        def step(i, sites):
            _, gradients, moved = site_step(
                model, rows.X, sites, objective, optimizer.variables, STEP_SIZE, weight
            )
            finite = all_finite([*gradients, *moved])
            gradients = [useful(g, v, rows.X) for g, v in zip(gradients, optimizer.variables, strict=True)]
            optimizer.ascend(gradients, rates[i], finite)
            return finite, moved

        finite, sites = loop(step, rates, sites_of_q(model, rows.X, objective, weight))
        return finite & assign_q(model, rows.X, sites)

    return program.compile(steps, program.signature_of_rows(dtype), program.vector_signature)


def _n_steps(n_rows, batch_size):
    return N_STEPS if n_rows < MANY_ROWS else N_STEPS_ON_MANY


NATGRAD = Solver(
    "natgrad",
    natgrad,
    in_batches=False,
    is_natural=True,
    n_steps=_n_steps,
    learning_rate=0.1,
    report_every=25,
)
