"""Natural gradients for every q, Adam for the hyperparameters, on mini-batches."""

import tensorflow as tf

from ...engine.program import Program
from ...engine.replicas import mean_over_replicas
from ..natural_gradients.batch_sites import batch_step
from ..natural_gradients.naturals import assign_naturals, naturals_of_q
from ..natural_gradients.sites import weight_inside
from ..tracking import Tracker
from .base import Feed, Options, Solver
from .precision import in_precision, prepare_precision
from .steps import Adam, all_finite, in_chunks, loop_over_batches, on_batches

# Steps in which Adam comes to its full size. Its first ones know only the signs of the derivatives, and would
# throw the inducing inputs about.
WARM_UP = 100

# Rows that all mini-batches together have, unless the user says how many passes: those of two, within bounds.
MIN_ROWS, MAX_ROWS = 768_000, 2_000_000


def batch_natgrad(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by natural gradients and Adam, each step on some of the rows.

    Both have the same step sizes, once Adam is warm.
    See :class:`~sklearn_mogpe.training.solvers.Solver` for the parameters.
    """
    dtype = prepare_precision(program, feed, options)
    steps, optimizer = program.get(_compiled, tf.distribute.get_strategy(), dtype)

    def on_rows(rows, rates):
        return steps(in_precision(rows, dtype), rates)

    in_chunks(program, feed, tracker, options, on_batches(feed, options, on_rows), optimizer)


def _compiled(program, strategy, dtype):
    model, optimizer = program.model, Adam(program.hyperparameters)

    def step(batch, rate, naturals):
        step_size = tf.minimum(rate, tf.ones_like(rate))

        def on_part(part):
            def objective(latents):
                expected = model.expected_log_lik(latents, part.Y, part.weight, part.error)
                return expected + model.log_prior_density()

            weight = weight_inside(model, part)
            return batch_step(model, part.X, naturals, objective, optimizer.variables, step_size, weight)

        gradients, moved = mean_over_replicas(strategy, on_part, batch)
        finite = all_finite([*gradients, *moved])
        warmth = tf.minimum((optimizer.count + 1.0) / WARM_UP, 1.0)
        optimizer.ascend(gradients, warmth * rate, finite)
        return finite, moved

    def steps(rows, rates):
        finite, naturals = loop_over_batches(step, rows, rates, naturals_of_q(model))
        return finite & assign_naturals(model.gps, naturals)

    return program.compile(steps, program.signature_of_rows(dtype), program.vector_signature), optimizer


def _n_steps(n_rows, batch_size):
    return -(-max(MIN_ROWS, min(2 * n_rows, MAX_ROWS)) // batch_size)


BATCH_NATGRAD = Solver(
    "batch_natgrad",
    batch_natgrad,
    in_batches=True,
    is_natural=True,
    n_steps=_n_steps,
    learning_rate=0.05,
    report_every=100,
)
