"""The first step of every fit: one Gaussian process per output, fitted fast."""

from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ...data.rows import Rows
from ...engine.program import (
    JITTER,
    LEAST_NOISE,
    Candidate,
    Program,
    State,
    checkout,
    mixture_function,
)
from ...engine.structure import Structure
from ...experts import SVGPExpert
from ...gps import SparseGP, model_parameters
from ..natural_gradients.sites import Sites, assign_q, site_step
from ..solvers.lbfgs import minimize
from ..solvers.vector import pack, unpack
from ..tracking import Tracker
from .divisions import spread_points

# Lengthscales that the GP is tried from, as parts of its kernel's own times the root of the number of
# features, as which distances grow: rows that are all far from one another have nothing to teach.
STARTS = (1.0, 0.3)
MAX_ITER = 60

# Where the GP has come to rest, each lengthscale beyond the second of these is set to the first (in standard
# deviations of the feature), and training goes on for some iterations, from so many of them at most.
SHORT, LONG, TRY_ITER, TRIES = 1.0, 2.0, 15, 8

# By how much the loss per row has to fall then, and how often that may happen.
MIN_GAIN, MAX_JUMPS = 5e-3, 10

# No start has less noise than this part of the data's variance.
MIN_NOISE = 1e-12


class Single(NamedTuple):
    """A single Gaussian process fitted to the data.

    Attributes
    ----------
    state : State
    expert : State
        The parameters of its only expert, but for q and the inducing inputs, by their paths in the expert.
    lengthscales : array of shape (D,)
        The shortest over the outputs.
    noise : array of shape (P,)
        Variances of the noise, without known errors.
    residuals : array of shape (N, P)
        In units of the standard deviation of the noise, known errors included.
    """

    state: State
    expert: State
    lengthscales: np.ndarray
    noise: np.ndarray
    residuals: np.ndarray


def fit_single(structure: Structure, n_inducing: int, rows: Rows) -> Single:
    """Fit one sparse GP per output by its collapsed bound: q at its optimum, L-BFGS for the rest.

    The bound with q at its optimum is that of Titsias (2009); by the envelope theorem its gradient is that
    of the bound with the sites held.

    Parameters
    ----------
    structure : Structure
        Of a mixture, whose first kernel is taken.
    n_inducing : int
        M.
    rows : Rows

    Raises
    ------
    numpy.linalg.LinAlgError
        If no covariance matrix could be factorised, or predictions are not finite.
    """
    # In double precision, whatever the mixture's: a line search needs more digits than a float32 has.
    single = replace(
        structure,
        kernels=structure.kernels[:1],
        bound="further",
        n_samples=2,
        dtype="float64",
        experts=None,
        gating_network=None,
        n_inducing=None,
        noise="constant",
    )
    with checkout(single) as program:
        data, n_features = program.data(rows), rows.X.shape[1]
        points = rows.X[spread_points(rows.X, n_inducing)]
        candidates = []
        for factor in STARTS:
            program.reset(points, LEAST_NOISE * JITTER[structure.dtype])
            scale_lengthscales(program.model.experts.experts[0], factor * np.sqrt(n_features))
            candidates.append(_collapse(program, data, MAX_ITER))
        state = _by_jumps(program, data, min(candidates, key=lambda candidate: candidate.loss)).state
        program.assign(state)
        _, means, _ = program.get(mixture_function)(data.X)
        (expert,) = program.model.experts.experts
        noise = expert.likelihood.variance.numpy() + program.model.experts.noise_floor.numpy()
        residuals = (rows.Y - means[:, 0].numpy()) / np.sqrt(noise + rows.error**2)
        if not np.all(np.isfinite(residuals)):
            raise np.linalg.LinAlgError(
                "Expected finite predictions of a single Gaussian process, got some that are not; try "
                'another kernel, such as "matern32".'
            )
        parameters = model_parameters(expert)
        own = {path: parameter.unconstrained_variable.numpy() for path, parameter in parameters.items()}
        return Single(state, own, shortest_lengthscales(expert.gp, n_features), noise, residuals)


