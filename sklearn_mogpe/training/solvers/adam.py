"""Adam for all parameters, on the bound's estimate from mini-batches."""

import tensorflow as tf

from ..program import Data, Program
from ..tracking import Tracker
from .gradient import Adam, all_finite, in_chunks, loop
from .options import Options


def adam(program: Program, data: Data, tracker: Tracker, options: Options) -> None:
    """Raise the bound by Adam, each step on rows drawn at random.

    One iteration is as many batches as make one pass over the data. See
    :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(_compiled)
    optimizer.reset()
    batch_size = min(options.batch_size, len(data.X))
    per_pass = -(-len(data.X) // batch_size)

    def passes(first, rates):
        return steps(*data, rates, per_pass, batch_size, [options.seed, first * per_pass])

    in_chunks(program, data, tracker, options, passes)


def _compiled(program):
    model, optimizer = program.model, Adam(program.trainable)

    def step(batch, learning_rate):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(optimizer.variables)
            value = -model.training_loss(batch)
        gradients = tape.gradient(value, optimizer.variables, unconnected_gradients="zero")
        finite = all_finite(gradients)
        optimizer.ascend(gradients, learning_rate, finite)
        return finite

    def steps(X, Y, weight, rates, per_pass, batch_size, seed):
        def drawn(i, _):
            rows = tf.random.stateless_uniform(
                [batch_size], tf.stack([seed[0], seed[1] + i]), maxval=tf.shape(X)[0], dtype=tf.int32
            )
            return step([tf.gather(part, rows) for part in (X, Y, weight)], rates[i // per_pass]), ()

        return loop(drawn, per_pass * tf.size(rates))[0]

    rates, count = tf.TensorSpec([None], program.structure.dtype), tf.TensorSpec([], tf.int32)
    seed = tf.TensorSpec([2], tf.int32)
    return program.compile(steps, *program.data_signature, rates, count, count, seed), optimizer
