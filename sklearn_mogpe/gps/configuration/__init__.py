"""GPflow's parameters, priors, kernels, functions and inducing variables as plain descriptions.

======================  ====================================================================================
value of a parameter    a number, nested lists, or ``{"value": ..., "trainable": False, "prior": {...}}``, of
                        which each may be missing
prior                   ``{"name": "gamma", "concentration": 2.0, "rate": 1.0}``, see :data:`PRIORS`; with
                        ``"on": "unconstrained"`` of the unconstrained value
kernel                  ``{"name": "rbf", "lengthscales": 0.5, "variance": 1.0, "active_dims": [0]}``, see
                        :data:`KERNELS`; ``{"name": "periodic", "period": 1.0, "base": {...}}``;
                        ``{"sum": [...]}`` and ``{"product": [...]}``; a list is one for each latent function
function                ``{"name": "zero"}``, ``{"name": "constant", "c": 1.0}`` or
                        ``{"name": "linear", "A": [[1.0]], "b": 0.0}``
inducing variable       ``{"Z": [[...], ...]}``; a list is one for each latent function
sparse GP               ``inducing``, ``kernel``, ``mean_function``, ``q_diag``, ``q_mu`` and ``q_sqrt``, of
                        which a single number means all elements of the mean, and all of the root's diagonal;
                        only ``inducing`` is needed
======================  ====================================================================================

A name alone stands for a kernel or function with default values. ``"trainable": False`` holds all of a part.
Parts that share a parameter get one each.
"""

from ...descriptions.keys import PROCESS_KEYS
from ...descriptions.numbers import numbers
from .functions import FUNCTIONS, describe_function, make_function
from .inducing import describe_inducing_variable, inducing_shape, make_inducing_variable
from .kernels import KERNELS, describe_kernel, make_kernel
from .parameters import PRIORS, describe_parameter, held, make_parameter
from .processes import describe_process, process_arguments

__all__ = [
    "FUNCTIONS",
    "KERNELS",
    "PRIORS",
    "PROCESS_KEYS",
    "describe_function",
    "describe_inducing_variable",
    "describe_kernel",
    "describe_parameter",
    "describe_process",
    "held",
    "inducing_shape",
    "make_function",
    "make_inducing_variable",
    "make_kernel",
    "make_parameter",
    "numbers",
    "process_arguments",
]
