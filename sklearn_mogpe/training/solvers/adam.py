"""Adam for all parameters, on the bound's estimate from mini-batches."""

import tensorflow as tf

from ...engine.program import Program
from ...engine.replicas import mean_over_replicas
from ..tracking import Tracker
from .base import Feed, Options, Solver
from .steps import Adam, all_finite, in_chunks, loop_over_batches, on_batches


def adam(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by Adam, each step on some of the rows.

    See :class:`~sklearn_mogpe.training.solvers.Solver` for the parameters.
    """
    steps, optimizer = program.get(_compiled, tf.distribute.get_strategy())
    in_chunks(program, feed, tracker, options, on_batches(feed, options, steps), optimizer)


def _compiled(program, strategy):
    model, optimizer = program.model, Adam(program.trainable)

    def gradients_of(batch):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(optimizer.variables)
            value = -model.training_loss(batch)
        return tape.gradient(value, optimizer.variables, unconnected_gradients="zero")

    def step(batch, learning_rate, _):
        gradients = mean_over_replicas(strategy, gradients_of, batch)
        finite = all_finite(gradients)
        optimizer.ascend(gradients, learning_rate, finite)
        return finite, ()

    def steps(rows, rates):
        return loop_over_batches(step, rows, rates, ())[0]

    return program.compile(steps, program.rows_signature, program.vector_signature), optimizer


def _n_steps(n_rows, batch_size):
    return 10_000


ADAM = Solver(
    "adam",
    adam,
    in_batches=True,
    is_natural=False,
    n_steps=_n_steps,
    learning_rate=0.01,
    report_every=100,
)
