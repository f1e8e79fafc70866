"""How well predictions agree with rows that were held out."""

import numpy as np

from ..data.rows import Rows
from ..predictive import gaussian_mixture
from ..predictive.arrays import Array


def mean_log_density(rows: Rows, weights: Array, means: Array, variances: Array) -> float:
    """Mean log density of what was measured at some rows, their known errors included.

    Parameters
    ----------
    rows : Rows
    weights : array of shape (N, C)
        Of the components that are predicted there.
    means, variances : arrays of shape (N, C, P)
        In the units of the rows.
    """
    stds = np.sqrt(variances + rows.error[:, None] ** 2)
    log_density = gaussian_mixture.log_density(rows.Y, weights, means, stds)
    return float(np.average(log_density, weights=rows.weight))
