"""What the solvers that take gradient steps in the graph have in common."""

from collections.abc import Callable, Sequence

import gpflow
import numpy as np
import tensorflow as tf

from ..program import Data, Program, bound_function
from ..tracking import Tracker
from .options import Options

# Passes between two looks at the whole data's bound: enough to hide the look's cost.
CHUNK = 25

# The last step size of Adam, as a part of the first.
DECAY = 0.1


def in_chunks(
    program: Program, data: Data, tracker: Tracker, options: Options, steps: Callable, chunk: int = CHUNK
) -> None:
    """Run chunks of passes, until the tracker says stop or ``max_iter`` is reached.

    Parameters
    ----------
    steps : callable ``(first, rates) -> bool``
        Takes one pass for each of the step sizes ``rates``, an array, the first of them pass number
        ``first``; returns whether all was finite.
    chunk : int
        Passes between two reports to the tracker.
    """
    loss = program.get(bound_function)
    rates = options.learning_rate * DECAY ** (np.arange(options.max_iter) / options.max_iter)
    for first in range(0, options.max_iter, chunk):
        some = rates[first : first + chunk]
        value = float(loss(*data)) if steps(first, some) else np.nan
        if not np.isfinite(value):
            tracker.recover()
        elif tracker.update(first + len(some), value / len(data.X)):
            return


def loop(step: Callable, count: tf.Tensor, state=()):
    """Call ``step(i, state) -> (finite, state)`` in the graph for i below ``count``, while all is finite.

    Returns
    -------
    finite : boolean tensor
    state
        Tensors, nested as they came.
    """

    def going_on(i, finite, _):
        return finite & (i < count)

    start = tf.constant(0), tf.constant(True), state
    return tf.while_loop(going_on, lambda i, _, state: (i + 1, *step(i, state)), start)[1:]


def all_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether no element of any tensor is infinite or not a number."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])


class Adam:
    """Keras's Adam for some variables, with a step size that the graph sets.

    Parameters
    ----------
    variables : sequence of tf.Variable
    """

    def __init__(self, variables: Sequence[tf.Variable]):
        self.variables = variables
        self._rate = tf.Variable(0.0, trainable=False)
        # The legacy class updates a variable by one fused operation.
        self._optimizer = gpflow.keras.tf_keras.optimizers.legacy.Adam(self._rate)
        self._optimizer.apply_gradients([(tf.zeros_like(v), v) for v in variables])

    def reset(self) -> None:
        """Forget the moments and the number of steps."""
        for variable in self._optimizer.variables():
            variable.assign(tf.zeros_like(variable))

    def ascend(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor, accept: tf.Tensor) -> None:
        """Step along the gradients of an objective; where ``accept`` is False, change no variable."""
        self._rate.assign(tf.cast(tf.where(accept, learning_rate, tf.zeros_like(learning_rate)), tf.float32))
        descent = [tf.where(accept, -gradient, tf.zeros_like(gradient)) for gradient in gradients]
        self._optimizer.apply_gradients(zip(descent, self.variables, strict=True))
