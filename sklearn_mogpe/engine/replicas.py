"""Mini-batches that the replicas of a ``tf.distribute`` strategy share."""

from collections.abc import Callable

import tensorflow as tf

from ..data.rows import Rows
from .program import State


def mean_over_replicas(strategy: tf.distribute.Strategy, function: Callable, batch: Rows):
    """Mean of what a function makes of each replica's part of a batch.

    With TensorFlow's default strategy, which has one replica, that is what it makes of the batch.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
    function : callable ``part -> tensors``, nested as it likes
        Of parts of equal sizes; its mean over parts should be its value for the whole, as that of an estimate
        from a mini-batch is.
    batch : Rows
    """

    def on_replica():
        replica = tf.distribute.get_replica_context()
        own = slice(replica.replica_id_in_sync_group, None, replica.num_replicas_in_sync)
        return replica.all_reduce(tf.distribute.ReduceOp.MEAN, function(batch.part(own)))

    everywhere = strategy.run(on_replica)
    return tf.nest.map_structure(lambda value: strategy.experimental_local_results(value)[0], everywhere)


def of_first_replica(state: State) -> State:
    """Parameters as the first replica of the present strategy has them.

    Processes that look for a start each for itself may find different ones, if they add numbers in different
    orders, and must not go on from those.
    """
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return state

    def on_replica():
        replica = tf.distribute.get_replica_context()
        is_first = tf.equal(replica.replica_id_in_sync_group, 0)
        own = {path: tf.where(is_first, value, tf.zeros_like(value)) for path, value in state.items()}
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, own)

    everywhere = strategy.run(on_replica)
    return {path: strategy.experimental_local_results(v)[0].numpy() for path, v in everywhere.items()}
