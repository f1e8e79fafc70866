"""From the estimator's parameters to a structure and settings, where ``None`` and ``"auto"`` are decided."""

import numpy as np
import tensorflow as tf

from ..rows import WHOLE_DATA_ROWS, Rows
from .fit import Settings
from .solvers import Options
from .structure import Structure, check_kernel

# First step size of Adam: where it moves the hyperparameters only, and where it moves everything.
LEARNING_RATES = {"natgrad": 0.1, "lbfgs": 0.1, "adam": 0.01}

# Iterations on the whole data, or mini-batch steps, in place of max_iter=None.
WHOLE_DATA_ITERATIONS = 200
MINI_BATCH_STEPS = 10_000

# batch_size="auto".
BATCH_SIZE = 256


def make_structure(estimator, rows: Rows) -> Structure:
    """Make the structure of an estimator's model.

    Parameters
    ----------
    estimator : MoGPERegressor
    rows : Rows
        Of which only the numbers of columns matter.

    Raises
    ------
    ValueError
        If the kernels are unknown or not one for each expert, ``n_samples`` is odd, or the device is not
        there.
    """
    kernels = estimator.kernel
    if not isinstance(kernels, list | tuple):
        kernels = [kernels] * estimator.n_experts
    if len(kernels) != estimator.n_experts:
        raise ValueError(
            f"Expected one kernel, or one for each of {estimator.n_experts} experts, got {len(kernels)}."
        )
    if estimator.n_samples % 2:
        raise ValueError(f"Expected an even number as n_samples, got {estimator.n_samples}.")
    any_number = not any(callable(kernel) for kernel in (*kernels, estimator.gating_kernel))
    return Structure(
        kernels=tuple(check_kernel(kernel, "kernel") for kernel in kernels),
        gating_kernel=check_kernel(estimator.gating_kernel, "gating_kernel"),
        n_outputs=rows.Y.shape[1],
        n_samples=estimator.n_samples,
        bound=estimator.bound,
        dtype=estimator.dtype,
        device=_check_device(estimator.device),
        n_features=None if any_number else rows.X.shape[1],
    )


def make_settings(estimator, n_rows: int, random_state, *, one_pass: bool) -> Settings:
    """Make the settings of an estimator's training.

    Parameters
    ----------
    estimator : MoGPERegressor
    n_rows : int
    random_state : numpy.random.RandomState
        Gives the seed of the mini-batches.
    one_pass : bool
        Pass once over the rows in mini-batches, whatever the solver and ``max_iter``.
    """
    solver = "adam" if one_pass else estimator.solver
    if solver == "auto":
        solver = "natgrad" if n_rows <= WHOLE_DATA_ROWS else "adam"
    batch_size = min(n_rows, BATCH_SIZE if estimator.batch_size == "auto" else estimator.batch_size)
    max_iter = 1 if one_pass else estimator.max_iter
    if max_iter is None:
        steps_per_pass = -(-n_rows // batch_size)
        max_iter = -(-MINI_BATCH_STEPS // steps_per_pass) if solver == "adam" else WHOLE_DATA_ITERATIONS
    rate = LEARNING_RATES[solver] if estimator.learning_rate is None else estimator.learning_rate
    seed = random_state.randint(np.iinfo(np.int32).max)
    return Settings(
        solver=solver,
        options=Options(max_iter, rate, batch_size, seed),
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        n_init=estimator.n_init,
        init_params=estimator.init_params,
        verbose=estimator.verbose,
    )


def _check_device(name: str) -> str:
    """Return the device's name as it is; TensorFlow would quietly take another for one that it has not."""
    devices = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    if name != "auto" and name.removeprefix("/").removeprefix("device:").upper() not in devices:
        raise ValueError(
            f'Expected "auto" or one of {["/" + device for device in devices]} as device, got {name!r}.'
        )
    return name
