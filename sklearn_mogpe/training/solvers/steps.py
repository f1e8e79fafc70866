"""What the solvers that take gradient steps in the graph have in common."""

from collections.abc import Callable, Sequence

import gpflow
import numpy as np
import tensorflow as tf

from ...data.rows import Rows
from ...engine.program import Program, bound_function
from ..tracking import Tracker
from .base import Feed, Options

# The last step size of Adam, as a part of the first.
DECAY = 0.1

# Adam's usual decay rates of the first and the second moment, and its guard against a division by zero.
MOMENTS = (0.9, 0.999)
EPSILON = 1e-7


def in_chunks(
    program: Program, feed: Feed, tracker: Tracker, options: Options, steps: Callable, optimizer: "Adam"
) -> None:
    """Take chunks of steps, until the tracker says stop, all are taken or the rows have ended.

    A chunk that fails is taken again, from the best parameters and with shorter steps. Goes on where a run
    that is resumed was broken off.

    Parameters
    ----------
    steps : callable ``(first, rates) -> finite``
        Takes one step for each of the step sizes ``rates``, a tensor, the first of them step number
        ``first``; returns whether all was finite. Raises StopIteration if there are no more rows.
    optimizer : Adam
        Which takes the steps.
    """
    optimizer.reset()
    if tracker.resume(optimizer.state):
        return
    done = round(tracker.n_iter * options.steps_per_iter)
    loss = program.get(bound_function)
    rates = options.learning_rate * DECAY ** (np.arange(options.n_steps) / options.n_steps)

    def loss_after(first, some):
        finite = steps(first, program.tensor(tracker.step_scale * some))
        return float(loss(feed.evaluation)) if finite else np.nan

    for first in range(done, options.n_steps, options.report_every):
        some = rates[first : first + options.report_every]
        try:
            while not np.isfinite(value := loss_after(first, some)):
                tracker.recover()
                optimizer.reset()
        except StopIteration:
            return
        if tracker.update((first + len(some)) / options.steps_per_iter, value / feed.num_data):
            return


def on_batches(feed: Feed, options: Options, steps: Callable) -> Callable:
    """Steps for :func:`in_chunks`, each on further rows of the feed.

    Parameters
    ----------
    steps : callable ``(rows, rates) -> finite``
        Takes a step for each rate, on equal parts of the rows.
    """

    def on_rows(first, rates):
        rows = feed.draw(first * options.batch_size, len(rates) * options.batch_size)
        n_steps = -(-len(rows.X) // options.batch_size)  # fewer, where a stream ends
        return steps(rows, rates[:n_steps])

    return on_rows


def loop_over_batches(step: Callable, rows: Rows, rates: tf.Tensor, state) -> tuple:
    """:func:`loop` of ``step(batch, rate, state)``, each rate with its equal part of the rows."""
    size = tf.shape(rows.X)[0] // tf.size(rates)

    def on_part(i, state):
        batch = rows.part(slice(i * size, (i + 1) * size))
        return step(batch, rates[i], state)

    return loop(on_part, rates, state)


def loop(step: Callable, rates: tf.Tensor, state) -> tuple:
    """Take steps in the graph, one for each rate, as long as all is finite.

    Parameters
    ----------
    step : callable ``(i, state) -> finite, state``
    rates : tensor of shape (n_steps,)
    state
        Tensors, nested as they like.

    Returns
    -------
    finite : boolean tensor
    state
    """
    start = tf.constant(0), tf.constant(True), state
    _, finite, state = tf.while_loop(
        lambda i, finite, _: finite & (i < tf.size(rates)),
        lambda i, _, state: (i + 1, *step(i, state)),
        start,
    )
    return finite, state


def all_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether no element of any tensor is infinite, not a number, or so large that its square is infinite."""
    norms = [tf.cast(tf.nn.l2_loss(tensor), gpflow.default_float()) for tensor in tensors]
    return tf.math.is_finite(tf.add_n(norms))


class Adam:
    """Adam (Kingma and Ba 2015) for variables whose sizes may change between runs.

    Parameters
    ----------
    variables : sequence of tf.Variable

    Attributes
    ----------
    count : tf.Variable
        Number of steps so far.
    """

    def __init__(self, variables: Sequence[tf.Variable]):
        self.variables = variables
        self._moments = [tuple(_like(variable) for _ in MOMENTS) for variable in variables]
        self.count = tf.Variable(0.0, trainable=False, dtype=gpflow.default_float())

    @property
    def state(self) -> list[tf.Variable]:
        """The moments and the number of steps."""
        return [*(moment for moments in self._moments for moment in moments), self.count]

    def reset(self) -> None:
        """Forget the moments and the number of steps."""
        self.count.assign(0.0)
        for variable, moments in zip(self.variables, self._moments, strict=True):
            # The operations themselves: the methods of variables take several times as long.
            zeros = tf.raw_ops.ZerosLike(
                x=tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)
            )
            for moment in moments:
                tf.raw_ops.AssignVariableOp(resource=moment.handle, value=zeros)

    def ascend(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor, accept: tf.Tensor) -> None:
        """Step along the gradients of an objective; where ``accept`` is False, change no variable."""
        count = self.count.assign_add(1.0)
        beta1, beta2, epsilon = (tf.constant(value, count.dtype) for value in (*MOMENTS, EPSILON))
        power1, power2 = beta1**count, beta2**count
        descent = -tf.where(accept, learning_rate, 0.0)
        for variable, (m, v), gradient in zip(self.variables, self._moments, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=descent,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=tf.where(accept, gradient, 0.0),
            )


def _like(variable):
    return tf.Variable(tf.zeros_like(variable), shape=variable.shape, trainable=False)
