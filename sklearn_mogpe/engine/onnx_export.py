"""A fitted mixture as an ONNX file, which predicts without TensorFlow."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gpflow
import numpy as np
import tensorflow as tf
from gpflow import functions as gf
from gpflow import kernels as gk
from gpflow.inducing_variables import InducingPoints
from scipy.special import erfcx, ndtri

from .. import __version__
from ..data.rows import Scales
from ..descriptions.files import replacing
from ..gating_networks.base import PREDICTION_POINTS
from ..gps import SparseGP, posteriors_of
from ..gps.covariances import FARTHEST, takes_all_columns
from ..mixture_of_experts import MixtureOfExpertsBase, MixtureOfSVGPExperts
from ..predictive.gaussian_mixture import probabilities
from ..predictive.quadrature import noise_rule, normal_points
from .onnx_graph import Graph, Value
from .predictions import build_model
from .program import State, building, without_strategy
from .structure import Structure

# By kernel, the correlation at squared scaled distances r2.
CORRELATIONS = {
    gk.SquaredExponential: lambda graph, r2: graph.Exp(-0.5 * r2),
    gk.Matern12: lambda graph, r2: graph.Exp(-graph.Sqrt(r2)),
    gk.Matern32: lambda graph, r2: _matern32(graph, graph.Sqrt(3.0 * r2)),
    gk.Matern52: lambda graph, r2: _matern52(graph, graph.Sqrt(5.0 * r2)),
}

# By prior mean function, its values at standardised x.
FUNCTIONS = {
    type(None): lambda function, x: 0.0,
    gf.Zero: lambda function, x: 0.0,
    gf.Constant: lambda function, x: function.c.numpy(),
    gf.Linear: lambda function, x: x @ function.A.numpy() + function.b.numpy(),
}

# Of the normal distribution function: of 12 to 28, and of 1.5 to 5, fewest that reach 5e-15, relative.
DEGREE, MIDDLE = 20, 4.0

# Of the bracket of a quantile, of which then 1e-17 is left.
HALVINGS = 56


def export_onnx(
    structure: Structure,
    state: State,
    scales: Scales,
    n_inducing: int,
    feature_names: list[str] | None,
    path,
    q=(),
) -> None:
    """Write an ONNX file, the model of which is that of :func:`onnx_model`.

    Parameters
    ----------
    structure, state, scales, n_inducing, feature_names
        As for :func:`~sklearn_mogpe.engine.export.export_saved_model`.
    path : path-like
        A file, whose place is taken all at once.
    q : float or array-like of shape (L,)
        Levels of quantiles.

    Raises
    ------
    ImportError
        If ONNX is not installed.
    ValueError
        If a level is not strictly between 0 and 1, or the model has a part that cannot be written.
    OSError
        If the file cannot be written; then an earlier one stays.
    """
    levels = np.atleast_1d(probabilities(q, "q"))
    model = without_strategy(onnx_model, structure, state, scales, n_inducing, feature_names, levels)
    with replacing(path) as new:
        new.write_bytes(model.SerializeToString())


def onnx_model(
    structure: Structure,
    state: State,
    scales: Scales,
    n_inducing: int,
    feature_names: list[str] | None,
    levels: np.ndarray,
) -> Any:
    """Predictions as an ONNX model of doubles, in the units of the data.

    What does not depend on X is computed here, in double precision also of a model in single.

    Returns
    -------
    onnx.ModelProto
        From ``X`` (N, D) to ``mean``, ``variance`` (N, P), ``weights`` (N, C), ``means``, ``stds``
        (N, C, P), ``mixing_proba`` (N, K) and, if there are levels (L,), ``quantiles`` (N, P, L).
    """
    graph, D = Graph(), len(scales.X.mean)
    double = replace(structure, dtype="float64", device="/CPU:0")
    model = build_model(double, {path: value.astype(float) for path, value in state.items()}, D, n_inducing)
    _check(model)
    # of the precision that q was learnt in
    rounding = np.finfo(structure.dtype).eps - np.finfo(float).eps
    with building(double):
        posteriors = [_posterior(gp, model.jitter, rounding) for gp in model.gps]
    rule = noise_rule(model.experts.noise_varies)
    outputs = _outputs(graph, model, posteriors, scales, levels, rule)
    K, P, C = structure.n_experts, structure.n_outputs, structure.n_experts * len(rule[0])
    sizes: dict[str, int | str] = {"N": "N", "K": K, "C": C, "P": P, "L": len(levels)}
    described = {
        "n_experts": structure.n_experts,
        "n_outputs": structure.n_outputs,
        "n_features": D,
        "feature_names": feature_names,
        "quantile_levels": levels.tolist(),
        "units": "those of X and y when it was fitted",
    }
    return graph.model(
        {name: (value, [sizes[axis] for axis in axes]) for name, (value, axes) in outputs.items()},
        {key: text if isinstance(text, str) else json.dumps(text) for key, text in described.items()},
        producer_name="sklearn_mogpe",
        producer_version=__version__,
    )


def _check(model):
    if not isinstance(model, MixtureOfSVGPExperts):
        _refuse("SVGPExpert under an SVGPGatingNetwork", model)
    for expert in model.experts.experts:
        if not isinstance(expert.likelihood.variance, gpflow.Parameter):
            _refuse("noise variances that are numbers", expert.likelihood.variance)
    for gp in model.gps:
        if type(gp.mean_function) not in FUNCTIONS:
            _refuse("mean functions that are constant or linear", gp.mean_function)
        for kernel, variable in gp.factors:
            if type(kernel) not in CORRELATIONS:
                _refuse(f"kernels of {sorted(kind.__name__ for kind in CORRELATIONS)}", kernel)
            if type(variable) is not InducingPoints:
                _refuse("InducingPoints", variable)


def _refuse(expected, part):
    name = getattr(part, "__name__", type(part).__name__)
    raise ValueError(f"Expected {expected} for ONNX, got {name}; try export_saved_model, which takes any.")


def _posterior(gp, jitter, rounding):
    """The inverse factors (F, M, M) of F kernels, q_mu (F, S, M) of S functions each, q_sqrt (F, S, M, M)."""
    F, M = len(gp.factors), gp.num_inducing
    trace = M * _variances(gp)[:, None]
    x = tf.zeros_like(gp.factors[0][1].Z[:1])
    (posterior,) = posteriors_of([gp], x, jitter + rounding * trace)
    inverse, q_mu, q_sqrt = (part.numpy() for part in posterior)
    roots = np.stack([np.diag(column) for column in q_sqrt.T]) if gp.q_diag else q_sqrt
    return inverse, q_mu.T.reshape(F, -1, M), roots.reshape(F, -1, M, M)


def _variances(gp):
    return np.array([kernel.variance.numpy() for kernel, _ in gp.factors])


def _outputs(
    graph: Graph,
    model: MixtureOfExpertsBase,
    posteriors: Sequence[Any],
    scales: Scales,
    levels: np.ndarray,
    rule: tuple[np.ndarray, np.ndarray],
) -> dict[str, tuple[Value, str]]:
    """By their names, what predictions are, and the letters of their axes."""
    K, P = model.experts.num_experts, model.experts.num_outputs
    X = graph.input("X", ["N", len(scales.X.mean)])
    # NaN for a row that is not finite, which maxima could lose, and else 0
    undefined = (X - X).sum(1)
    reach = FARTHEST * np.sqrt(np.finfo(float).max)
    x = graph.Clip((X - scales.X.mean) / scales.X.scale, -reach, reach)
    latents = iter([_latent_functions(graph, *pair, x) for pair in zip(model.gps, posteriors, strict=True)])
    functions = [next(latents) for _ in range(K)]
    log_noises = [next(latents) if expert.noise_varies else None for expert in model.experts.experts]
    mixing = undefined.with_axis(1) + (1.0 if K == 1 else _mixing_proba(graph, K, list(latents)))

    means, variances = _components(graph, model, functions, log_noises, rule[0][:, None])
    C = K * len(rule[0])
    weights = (mixing.with_axis(2) * rule[1]).reshape(0, C)
    # y = y_scale y' + y_mean
    means = (means * scales.Y.scale + scales.Y.mean).reshape(0, C, P) + undefined.with_axis(1, 2)
    stds = (graph.Sqrt(variances) * scales.Y.scale).reshape(0, C, P) + undefined.with_axis(1, 2)
    # m = sum_k w_k m_k,  var = sum_k w_k (s_k^2 + (m_k - m)^2)
    w = weights.with_axis(2)
    mean = (w * means).sum(1)
    spread = means - mean.with_axis(1)
    variance = (w * (stds * stds + spread * spread)).sum(1)
    outputs = {
        "mean": (mean, "NP"),
        "variance": (variance, "NP"),
        "weights": (weights, "NC"),
        "means": (means, "NCP"),
        "stds": (stds, "NCP"),
        "mixing_proba": (mixing, "NK"),
    }
    if len(levels):
        outputs["quantiles"] = _quantiles(graph, levels, weights, means, stds), "NPL"
    return outputs


def _latent_functions(graph: Graph, gp: SparseGP, posterior: Any, x: Value) -> tuple[Value, Value]:
    """Means and variances (N, L) of a sparse GP's functions at x (N, D)."""
    inverse, q_mu, q_sqrt = posterior
    K_fu = [_covariance(graph, kernel, variable.Z.numpy(), x) for kernel, variable in gp.factors]
    # A^T = K_fu L^-T,  mean = A^T m,  variance = k(x, x) - |A|^2 + |R^T A|^2
    A = graph.Concat(*(part.with_axis(0) for part in K_fu), axis=0) @ inverse.transpose(0, 2, 1)  # [F, N, M]
    residual = graph.Max(_variances(gp)[:, None] - (A * A).sum(2), 0.0).with_axis(1)
    A = A.with_axis(1)
    projected = A @ q_sqrt  # [F, S, N, M]
    moments = (A * q_mu[:, :, None]).sum(3), (projected * projected).sum(3) + residual
    mean, variance = (graph.Transpose(part, perm=[2, 0, 1]).reshape(0, gp.num_latent_gps) for part in moments)
    return mean + FUNCTIONS[type(gp.mean_function)](gp.mean_function, x), variance


