"""Variables of any shapes as one flat vector."""

from collections.abc import Sequence

import tensorflow as tf


def pack(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """All elements of some tensors or variables, in order, of shape (sum of sizes,)."""
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def unpack(variables: Sequence[tf.Variable], vector) -> None:
    """Assign the parts of a flat vector to variables, in order."""
    values = [variable.read_value() for variable in variables]
    vector = tf.cast(vector, values[0].dtype)
    parts = tf.split(vector, [tf.size(value) for value in values])
    for variable, value, part in zip(variables, values, parts, strict=True):
        variable.assign(tf.reshape(part, tf.shape(value)))
