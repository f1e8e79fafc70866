"""What the solvers that take gradient steps in the graph have in common."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import gpflow
import numpy as np
import tensorflow as tf

from ..program import Program, bound_function
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

    A chunk ends where the bound is looked at. Where somebody watches, it is taken in pieces, which are the
    same steps. Goes on where a run that is resumed was broken off.

    Parameters
    ----------
    steps : callable ``(first, pieces) -> iterator of (finite, loss)``
        Takes the steps of a chunk, the first of them step number ``first``, one for each of the step sizes in
        ``pieces``, arrays. After each piece it gives whether all was finite, and the loss of all rows as the
        piece's mini-batches estimate it, or None if each step saw all rows. Ends early if there are no more
        rows.
    optimizer : Adam
        Which takes the steps.
    """
    optimizer.reset()
    if tracker.resume(optimizer.state):
        return
    done = round(tracker.n_iter * options.steps_per_iter)
    bound = program.get(bound_function)
    rates = options.learning_rate * DECAY ** (np.arange(options.n_steps) / options.n_steps)

    def look():
        return float(bound(*feed.look)) / feed.num_data

    for first in range(done, options.n_steps, options.report_every):
        ends = _ends(first, options)
        pieces = [rates[begin:end] for begin, end in pairwise([first, *ends])]
        finite = None
        for end, (finite, value) in zip(ends, steps(first, pieces), strict=False):
            if not finite:
                break
            estimate = None if value is None else float(value) / feed.num_data
            if end < ends[-1]:
                loss = look() if value is None else None
                tracker.watch(end / options.steps_per_iter, loss, estimate)
        if finite is None:
            return
        loss = look() if finite else np.nan
        if not np.isfinite(loss):
            tracker.recover()
        elif tracker.update(ends[-1] / options.steps_per_iter, loss, estimate):
            return


def _ends(first, options):
    """Steps after which the pieces of a chunk end, the last of them after the chunk."""
    last = min(first + options.report_every, options.n_steps)
    every = options.watch_every or options.n_steps
    return [*range(first - first % every + every, last, every), last]


def on_batches(
    program: Program, feed: Feed, options: Options, steps: Callable, start: Callable = tuple
) -> Callable:
    """Steps for :func:`in_chunks`, each on further rows of the feed.

    Parameters
    ----------
    steps : callable ``(X, Y, weight, rates, *memory) -> finite, loss, *memory``
        Takes a step for each rate, on equal parts of the rows.
    start : callable ``() -> memory``, default=tuple
        What the first steps of a chunk remember.
    """

    def on_rows(first, pieces):
        n_steps, memory = sum(map(len, pieces)), start()
        try:
            rows = feed.draw(first * options.batch_size, n_steps * options.batch_size)
        except StopIteration:
            return
        n_steps = min(n_steps, -(-len(rows.X) // options.batch_size))  # fewer, where a stream ends
        size, taken = len(rows.X) // n_steps, 0
        for piece in pieces:
            rates = piece[: n_steps - taken]
            if not len(rates):
                return
            part = slice(taken * size, (taken + len(rates)) * size)
            data = program.put(*(values[part] for values in rows))
            finite, loss, *memory = steps(*data, program.tensor(rates), *memory)
            yield finite, loss
            taken += len(rates)

    return on_rows


def loop_over_batches(step: Callable, X, Y, weight, rates: tf.Tensor, state=()):
    """:func:`loop` of ``step((X, Y, weight), rate, state)``, each rate with its equal part of the rows.

    Parameters
    ----------
    step : callable ``(batch, rate, state) -> finite, value, state``

    Returns
    -------
    finite : boolean tensor
    value : scalar tensor
        Mean over the steps.
    state
    """
    n_steps = tf.size(rates)
    size = tf.shape(X)[0] // n_steps

    def on_part(i, state):
        total, state = state
        part = slice(i * size, (i + 1) * size)
        finite, value, state = step((X[part], Y[part], weight[part]), rates[i], state)
        return finite, (total + value, state)

    finite, (total, state) = loop(on_part, n_steps, (tf.zeros([], X.dtype), state))
    return finite, total / tf.cast(n_steps, X.dtype), state


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

    @tf.function(autograph=False)
    def reset(self) -> None:
        """Forget the moments and the number of steps."""
        self.count.assign(0.0)
        for variable, moments in zip(self.variables, self._moments, strict=True):
            for moment in moments:
                moment.assign(tf.zeros_like(variable))

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