def _collapse(program, data, max_iter):
    function = program.get(_collapsed_function)
    tracker = Tracker(program, Candidate(np.inf, program.read()))
    no, yes = tf.constant(False), tf.constant(True)
    while True:
        try:
            theta = pack(program.hyperparameters).numpy()
            result = minimize(lambda x: function(x, data, no), theta, max_iter=max_iter)
            function(tf.constant(result.x), data, yes)
            return Candidate(result.fun / len(data.X), program.read())
        except FloatingPointError:
            tracker.recover()


def _by_jumps(program, data, candidate):
    """Leave local optima in which one lengthscale is too long, and the others have followed it.

    What changes fast with a feature, as a sine does, passes for noise under a long lengthscale; and that the
    noise would fall under one that is far shorter cannot be seen from near by.
    """
    for _ in range(MAX_JUMPS):
        for theta in _jumps(program, data, candidate.state)[:TRIES]:
            program.assign(candidate.state)
            unpack(program.hyperparameters, theta)
            try:
                if _collapse(program, data, TRY_ITER).loss < candidate.loss - MIN_GAIN:
                    candidate = _collapse(program, data, MAX_ITER)
                    break
            except np.linalg.LinAlgError:
                continue
        else:
            break
    return candidate


def _jumps(program, data, state):
    """Hyperparameters with one lengthscale that is short, those that give the least loss first."""
    program.assign(state)
    function, jumps = program.get(_collapsed_function), []
    (expert,) = program.model.experts.experts
    for parameter in expert.gp.lengthscales:
        lengthscales = np.array(parameter.numpy())
        for place in np.argwhere(lengthscales > LONG):
            shorter = lengthscales.copy()
            shorter[tuple(place)] = SHORT
            parameter.assign(shorter)
            theta = pack(program.hyperparameters)
            loss = float(function(theta, data, tf.constant(False))[0])
            if np.isfinite(loss):
                jumps.append((loss, theta))
        parameter.assign(lengthscales)
    return [theta for _, theta in sorted(jumps, key=itemgetter(0))]


def _collapsed_function(program: Program):
    """Compile ``(theta, rows, keep) -> (loss, gradient)`` by the hyperparameters, q at its optimum.

    ``keep`` says whether the model gets that q.
    """
    model, variables = program.model, program.hyperparameters

    def function(theta, rows, keep):
        unpack(variables, theta)

        def objective(latents):
            expected = model.expected_log_lik(latents, rows.Y, rows.weight, rows.error)
            return expected + model.log_prior_density()

        # A row of weight w says exp(-w (y - g)^2 / (2 noise)) of its projection g: the sites of the best q.
        known = model.experts.noise_floor[:, None] + tf.transpose(tf.square(rows.error))
        noise = model.experts.noise_variance(rows.X)[0] + known
        precision = rows.weight / noise
        sites = Sites(precision * tf.transpose(rows.Y), precision)
        value, gradients, _ = site_step(model, rows.X, sites, objective, variables, 1.0)
        tf.cond(keep, lambda: assign_q(model, rows.X, sites), lambda: False)
        return -value, -pack(gradients)

    return program.compile(
        function, tf.TensorSpec([None], tf.float64), program.rows_signature, tf.TensorSpec([], tf.bool)
    )


def shortest_lengthscales(gp: SparseGP, input_dim: int) -> np.ndarray:
    """The shortest lengthscale of each feature among a GP's kernels; ones if they have none."""
    values = [parameter.numpy() for parameter in gp.lengthscales]
    fitting = [np.broadcast_to(v, input_dim) for v in values if np.shape(v) in ((), (input_dim,))]
    return np.min(fitting, axis=0) if fitting else np.ones(input_dim)


def scale(expert: SVGPExpert, noise_factor, lengthscale_factor) -> None:
    """Multiply an expert's noise variance and its lengthscales, if its kernel has such."""
    scale_lengthscales(expert, lengthscale_factor)
    variance = expert.likelihood.variance
    variance.assign(tf.maximum(variance * noise_factor, MIN_NOISE))  # type: ignore[union-attr]  # no function


def scale_lengthscales(expert: SVGPExpert, factor) -> None:
    """Multiply an expert's lengthscales, if its kernel has such."""
    for parameter in expert.gp.lengthscales:
        parameter.assign(parameter * factor)
