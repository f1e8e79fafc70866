"""In which precision training steps compute what is of the size of the rows."""

from typing import Any

import numpy as np
import tensorflow as tf

from ...data.problem import MANY_ROWS
from ...data.rows import Rows
from ...engine.program import Program
from ...engine.structure import Structure
from .base import Feed, Options

# Noise, as a part of the variance of y, from which on single precision is enough: its inverses, precisions
# of many rows, are added up to matrices whose smallest eigenvalues are 1.
MIN_NOISE = 1e-3

# Mixing probability below which an expert's noise at a row does not matter.
LEAST_SHARE = 1e-2

# Jitter with which single precision knows the rows' projections well below that noise.
JITTER = 1e-6


def precision_of_rows(structure: Structure, n_rows: int, noise: Any) -> str:
    """Precision in which a step on rows computes what is of their size, if all of them are so many.

    Single where rows are many, and noisy enough: it takes a third of the time. What is of the size of the
    inducing points has the structure's own precision.

    Parameters
    ----------
    structure : Structure
    n_rows : int
    noise : float or array
        Variances, as parts of those of y.
    """
    is_enough = structure.is_usual and n_rows >= MANY_ROWS and np.min(noise) >= MIN_NOISE
    return "float32" if is_enough else structure.dtype


def prepare_precision(program: Program, feed: Feed, options: Options) -> str:
    """Precision of the rows in a solver's steps; the program's jitter becomes what that needs."""
    dtype, structure = options.dtype, program.structure
    if dtype is None:
        dtype = precision_of_rows(structure, feed.num_data, np.inf)
        if dtype != structure.dtype:
            dtype = precision_of_rows(structure, feed.num_data, program.get(_least_noise)(feed.evaluation))
    if dtype != structure.dtype:
        program.set_jitter(max(JITTER, float(program.model.jitter)))
    return dtype


def in_precision(rows: Rows, dtype: str) -> Rows:
    """Rows on a device, in some precision."""
    return Rows(*(tf.cast(part, dtype) for part in rows))


def _least_noise(program):
    """Compile ``rows -> the smallest noise variance`` that an expert has at any of them."""

    def least(rows):
        latents = program.model.latents(rows.X)
        noise = latents.noise_at(tf.zeros([1, 1, 1, 1], rows.X.dtype))
        likely = latents.gating_network.integrated_log_mixing_probs(latents.gates) > np.log(LEAST_SHARE)
        speaks = tf.transpose(likely)[None, :, None]
        return tf.reduce_min(tf.where(speaks, noise, np.inf))

    return program.compile(least, program.rows_signature)