def _covariance(graph: Graph, kernel: Any, Z: np.ndarray, x: Value) -> Value:
    """Prior covariances (N, M) of a function at x (N, D) and at Z (M, D)."""
    lengthscales = kernel.lengthscales.numpy()
    if not takes_all_columns(kernel):
        columns = np.arange(Z.shape[1])[kernel.active_dims].tolist()
        x, Z = graph.Gather(x, columns, axis=1), Z[:, columns]
    # r^2 = |(x - z) / l|^2, whose differences lose less than products do, and are exactly 0 at z
    difference = (x / lengthscales).with_axis(1) - Z / lengthscales
    r2 = (difference * difference).sum(2)
    return kernel.variance.numpy() * CORRELATIONS[type(kernel)](graph, r2)


def _matern32(graph: Graph, a: Value) -> Value:
    return (1.0 + a) * graph.Exp(-a)


def _matern52(graph: Graph, a: Value) -> Value:
    return (1.0 + a + a * a / 3.0) * graph.Exp(-a)


def _mixing_proba(graph: Graph, K: int, gates: Sequence[tuple[Value, Value]]) -> Value:
    """Mixing probabilities (N, K) of K > 1 experts from the moments (N, H) of the gate's functions."""
    mean, variance = (graph.Concat(*parts, axis=1) for parts in zip(*gates, strict=True))
    if K == 2:
        # Phi(h),  Phi(-h),  h = m / sqrt(1 + v)
        h = mean / graph.Sqrt(1.0 + variance)
        return _normal_cdf(graph, h * np.array([1.0, -1.0]))
    # 1/J sum_j softmax(m + sqrt(v) e_j)
    points = normal_points(PREDICTION_POINTS, K)
    h = mean.with_axis(1) + graph.Sqrt(variance).with_axis(1) * points
    return graph.Softmax(h, axis=2).sum(1) / len(points)


