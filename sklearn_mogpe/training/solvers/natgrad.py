"""Natural gradients for every q, Adam for the hyperparameters, on the whole data."""

import tensorflow as tf

from ..natural import assign, natural_step
from ..program import Data, Program
from ..tracking import Tracker
from .gradient import Adam, all_finite, in_chunks, loop
from .options import Options

# A natural gradient step of 1 solves the present Gaussian problem, but overshoots where gate and experts
# compete for a row; half of it is nearly as fast and stays stable.
STEP_SIZE = 0.5


def natgrad(program: Program, data: Data, tracker: Tracker, options: Options) -> None:
    """Raise the whole data's bound by natural gradients for q and Adam for the hyperparameters.

    One iteration is one pass over the data. See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(_compiled)
    optimizer.reset()
    in_chunks(program, data, tracker, options, lambda first, rates: steps(*data, rates))


def _compiled(program):
    model, optimizer = program.model, Adam(program.hyperparameters)

    def step(X, Y, weight, learning_rate):
        def objective(latents):
            return model.expected_log_lik(latents, Y, weight) + model.log_prior_density()

        _, gradients, q = natural_step(model, X, objective, optimizer.variables, STEP_SIZE)
        finite = all_finite([*gradients, *(value for _, *values in q for value in values)])
        assign(q, finite)
        optimizer.ascend(gradients, learning_rate, finite)
        return finite

    def steps(X, Y, weight, rates):
        return loop(lambda i: step(X, Y, weight, rates[i]), tf.size(rates))

    rates = tf.TensorSpec([None], program.structure.dtype)
    return program.compile(steps, *program.data_signature, rates), optimizer
