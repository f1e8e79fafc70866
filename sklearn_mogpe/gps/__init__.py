"""Marginals of many sparse variational Gaussian processes in one batched computation.

Letters used throughout the package:

====  ==========================================================
N     rows of the data
D     inputs (columns of X)
P     outputs (columns of Y)
K     experts
H     latent functions of the gating network
L     latent Gaussian processes handled together
M     inducing points
B     rows in a mini-batch
S     sample points of an expectation
====  ==========================================================
"""

from . import tensorflow_start  # noqa: F401  # before any other import
from .divergence import prior_kl
from .joint import joint_moments
from .numerics import log_softmax, log_sum_exp, safe_sqrt, squared_norms
from .priors import log_density
from .projection import (
    Marginals,
    Posterior,
    Projection,
    join_marginals,
    marginals,
    posteriors_of,
    project,
    q_moments,
)
from .sparse_gp import SparseGP, joint_q, model_parameters, sparse_gps
from .stacking import assign_concatenated, stacked

__all__ = [
    "Marginals",
    "Posterior",
    "Projection",
    "SparseGP",
    "assign_concatenated",
    "join_marginals",
    "joint_moments",
    "joint_q",
    "log_density",
    "log_softmax",
    "log_sum_exp",
    "marginals",
    "model_parameters",
    "posteriors_of",
    "prior_kl",
    "project",
    "q_moments",
    "safe_sqrt",
    "sparse_gps",
    "squared_norms",
    "stacked",
]
