"""Natural gradients for every q, Adam for the hyperparameters, on the whole data."""

import tensorflow as tf

from ..program import Program
from ..sites import Sites, assign_q, site_step, sites_of_q
from ..tracking import Tracker
from .feed import Feed
from .gradient import Adam, all_finite, in_chunks, loop
from .options import Options

# A natural gradient step of 1 solves the present Gaussian problem, but overshoots where gate and experts
# compete for a row; half of it is nearly as fast and stays stable.
STEP_SIZE = 0.5


def natgrad(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the whole data's bound by natural gradients for q and Adam for the hyperparameters.

    One iteration is one pass over the data. See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    start, (steps, optimizer) = program.get(_start), program.get(_compiled)

    def on_all(_, pieces):
        sites = start(*feed.look)
        for piece in pieces:
            finite, *sites = steps(*feed.look, program.tensor(piece), *sites)
            yield finite, None

    in_chunks(program, feed, tracker, options, on_all, optimizer)


def _objective(model, Y, weight):
    return lambda latents: model.expected_log_lik(latents, Y, weight) + model.log_prior_density()


def _start(program):
    def start(X, Y, weight):
        return sites_of_q(program.model, X, _objective(program.model, Y, weight))

    return program.compile(start, *program.data_signature)


def _compiled(program):
    model, optimizer = program.model, Adam(program.hyperparameters)

    def steps(X, Y, weight, rates, *sites):
        objective = _objective(model, Y, weight)

        def step(i, sites):
            _, gradients, moved = site_step(model, X, sites, objective, optimizer.variables, STEP_SIZE)
            finite = all_finite([*gradients, *moved])
            optimizer.ascend(gradients, rates[i], finite)
            return finite, moved

        finite, sites = loop(step, tf.size(rates), Sites(*sites))
        return finite & assign_q(model, X, sites), *sites

    rates, linear, precision = (tf.TensorSpec([None] * rank, program.structure.dtype) for rank in (1, 2, 2))
    return program.compile(steps, *program.data_signature, rates, linear, precision), optimizer
