"""Adam for all parameters, on the bound's estimate from mini-batches."""

import tensorflow as tf

from ..program import Program
from ..tracking import Tracker
from .feed import Feed
from .gradient import Adam, all_finite, in_chunks, loop_over_batches, on_batches
from .options import Options


def adam(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by Adam, each step on some of the rows.

    Within the scope of a ``tf.distribute`` strategy, its replicas share the rows of a step, and their mean
    gradient moves the variables, of which every process has its own.

    See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(_compiled, tf.distribute.get_strategy())
    in_chunks(program, feed, tracker, options, on_batches(feed, options, steps), optimizer)


def _compiled(program, strategy):
    model, optimizer = program.model, Adam(program.trainable)

    def on_replica(batch):
        replica = tf.distribute.get_replica_context()
        own = slice(replica.replica_id_in_sync_group, None, replica.num_replicas_in_sync)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(optimizer.variables)
            value = -model.training_loss([part[own] for part in batch])
        gradients = tape.gradient(value, optimizer.variables, unconnected_gradients="zero")
        return replica.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)

    def step(batch, learning_rate, _):
        everywhere = strategy.run(on_replica, [batch])
        gradients = [strategy.experimental_local_results(gradient)[0] for gradient in everywhere]
        finite = all_finite(gradients)
        optimizer.ascend(gradients, learning_rate, finite)
        return finite, ()

    def steps(X, Y, weight, rates):
        return loop_over_batches(step, X, Y, weight, rates)[0]

    rates = tf.TensorSpec([None], program.structure.dtype)
    return program.compile(steps, *program.data_signature, rates), optimizer
