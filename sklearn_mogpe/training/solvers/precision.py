"""In which precision training steps compute what is of the size of the rows."""

import numpy as np
import tensorflow as tf

from ...data.problem import MANY_ROWS
from ...data.rows import Rows
from ...engine.program import Program
from ...engine.structure import Structure
from .base import Options

# Noise, as a part of the variance of y, from which on single precision is enough: its inverses, precisions
# of many rows, are added up to matrices whose smallest eigenvalues are 1.
MIN_NOISE = 1e-3

# Jitter with which single precision knows the rows' projections well below that noise.
JITTER = 1e-6


def precision_of_rows(structure: Structure, n_rows: int, noise: np.ndarray) -> str:
    """Precision in which a step on rows computes what is of their size, if all of them are so many.

    Single where rows are many, and noisy enough: it takes a third of the time. What is of the size of the
    inducing points has the structure's own precision.

    Parameters
    ----------
    structure : Structure
    n_rows : int
    noise : array
        Variances, as parts of those of y.
    """
    is_enough = structure.is_usual and n_rows >= MANY_ROWS and np.min(noise) >= MIN_NOISE
    return "float32" if is_enough else structure.dtype


def prepare_precision(program: Program, n_rows: int, options: Options) -> str:
    """Precision of the rows in a solver's steps; the program's jitter becomes what that needs."""
    dtype = options.dtype
    if dtype is None:
        dtype = precision_of_rows(program.structure, n_rows, _present_noise(program))
    if dtype != program.structure.dtype:
        program.set_jitter(max(JITTER, float(program.model.jitter)))
    return dtype


def in_precision(rows: Rows, dtype: str) -> Rows:
    """Rows on a device, in some precision."""
    return Rows(*(tf.cast(part, dtype) for part in rows))


def _present_noise(program):
    experts = program.model.experts
    if not program.structure.is_usual:
        return np.zeros(1)
    return np.add([e.likelihood.variance.numpy() for e in experts.experts], experts.noise_floor.numpy())
