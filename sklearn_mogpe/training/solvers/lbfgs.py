"""L-BFGS for all parameters, on the whole data's bound, which the fixed points make deterministic."""

import numpy as np
import scipy.optimize
import tensorflow as tf

from ...engine.devices import one_thread
from ...engine.program import Program
from ..tracking import Tracker
from .base import Feed, Options, Solver
from .vector import pack, unpack

# Pairs of vectors that L-BFGS remembers: more help here, as a gradient costs much more than they do.
MEMORY = 20


def lbfgs(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by SciPy's L-BFGS-B.

    See :class:`~sklearn_mogpe.training.solvers.Solver` for the parameters; the learning rate has no meaning.
    """
    loss_and_gradient = program.get(loss_and_gradient_function)

    def after_iteration(intermediate_result):
        unpack(program.trainable, intermediate_result.x)
        if tracker.update(tracker.n_iter + 1, intermediate_result.fun / feed.num_data):
            raise StopIteration

    if tracker.resume():
        return
    while tracker.n_iter < options.n_steps:
        try:
            result = minimize(
                lambda theta: loss_and_gradient(theta, feed.evaluation),
                pack(program.trainable).numpy(),
                max_iter=options.n_steps - tracker.n_iter,
                callback=after_iteration,
            )
        except FloatingPointError:
            tracker.recover()
        else:
            tracker.converged |= result.success
            return


def minimize(function, start, *, max_iter, callback=None):
    """Run SciPy's L-BFGS-B on a compiled ``theta -> (loss, gradient)``.

    Raises
    ------
    FloatingPointError
        If the loss or its gradient is not finite at the start.
    """
    wall = None  # what a line search gets where it has gone too far

    def evaluate(theta):
        nonlocal wall
        loss, gradient = (value.numpy() for value in function(tf.constant(theta)))
        if np.isfinite(loss) and np.all(np.isfinite(gradient)):
            if wall is None:
                wall = float(loss) + abs(float(loss)) + len(theta)
            return float(loss), gradient.astype(float)
        if wall is None:
            raise FloatingPointError("the loss or its gradient is not finite")
        return wall, np.zeros_like(theta)

    options = {"maxiter": max_iter, "maxcor": MEMORY, "maxfun": 100 * max_iter, "ftol": 1e-12, "gtol": 1e-8}
    with one_thread():
        return scipy.optimize.minimize(
            evaluate, start.astype(float), jac=True, method="L-BFGS-B", callback=callback, options=options
        )


def loss_and_gradient_function(program: Program):
    """Compile ``(theta, rows) -> (loss, gradient)``; it assigns theta to the program's variables."""
    variables = program.trainable

    def function(theta, rows):
        unpack(variables, theta)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            loss = program.model.training_loss(rows)
        return loss, pack(tape.gradient(loss, variables, unconnected_gradients="zero"))

    return program.compile(function, tf.TensorSpec([None], tf.float64), program.rows_signature)


def _n_steps(n_rows, batch_size):
    return 200


LBFGS = Solver(
    "lbfgs",
    lbfgs,
    in_batches=False,
    is_natural=False,
    n_steps=_n_steps,
    learning_rate=0.1,
    report_every=1,
)
