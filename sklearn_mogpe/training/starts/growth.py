"""More inducing points for a mixture that was found with few."""

import numpy as np
import tensorflow as tf

from ...data.rows import Rows
from ...engine.program import Program, State
from ..natural_gradients.sites import Sites, assign_q, sites_of_q, weight_inside
from .divisions import spread_points
from .single import shortest_lengthscales


def grow(program: Program, state: State, rows: Rows, n_inducing: int) -> State:
    """Add inducing points to each Gaussian process, where those that it has leave most open.

    q goes along by its sites, what it says of the rows: the new q is the prior times the same.

    Parameters
    ----------
    program : Program
        Whose structure leaves the number of inducing points open.
    state : State
    rows : Rows
        That the state was trained on.
    n_inducing : int
        M of the result, no more than distinct rows.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the new q is not finite.
    """
    program.assign(state)
    data = program.data(rows)
    sites = program.get(_sites_function)(data)
    program.set_points([_more_points(gp, rows.X, n_inducing) for gp in program.model.gps])
    if not program.get(_assign_function)(data, sites):
        raise np.linalg.LinAlgError(
            f"Expected a finite q of {n_inducing} inducing points, got one that is not; try fewer n_inducing."
        )
    return program.read()


def _more_points(gp, X, n_inducing):
    Z, scales = gp.inducing_variable.Z.numpy(), shortest_lengthscales(gp, X.shape[1])
    candidates = np.concatenate([Z, X])
    return candidates[spread_points(candidates / scales, n_inducing, len(Z))]


def _sites_function(program):
    """Compile ``rows -> sites`` of the model's q."""
    model = program.model

    def function(rows):
        def objective(latents):
            return model.expected_log_lik(latents, rows.Y, rows.weight, rows.error)

        return sites_of_q(model, rows.X, objective, weight_inside(model, rows))

    return program.compile(function, program.rows_signature)


def _assign_function(program):
    """Compile ``(rows, sites) -> finite``, which gives the model the q of some sites."""
    spec = tf.TensorSpec([None, None], program.structure.dtype)

    def function(rows, sites):
        return assign_q(program.model, rows.X, sites)

    return program.compile(function, program.rows_signature, Sites(spec, spec))