def _components(
    graph: Graph,
    model: MixtureOfExpertsBase,
    functions: Sequence[tuple[Value, Value]],
    log_noises: Sequence[tuple[Value, Value] | None],
    points: np.ndarray,
) -> tuple[Value, Value]:
    """Means and variances (N, K, J, P) of y given each component, of points (J, 1) for the noise."""
    floor, parts = model.experts.noise_floor.numpy(), []
    for expert, (mean, variance), log_noise in zip(model.experts.experts, functions, log_noises, strict=True):
        noise: Any = expert.likelihood.variance.numpy()
        if log_noise is not None:
            # noise exp(g), of which g is m + sqrt(v) e_j
            m, v = (part.with_axis(1) for part in log_noise)
            noise = noise * graph.Exp(m + graph.Sqrt(v) * points)
        own = mean.with_axis(1), variance.with_axis(1) + (noise + floor)
        parts.append([graph.Expand(part, [1, len(points), 1]).with_axis(1) for part in own])
    means, variances = (graph.Concat(*part, axis=1) for part in zip(*parts, strict=True))
    return means, variances


def _normal_cdf(graph: Graph, z: Value) -> Value:
    """The distribution function of N(0, 1), which has no operator in double precision.

    It is right to 5e-15 of itself in the lower tail, but for the rounding of z^2.
    """

    def scaled(t):
        d = MIDDLE * (1.0 + t) / (1.0 - t)
        return 0.5 * (d + MIDDLE) * erfcx(np.sqrt(0.5) * d)

    # Phi(-d) = exp(-d^2 / 2) p(t) / (d + c),  t = (d - c) / (d + c):  p is smooth on all of [-1, 1)
    chebyshev = np.polynomial.chebyshev
    coefficients = chebyshev.cheb2poly(chebyshev.chebinterpolate(scaled, DEGREE))
    d = graph.Abs(z)
    t = (d - MIDDLE) / (d + MIDDLE)
    p = coefficients[DEGREE]
    for coefficient in coefficients[DEGREE - 1 :: -1]:
        p = p * t + coefficient
    lower = graph.Exp(-0.5 * d * d) * p / (d + MIDDLE)
    return graph.Where(z > 0.0, 1.0 - lower, lower)


def _quantiles(graph: Graph, levels: np.ndarray, weights: Value, means: Value, stds: Value) -> Value:
    """Quantiles (N, P, L) of levels (L,), by bisection, as those of Gaussian mixtures elsewhere."""
    # above the median those of the mirror image: near 1, the distribution function has no digits for the tail
    sign, q = np.where(levels > 0.5, -1.0, 1.0), np.minimum(levels, 1.0 - levels)
    w, m, s = weights.with_axis(2, 3), sign * means.with_axis(3), stds.with_axis(3)  # [N, C, P, L]
    own = m + s * ndtri(q)
    bracket = [graph.node(op, own, [1], keepdims=0) for op in ("ReduceMin", "ReduceMax")]

    def halve(low, high):
        # F(t) = sum_k w_k Phi((t - m_k) / s_k)
        middle = 0.5 * (low + high)
        is_below = (w * _normal_cdf(graph, (middle.with_axis(1) - m) / s)).sum(1) < q
        return graph.Where(is_below, middle, low), graph.Where(is_below, high, middle)

    return sign * graph.loop(graph.value([HALVINGS]), halve, bracket)[1]
