"""Natural gradients for every q, Adam for the hyperparameters, on the whole data."""

import tensorflow as tf

from ...engine.program import Program
from ..natural_gradients.sites import assign_q, site_step, sites_of_q
from ..tracking import Tracker
from .feed import Feed
from .options import Options
from .steps import Adam, all_finite, entry, in_chunks, loop

# A natural gradient step of 1 solves the present Gaussian problem, but overshoots where gate and experts
# compete for a row; half of it is nearly as fast and stays stable.
STEP_SIZE = 0.5


def natgrad(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the whole data's bound by natural gradients for q and Adam for the hyperparameters.

    One iteration is one pass over the data. See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(natgrad_steps)

    def on_all(_, rates, ends):
        return steps(*feed.evaluation, rates, program.tensor(ends))

    in_chunks(program, feed, tracker, options, on_all, optimizer)


def natgrad_steps(program: Program):
    """Compile ``(X, Y, weight, rates, ends) -> finite, trace``; return it and the optimizer."""
    model, optimizer = program.model, Adam(program.hyperparameters)

    def steps(X, Y, weight, rates, ends):
        def objective(latents):
            return model.expected_log_lik(latents, Y, weight) + model.log_prior_density()

        def step(i, sites):
            value, gradients, moved = site_step(model, X, sites, objective, optimizer.variables, STEP_SIZE)
            finite = all_finite([*gradients, *moved])
            optimizer.ascend(gradients, rates[i], finite)
            return finite, value, moved

        def finish(value, _):
            return entry(program, -value)

        finite, trace, sites = loop(step, finish, ends, sites_of_q(model, X, objective))
        return finite & assign_q(model, X, sites), trace

    vector = tf.TensorSpec([None], program.structure.dtype)
    return program.compile(steps, *program.data_signature, vector, vector), optimizer
