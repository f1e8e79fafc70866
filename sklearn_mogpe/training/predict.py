"""From the state of a fitted mixture to predictions and to its GPflow model."""

import numpy as np

from ..mixture_of_experts import MixtureOfSVGPExperts
from ..rows import Scales
from .program import State, building, checkout, mixture_function, variables_of
from .structure import KERNELS, Structure

# Rows that one call predicts for: bounds the memory, whatever the number of rows asked for.
ROWS_PER_CALL = 4096


def predict_mixture(structure: Structure, state: State, X) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components of the predictive density at X, in standardised units.

    Parameters
    ----------
    structure : Structure
    state : State
    X : array of shape (N, D)

    Returns
    -------
    weights : array of shape (N, K)
    means, variances : arrays of shape (N, K, P)
        All in double precision.
    """
    with checkout(structure) as program:
        program.assign(state)
        function = program.get(mixture_function)
        starts = range(0, len(X), ROWS_PER_CALL)
        chunks = [function(program.tensor(X[i : i + ROWS_PER_CALL])) for i in starts]
    weights, means, variances = (np.concatenate(part).astype(float) for part in zip(*chunks, strict=True))
    return weights / weights.sum(axis=1, keepdims=True), means, variances


def build_model(structure: Structure, state: State) -> MixtureOfSVGPExperts:
    """Make a GPflow model of its own with the fitted parameters."""
    n_inducing, n_features = next(np.shape(value) for path, value in state.items() if path.endswith(".Z"))
    with building(structure):
        model = structure.build(n_features, n_inducing)
    for path, variable in variables_of(model).items():
        variable.assign(state[path])
    return model


def describe_experts(model: MixtureOfSVGPExperts, scales: Scales) -> list[dict[str, np.ndarray]]:
    """Noise, amplitude and lengthscales of each expert, in the units of the data.

    Returns
    -------
    list of dict
        Each with ``noise_std`` (P,) and, if all its kernels are of the named classes, ``signal_std`` (P,) and
        ``lengthscales`` (P, D).
    """
    return [_describe(expert, scales) for expert in model.experts.experts]


def _describe(expert, scales):
    result = {"noise_std": np.sqrt(expert.likelihood.variance.numpy()) * scales.Y.scale}
    kernels = [kernel for kernel, _ in expert.gp.latents]
    if all(type(kernel) in KERNELS.values() for kernel in kernels):
        variances = np.array([kernel.variance.numpy() for kernel in kernels])
        result["signal_std"] = np.sqrt(variances) * scales.Y.scale
        result["lengthscales"] = np.array(
            [kernel.lengthscales.numpy() * scales.X.scale for kernel in kernels]
        )
    return result
