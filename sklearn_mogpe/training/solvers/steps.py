"""What the solvers that take gradient steps in the graph have in common."""

from collections.abc import Callable, Sequence

import gpflow
import numpy as np
import tensorflow as tf

from ...engine.program import Program, bound_function
from ..listeners import Mark
from ..tracking import Tracker
from .feed import Feed
from .options import Options

# The last step size of Adam, as a part of the first.
DECAY = 0.1

# Adam's usual decay rates of the first and the second moment, and its guard against a division by zero.
MOMENTS = (0.9, 0.999)
EPSILON = 1e-7


def in_chunks(
    program: Program, feed: Feed, tracker: Tracker, options: Options, steps: Callable, optimizer: "Adam"
) -> None:
    """Take chunks of steps, until the tracker says stop, all are taken or the rows have ended.

    Goes on where a run that is resumed was broken off.

    Parameters
    ----------
    steps : callable ``(first, rates, ends) -> finite, trace``
        Takes one step for each of the step sizes ``rates``, an array, the first of them step number
        ``first``; returns whether all was finite, and the trace of :func:`loop`. Raises StopIteration if
        there are no more rows.
    optimizer : Adam
        Which takes the steps.
    """
    optimizer.reset()
    if tracker.resume(optimizer.state):
        return
    done = round(tracker.n_iter * options.steps_per_iter)
    loss = program.get(bound_function)
    rates = options.learning_rate * DECAY ** (np.arange(options.n_steps) / options.n_steps)
    for first in range(done, options.n_steps, options.report_every):
        some = program.tensor(rates[first : first + options.report_every])
        last = first + len(some)
        every = options.trace_every or options.n_steps
        ends = [*range(first - first % every + every, last, every), last]
        try:
            finite, trace = steps(first, some, [end - first for end in ends])
        except StopIteration:
            return
        value = float(loss(*feed.evaluation)) if finite else np.nan
        if not np.isfinite(value):
            tracker.recover()
            continue
        pairs = zip(ends, trace.numpy(), strict=False)
        marks = [Mark(end, row[0] / feed.num_data, row[1:]) for end, row in pairs]
        if tracker.update(last / options.steps_per_iter, value / feed.num_data, marks):
            return


def on_batches(program: Program, feed: Feed, options: Options, steps: Callable) -> Callable:
    """Steps for :func:`in_chunks`, each on further rows of the feed.

    Parameters
    ----------
    steps : callable ``(X, Y, weight, rates, ends) -> finite, trace``
        Takes a step for each rate, on equal parts of the rows.
    """

    def on_rows(first, rates, ends):
        rows = feed.draw(first * options.batch_size, len(rates) * options.batch_size)
        n_steps = min(len(rates), -(-len(rows.X) // options.batch_size))  # fewer, where a stream ends
        ends = [*(end for end in ends if end < n_steps), n_steps]
        return steps(*rows, rates[:n_steps], program.tensor(ends))

    return on_rows


def loop_over_batches(step: Callable, finish: Callable, X, Y, weight, rates: tf.Tensor, ends, state=()):
    """:func:`loop` of ``step((X, Y, weight), rate, state)``, each rate with its equal part of the rows."""
    size = tf.shape(X)[0] // tf.size(rates)

    def on_part(i, state):
        part = slice(i * size, (i + 1) * size)
        return step((X[part], Y[part], weight[part]), rates[i], state)

    return loop(on_part, finish, ends, state)


def loop(step: Callable, finish: Callable, ends: tf.Tensor, state):
    """Take steps in the graph, as long as all is finite, and leave a trace.

    Parameters
    ----------
    step : callable ``(i, state) -> finite, value, state``
        The value is the objective's before the step.
    finish : callable ``(value, state) -> entry``
        Is called after the steps of each piece, with the mean of their values; the entry is a vector.
    ends : tensor of shape (n_pieces,)
        Number of the steps that are taken when a piece ends.
    state
        Tensors, nested as they like.

    Returns
    -------
    finite : boolean tensor
    trace : tensor of shape (n_pieces, ...)
        The pieces' entries.
    state
    """
    dtype = gpflow.default_float()
    ends = tf.cast(ends, tf.int32)
    trace = tf.TensorArray(dtype, tf.size(ends), element_shape=[None])

    def piece(j, i, _, trace, state):
        def going_on(i, finite, *_):
            return finite & (i < ends[j])

        def body(i, _, total, state):
            finite, value, state = step(i, state)
            return i + 1, finite, total + value, state

        start = i, tf.constant(True), tf.zeros([], dtype), state
        _, finite, total, state = tf.while_loop(going_on, body, start)
        mean = total / tf.cast(ends[j] - i, dtype)
        return j + 1, ends[j], finite, trace.write(j, finish(mean, state)), state

    start = tf.constant(0), tf.constant(0), tf.constant(True), trace, state
    result = tf.while_loop(lambda j, _, finite, *__: finite & (j < tf.size(ends)), piece, start)
    _, _, finite, trace, state = result
    return finite, trace.stack(), state


def entry(program: Program, loss: tf.Tensor) -> tf.Tensor:
    """Of a trace: the loss of all rows as the last steps saw it, then the small parameters."""
    return tf.concat([loss[None], program.curves.pack()], 0)


def all_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether no element of any tensor is infinite, not a number, or so large that its square is infinite."""
    return tf.math.is_finite(tf.add_n([tf.nn.l2_loss(tensor) for tensor in tensors]))


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
