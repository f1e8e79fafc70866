"""Natural gradients for every q, Adam for the hyperparameters, on mini-batches."""

import tensorflow as tf

from ...engine.program import Program
from ...engine.replicas import mean_over_replicas
from ..natural_gradients.batch_sites import batch_step
from ..natural_gradients.naturals import assign_naturals, naturals_of_q, prior_kl
from ..tracking import Tracker
from .feed import Feed
from .options import Options
from .steps import Adam, all_finite, entry, in_chunks, loop_over_batches, on_batches

# Steps in which Adam comes to its full size. Its first ones know only the signs of the derivatives, and would
# throw the inducing inputs about.
WARM_UP = 100


def batch_natgrad(program: Program, feed: Feed, tracker: Tracker, options: Options) -> None:
    """Raise the bound by natural gradients and Adam, each step on some of the rows.

    Both have the same step sizes, once Adam is warm.
    See :mod:`sklearn_mogpe.training.solvers` for the parameters.
    """
    steps, optimizer = program.get(_compiled, tf.distribute.get_strategy())
    on_rows = on_batches(program, feed, options, steps)
    in_chunks(program, feed, tracker, options, on_rows, optimizer)


def _compiled(program, strategy):
    model, optimizer = program.model, Adam(program.hyperparameters)

    def step(batch, rate, naturals):
        step_size = tf.minimum(rate, tf.ones_like(rate))

        def on_part(part):
            X, Y, weight = part

            def objective(latents):
                return model.expected_log_lik(latents, Y, weight) + model.log_prior_density()

            return batch_step(model, X, naturals, objective, optimizer.variables, step_size)

        value, gradients, moved = mean_over_replicas(strategy, on_part, batch)
        finite = all_finite([*gradients, *moved])
        warmth = tf.minimum((optimizer.count + 1.0) / WARM_UP, 1.0)
        optimizer.ascend(gradients, warmth * rate, finite)
        return finite, value, moved

    def finish(value, naturals):
        return entry(program, prior_kl(naturals) - value)

    def steps(X, Y, weight, rates, ends):
        start = naturals_of_q(model)
        finite, trace, naturals = loop_over_batches(step, finish, X, Y, weight, rates, ends, start)
        return finite & assign_naturals(model.gps, naturals), trace

    vector = tf.TensorSpec([None], program.structure.dtype)
    return program.compile(steps, *program.data_signature, vector, vector), optimizer
