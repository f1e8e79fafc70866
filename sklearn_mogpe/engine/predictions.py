"""From the state of a fitted mixture to predictions and to its GPflow model."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import gpflow
import numpy as np
import tensorflow as tf

from ..data.rows import Scales
from ..experts import SVGPExpert
from ..gps import Posterior, joint_moments
from ..gps.covariances import takes_all_columns
from ..gps.sparse_gp import batches
from ..mixture_of_experts import MixtureOfExpertsBase, MixtureOfSVGPExperts
from .program import Program, State, building, checkout, variables_of
from .structure import KERNELS, Structure

# Rows that one call predicts for: bounds the memory, whatever the number of rows asked for. Of 256 to 16384,
# 1024 to 4096 were fastest.
ROWS_PER_CALL = 2048

# Rows that can be asked for jointly: a function's covariance takes 200 MB then, and 1 GB while it is made.
MAX_JOINT_ROWS = 5000


def predict_mixture(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components of the predictive density at X, in the units of the data.

    Parameters
    ----------
    structure : Structure
    state : State
    scales : Scales
    X : array of shape (N, D)
        Read block by block; it may be on disk.

    Returns
    -------
    weights : array of shape (N, K)
    means, stds : arrays of shape (N, K, P)
        All in double precision.
    """
    weights, means, variances = _in_blocks(_mixture_function, structure, state, scales, X)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, scales.Y.inverse_transform(means), scales.Y.scale * np.sqrt(variances)


