"""Many parameters as one tensor."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp
from gpflow import Parameter

# Transforms of elements or matrices that do the same to each, wherever it stands in a tensor.
SEPARABLE = (tfp.bijectors.Exp, tfp.bijectors.Softplus, tfp.bijectors.FillTriangular, tfp.bijectors.Identity)


def stacked(parts: Sequence[Any]) -> tf.Tensor:
    """The ``parts``, parameters or tensors of one shape, along a new first axis: of shape (n_parts, ...)."""
    return _join(tf.stack, parts)


def concatenated(parts: Sequence[Any]) -> tf.Tensor:
    """The ``parts``, parameters or tensors of shapes (n, ...), joined along their first axis."""
    return _join(lambda values: tf.concat(values, 0), parts)


def assign_concatenated(parameters: Sequence[Parameter], values: tf.Tensor, accept: tf.Tensor) -> None:
    """Give ``parameters`` of one transform their parts of ``values``, of the shape that they have joined.

    Joined, that is one after another along their first axis. If ``accept`` (a scalar) is false, they stay as
    they are.
    """
    unconstrained = parameters[0].transform.inverse(values)  # type: ignore[union-attr]  # is there
    parts = tf.split(unconstrained, [parameter.shape[0] for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        variable = parameter.unconstrained_variable
        variable.assign(tf.where(accept, part, variable))


def repeated(tensor: tf.Tensor, times: int) -> tf.Tensor:
    """Each row of a tensor (G, N) so many times, one after another, as (G times, N)."""
    if times == 1:
        return tensor
    return tf.reshape(tf.tile(tf.expand_dims(tensor, 1), [1, times, 1]), [-1, tf.shape(tensor)[1]])


def _join(join: Callable[[list[tf.Tensor]], tf.Tensor], parts: Sequence[Any]) -> tf.Tensor:
    # Parameters with the same transform go through it together, which saves many small operations.
    if all(isinstance(part, Parameter) for part in parts):
        first = parts[0].transform
        if isinstance(first, SEPARABLE) and all(part.transform == first for part in parts):
            return first.forward(join([part.unconstrained_variable for part in parts]))
    return join([tf.convert_to_tensor(part) for part in parts])
