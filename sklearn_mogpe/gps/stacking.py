"""Many parameters as one tensor."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp
from gpflow import Parameter

# Transforms of elements or matrices that do the same to each, wherever it stands in a tensor.
SEPARABLE = (tfp.bijectors.Exp, tfp.bijectors.Softplus, tfp.bijectors.FillTriangular, tfp.bijectors.Identity)


def stacked(parts: Sequence) -> tf.Tensor:
    """Stack parameters or tensors of one shape along a new first axis."""
    return _join(tf.stack, parts)


def concatenated(parts: Sequence) -> tf.Tensor:
    """Concatenate parameters or tensors along their first axis."""
    return _join(lambda values: tf.concat(values, 0), parts)


def _join(join, parts):
    # Parameters with the same transform go through it together, which saves many small operations.
    if all(isinstance(part, Parameter) for part in parts):
        first = parts[0].transform
        if isinstance(first, SEPARABLE) and all(part.transform == first for part in parts):
            return first.forward(join([part.unconstrained_variable for part in parts]))
    return join([tf.convert_to_tensor(part) for part in parts])