def predict_gating_functions(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (N, H) of the gate's functions at X (N, D), in double precision."""
    means, variances = _in_blocks(_gates_function, structure, state, scales, X)
    return means, np.sqrt(variances)


def predict_latent_functions(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (N, K, P) of the experts' functions at X (N, D), in the units of y."""
    means, variances = _in_blocks(_experts_function, structure, state, scales, X)
    return scales.Y.inverse_transform(means), scales.Y.scale * np.sqrt(variances)


def _experts_function(program):
    def experts(latents):
        functions = latents.experts
        return tf.transpose(functions.mean, (2, 0, 1)), tf.transpose(functions.variance, (2, 0, 1))

    return _compiled(program, experts)


def predict_joint_functions(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means (N, K, P) and covariances (K, P, N, N) of the experts' functions over X (N, D), in units of y.

    Raises
    ------
    ValueError
        If there are too many rows, or the functions of an expert have no known covariance.
    """
    if len(X) > MAX_JOINT_ROWS:
        raise ValueError(
            f"Expected at most {MAX_JOINT_ROWS} rows, since a joint covariance has as many rows and columns, "
            f"got {len(X)}; try a coarser grid and interpolate between its rows."
        )
    # What inducing points leave open is a small difference of large numbers, for which single is too little.
    with checkout(replace(structure, dtype="float64")) as program:
        program.assign(state)
        parts = program.get(_joint_function)(_standardised(program, scales, X))
    mean, covariance = (part.numpy() for part in parts)
    _check_finite([mean, covariance], X)
    return scales.Y.inverse_transform(mean), scales.Y.scale[:, None, None] ** 2 * covariance


def _joint_function(program):
    experts = program.model.experts.experts
    others = sorted({type(expert).__name__ for expert in experts if not isinstance(expert, SVGPExpert)})
    if others:
        raise ValueError(
            f"Expected experts of SVGPExpert, whose functions' covariances are known, got {others}; "
            "predict_latent_functions gives each row's mean and standard deviation."
        )

    def joint(X):
        moments = [joint_moments(expert.gp, X, program.jitter) for expert in experts]
        mean, covariance = (tf.stack(part) for part in zip(*moments, strict=True))
        return tf.transpose(mean, (2, 0, 1)), covariance

    return program.compile(joint, program.rows_signature.X)


def _gates_function(program):
    def gates(latents):
        functions = latents.gates
        return tf.transpose(functions.mean), tf.transpose(functions.variance)

    return _compiled(program, gates)


def predict_variances(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each expert at X (N, D), in the units of y: what the variance of the mixture is made of.

    Returns
    -------
    weights : array of shape (N, K)
    means, function_variances, noise_variances : arrays of shape (N, K, P)
    """
    weights, means, *variances = _in_blocks(_variances_function, structure, state, scales, X)
    weights /= weights.sum(axis=1, keepdims=True)
    functions, noises = (scales.Y.scale**2 * variance for variance in variances)
    return weights, scales.Y.inverse_transform(means), functions, noises


def _variances_function(program):
    def variances(latents):
        f = latents.experts
        by_row = (tf.transpose(part, (2, 0, 1)) for part in (f.mean, f.variance, latents.expected_noise()))
        return tf.exp(latents.gating_network.integrated_log_mixing_probs(latents.gates)), *by_row

    return _compiled(program, variances)


def predict_derivatives(
    structure: Structure, state: State, scales: Scales, X: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the mixture's mean and variance by the features at X, in the units of the data.

    Takes the arguments of :func:`predict_mixture`.

    Returns
    -------
    mean, variance : arrays of shape (N, P, D)
        In double precision.
    """
    mean, variance = _in_blocks(_derivatives_function, structure, state, scales, X)
    # y = y_scale y' + ...,  x = x_scale x' + ...:  dy / dx = y_scale / x_scale dy' / dx'
    y_scale = scales.Y.scale[:, None]
    slope = y_scale / scales.X.scale
    return slope * mean, y_scale * slope * variance


def moments(weights: tf.Tensor, means: tf.Tensor, variances: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance (N, P) of mixtures with weights (N, K), means and variances (N, K, P)."""
    # m = sum_k w_k m_k,  var = sum_k w_k (v_k + (m_k - m)^2)
    w = weights[:, :, None]
    mean = tf.reduce_sum(w * means, 1)
    return mean, tf.reduce_sum(w * (variances + tf.square(means - mean[:, None])), 1)


def _derivatives_function(program):
    def derivatives(X, *parts):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(X)
            mixture = _mixture(program, _latents(program, X, parts))
            columns = [tf.unstack(moment, axis=1) for moment in moments(*mixture)]

        # A row's moments depend on that row only, so the gradient of a column's sum holds each row's own.
        def by_row(column):
            return tape.gradient(column, X, unconnected_gradients=tf.UnconnectedGradients.ZERO)

        return [tf.stack([by_row(column) for column in group], 1) for group in columns]

    return program.compile(derivatives, program.rows_signature.X, *_signature_of_posteriors(program))


def _in_blocks(build: Callable[[Program], Callable], structure, state, scales, X):
    """Results of a program's function at standardised X, each an array of as many rows."""
    results = None
    with checkout(structure) as program:
        program.hold(state)
        function = program.get(build)
        for start in range(0, len(X), ROWS_PER_CALL):
            block = slice(start, start + ROWS_PER_CALL)
            rows = _standardised(program, scales, X[block])
            parts = function(rows, *program.of_held(_posteriors_function, rows))
            if results is None:
                results = [np.empty((len(X), *part.shape[1:])) for part in parts]
            for result, part in zip(results, parts, strict=True):
                result[block] = part
    _check_finite(results or [], X)
    return results


def _check_finite(results, X):
    if not all(np.isfinite(result).all() for result in results):
        raise ValueError(
            "Expected rows of X where the kernels are finite, got at least one so far from those fitted that "
            f"they are not; try to leave out such rows, X has values up to {np.max(np.abs(X)):.3g}."
        )


def _standardised(program, scales, X):
    with np.errstate(over="ignore"):  # what is too far for a number is infinitely far
        return program.tensor(scales.X.transform(X))


def _mixture_function(program):
    return _compiled(program, partial(_mixture, program))


def _mixture(program, latents):
    log_weights, means, variances = program.model.components(latents)
    return tf.exp(log_weights), means, variances


def _compiled(program, function):
    """Compile a function of the latent functions: ``(X, *parts) -> ...``."""

    def at(X, *parts):
        return function(_latents(program, X, parts))

    return program.compile(at, program.rows_signature.X, *_signature_of_posteriors(program))


def _latents(program, X, parts):
    posteriors = [Posterior(*parts[i : i + 3]) for i in range(0, len(parts), 3)]
    return program.model.latents(X, posteriors) if posteriors else program.model.latents(X)


def _posteriors_function(program):
    """Compile ``X -> parts``, what predictions of a state at any rows have in common; maybe nothing."""
    if not _signature_of_posteriors(program):
        return lambda X: ()
    return program.compile(lambda X: tf.nest.flatten(program.model.posteriors(X)), program.rows_signature.X)


def _signature_of_posteriors(program):
    if not isinstance(program.model, MixtureOfSVGPExperts):
        return []
    matrices, matrix = (tf.TensorSpec([None] * n, program.structure.dtype) for n in (3, 2))
    groups = batches(program.model.gps)
    return [spec for gp, *_ in groups for spec in (matrices, matrix, matrix if gp.q_diag else matrices)]


def build_model(structure: Structure, state: State, n_features: int, n_inducing: int) -> MixtureOfExpertsBase:
    """Make a GPflow model of its own, of D features and M inducing points, with the fitted parameters."""
    with building(structure):
        model = structure.build(n_features, n_inducing)
    for path, variable in variables_of(model).items():
        variable.assign(state[path])
    return model


def describe_experts(model: MixtureOfExpertsBase, scales: Scales) -> list[dict[str, np.ndarray]]:
    """Noise, amplitude and lengthscales of each expert, in the units of the data.

    Returns
    -------
    list of dict
        Each with ``noise_std`` (P,), if the likelihood's variance is a constant, and, if all its kernels are
        of the named classes and over all inputs, ``signal_std`` (P,) and ``lengthscales`` (P, D); if its
        noise varies, also with the same of the log variance's functions, ``log_noise_std`` and
        ``noise_lengthscales``. Of an expert of another class, the values of its parameters by their names,
        in standardised units.
    """
    return [_describe(expert, scales) for expert in model.experts.experts]


def _describe(expert, scales):
    if type(expert) is not SVGPExpert:
        parameters = gpflow.utilities.parameter_dict(expert)
        return {path.removeprefix("."): value.numpy() for path, value in parameters.items()}
    result, noise = {}, expert.likelihood.variance
    if isinstance(noise, gpflow.Parameter):
        result["noise_std"] = np.sqrt(noise.numpy()) * scales.Y.scale
    if named := _named_kernels(expert.gp):
        result["signal_std"] = np.sqrt([kernel.variance.numpy() for kernel in named]) * scales.Y.scale
        result["lengthscales"] = np.array([kernel.lengthscales.numpy() * scales.X.scale for kernel in named])
    if expert.noise_gp is not None and (named := _named_kernels(expert.noise_gp)):
        result["log_noise_std"] = np.sqrt([kernel.variance.numpy() for kernel in named])
        lengthscales = [kernel.lengthscales.numpy() * scales.X.scale for kernel in named]
        result["noise_lengthscales"] = np.array(lengthscales)
    return result


def _named_kernels(gp):
    """The kernels of a sparse GP's functions, if all are of the named classes and over all inputs."""
    kernels = [kernel for kernel, _ in gp.latents]
    are_named = all(type(kernel) in KERNELS.values() and takes_all_columns(kernel) for kernel in kernels)
    return kernels if are_named else []
