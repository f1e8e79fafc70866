"""Mini-batches that the replicas of a ``tf.distribute`` strategy share."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def mean_over_replicas(strategy: tf.distribute.Strategy, function: Callable, batch: Sequence[tf.Tensor]):
    """Mean of what a function makes of each replica's part of a batch.

    With TensorFlow's default strategy, which has one replica, that is what it makes of the batch.

    Parameters
    ----------
    strategy : tf.distribute.Strategy
    function : callable ``parts -> tensors``, nested as it likes
        Of parts of equal sizes; its mean over parts should be its value for the whole, as that of an estimate
        from a mini-batch is.
    batch : sequence of tensors, each of shape (B, ...)
    """

    def on_replica():
        replica = tf.distribute.get_replica_context()
        own = slice(replica.replica_id_in_sync_group, None, replica.num_replicas_in_sync)
        return replica.all_reduce(tf.distribute.ReduceOp.MEAN, function([rows[own] for rows in batch]))

    everywhere = strategy.run(on_replica)
    return tf.nest.map_structure(lambda value: strategy.experimental_local_results(value)[0], everywhere)
