"""Adam for all parameters, on the bound's estimate from mini-batches."""

import tensorflow as tf

from ...engine.program import Program
from ...engine.replicas import mean_over_replicas
from ..tracking import Tracker
from .feed import Feed
from .options import Options
from .steps import Adam, all_finite, entry, in_chunks, loop_over_batches, on_batches


def adam(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by Adam, each step on some of the rows.

    See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(_compiled, tf.distribute.get_strategy())
    on_rows = on_batches(program, feed, options, steps)
    in_chunks(program, feed, tracker, options, on_rows, optimizer)


def _compiled(program, strategy):
    model, optimizer = program.model, Adam(program.trainable)

    def gradients_of(batch):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(optimizer.variables)
            value = -model.training_loss(batch)
        return value, tape.gradient(value, optimizer.variables, unconnected_gradients="zero")

    def step(batch, learning_rate, _):
        value, gradients = mean_over_replicas(strategy, gradients_of, batch)
        finite = all_finite(gradients)
        optimizer.ascend(gradients, learning_rate, finite)
        return finite, value, ()

    def finish(value, _):
        return entry(program, -value)

    def steps(X, Y, weight, rates, ends):
        return loop_over_batches(step, finish, X, Y, weight, rates, ends)[:2]

    vector = tf.TensorSpec([None], program.structure.dtype)
    return program.compile(steps, *program.data_signature, vector, vector), optimizer
