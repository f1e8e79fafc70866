"""Lower bounds on the log marginal likelihood, row by row.

Each bound is a free function ``bound(latents, Y, points) -> (N,)``. It returns

    E_n = E[ log sum_k Pr(k | h_n) p(y_n | f_kn) ],

and the bounds differ in what is averaged outside the logarithm, over q of the inducing variables, and what
is integrated inside, over what the inducing variables leave open:

=====================  ===========================================  ========================================
bound                  expert factor                                gate factor
=====================  ===========================================  ========================================
``tight``              N(y; g, r + noise), g ~ N(mu, s)             E of Pr(k | h) over h ~ N(g, r), g as left
``further_gating``     as tight                                     Pr(k | h), h ~ N(mu, s + r)
``further``            N(y; f, noise), f ~ N(mu, s + r)             as further_gating
=====================  ===========================================  ========================================

with mu, s and r the mean, the projected and the residual variance of
:class:`~sklearn_mogpe.gps.Marginals`. By Jensen's inequality ``tight >= further_gating >= further``. See
Scannell, Ek and Richards (2021), "Identifiable Mixtures of Sparse Variational Gaussian Process Experts".
A row depends on each inducing vector only through one projection, so all expectations are over products of
one-dimensional Gaussians, and the whole computation stays in log space. The noise that ``latents`` tell
includes the known error of the row.

Mind that ``tight`` bounds the likelihood of the model whose rows are independent given the inducing
variables (as in FITC), while ``further`` bounds that of the full Gaussian processes: for one expert it is
the bound of Hensman et al. (2013), the objective of GPflow's ``SVGP``. Bounds of different kinds must not
be compared.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ..descriptions.errors import ConfigurationError
from ..gps import Marginals, safe_sqrt
from ..gps.numerics import WithGradient
from .latents import Latents

Bound = Callable[[Latents, tf.Tensor, tf.Tensor], tf.Tensor]


def tight(latents: Latents, Y: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Integrate what the inducing variables leave open, of experts and gate, inside the logarithm.

    One of the bounds of Scannell, Ek and Richards (2021).

    Parameters
    ----------
    latents : Latents
    Y : tensor of shape (N, P)
    points : tensor of shape (S, K * P + H), or (S, 2 * K * P + H) where the noise varies
        Standard normal points that stand for the expectation, see
        :func:`~sklearn_mogpe.predictive.quadrature.normal_points`.

    Returns
    -------
    tensor of shape (N,)
        In nats.
    """
    return _expected_log_mixture(latents, Y, points, latents.experts, latents.gates)


def further_gating(latents: Latents, Y: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Integrate what the inducing variables leave open of the experts only; else as :func:`tight`.

    One of the bounds of Scannell, Ek and Richards (2021).

    Parameters
    ----------
    latents : Latents
    Y : tensor of shape (N, P)
    points : tensor of shape (S, K * P + H), or (S, 2 * K * P + H) where the noise varies
        As for :func:`tight`.

    Returns
    -------
    tensor of shape (N,)
        In nats.
    """
    return _expected_log_mixture(latents, Y, points, latents.experts, _all_outside(latents.gates))


def further(latents: Latents, Y: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Average over everything outside the logarithm; else as :func:`tight`.

    One of the bounds of Scannell, Ek and Richards (2021); for one expert, that of Hensman et al. (2013).

    Parameters
    ----------
    latents : Latents
    Y : tensor of shape (N, P)
    points : tensor of shape (S, K * P + H), or (S, 2 * K * P + H) where the noise varies
        As for :func:`tight`.

    Returns
    -------
    tensor of shape (N,)
        In nats.
    """
    experts, gates = _all_outside(latents.experts), _all_outside(latents.gates)
    return _expected_log_mixture(latents, Y, points, experts, gates)


def predictive(latents: Latents, Y: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Log of the predictive density: everything is integrated inside the logarithm; else as :func:`tight`.

    No lower bound on the likelihood. For one expert of constant noise it is the objective of Jankowiak,
    Pleiss and Gardner (2020), "Parametric Gaussian process regressors". The points are not looked at.

    Parameters
    ----------
    latents : Latents
    Y : tensor of shape (N, P)
    points : tensor of shape (S, K * P + H), or (S, 2 * K * P + H) where the noise varies
        As for :func:`tight`.

    Returns
    -------
    tensor of shape (N,)
        In nats.
    """
    # log sum_k Pr(k) sum_j w_j N(y; mu_k, s_k + r_k + noise_kj)
    noises, weights = latents.possible_noises()
    variances = latents.experts.variance + noises  # [J, K, P, N]
    squares = tf.square(tf.transpose(Y) - latents.experts.mean)
    log_density = -0.5 * tf.reduce_sum(np.log(2.0 * np.pi) + tf.math.log(variances) + squares / variances, 2)
    log_weights = tf.constant(np.log(weights)[:, None, None], Y.dtype)
    log_probs = tf.transpose(latents.gating_network.integrated_log_mixing_probs(latents.gates))
    return _mean_log_sum_exp(tf.reshape(log_probs + log_weights + log_density, [1, -1, tf.shape(Y)[0]]))


BOUNDS: dict[str, Bound] = {
    "tight": tight,
    "further_gating": further_gating,
    "further": further,
    "predictive": predictive,
}

# Bounds that integrate q inside the logarithm.
INSIDE = frozenset({predictive})


def name_of(bound: Bound) -> str:
    """Name of a bound.

    Raises
    ------
    ConfigurationError
        If it has none in ``BOUNDS``.
    """
    for name, function in BOUNDS.items():
        if function is bound:
            return name
    raise ConfigurationError(f"expected one of {sorted(BOUNDS)}, got {bound!r}; add it to BOUNDS", "bound")


def _all_outside(f: Marginals) -> Marginals:
    return Marginals(f.mean, f.variance, None)


def _expected_log_mixture(
    latents: Latents, Y: tf.Tensor, points: tf.Tensor, experts: Marginals, gates: Marginals
) -> tf.Tensor:
    """E over the points of the log of the mixture, with the residual variances (if any) integrated."""
    S = points.shape[0]
    (K, P), H = latents.experts.mean.shape[:2], latents.gating_network.num_latent_gps
    expert_points = tf.reshape(points[:, : K * P], [S, K, P, 1])
    gate_points = tf.reshape(points[:, K * P : K * P + H], [S, H, 1])
    noise_points = None if latents.log_noise is None else tf.reshape(points[:, K * P + H :], [S, K, P, 1])
    variance = latents.noise_at(noise_points)
    if experts.residual_variance is not None:
        variance += experts.residual_variance
    log_density = _log_density(
        tf.transpose(Y), experts.mean, experts.projected_variance, variance, expert_points
    )
    log_probs = latents.gating_network.log_mixing_probs(gates.project(gate_points), gates.residual_variance)
    return _mean_log_sum_exp(log_probs + log_density)


def _log_density(
    y: tf.Tensor, mean: tf.Tensor, spread: tf.Tensor, variance: tf.Tensor, points: tf.Tensor
) -> tf.Tensor:
    """Log of ``N(y; mean + sqrt(spread) z, variance)`` at points z, of shape (S, K, N).

    ``y`` is of shape (P, N), ``mean`` and ``spread`` are of shape (K, P, N), the variance of shape
    (1, K, P, N), or (S, K, P, N) if each point has its own, the points of shape (S, K, P, 1); the P outputs
    are independent.
    """
    is_shared = variance.shape[0] == 1

    @tf.custom_gradient
    def function(mean: tf.Tensor, spread: tf.Tensor, variance: tf.Tensor) -> WithGradient:
        # -1/2 sum_p (log 2 pi v + e^2),  e = (y - m) / sqrt(v) - sqrt(s / v) z
        inverse, root = tf.math.rsqrt(variance), safe_sqrt(spread)
        e = (y - mean) * inverse - root * inverse * points  # [S, K, P, N]
        constant = 0.5 * tf.reduce_sum(np.log(2.0 * np.pi) + tf.math.log(variance), 2)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            # by m: e / sqrt(v),  by s: e z / (2 sqrt(s v)),  by v: (e^2 - 1) / (2 v);  0 by s where s is
            upstream = tf.expand_dims(upstream, 2)
            slope = upstream * e
            by_variance = slope * e - upstream
            if is_shared:  # which is taken out of the sums over the points
                by_mean, by_root = (inverse[0] * tf.reduce_sum(part, 0) for part in (slope, slope * points))
                by_variance = tf.square(inverse) * tf.reduce_sum(by_variance, 0, keepdims=True)
            else:
                slope *= inverse
                by_mean, by_root = (tf.reduce_sum(part, 0) for part in (slope, slope * points))
                by_variance *= tf.square(inverse)
            return by_mean, tf.where(spread > 0.0, 0.5 * by_root / root, 0.0), 0.5 * by_variance

        return -0.5 * tf.reduce_sum(tf.square(e), 2) - constant, gradient

    return function(mean, spread, variance)


@tf.custom_gradient
def _mean_log_sum_exp(x: tf.Tensor) -> WithGradient:
    """Log of the sum of exponentials over K, averaged over S, of x (S, K, N)."""
    largest = tf.reduce_max(x, 1, keepdims=True)
    terms = tf.exp(x - largest)
    total = tf.reduce_sum(terms, 1, keepdims=True)
    value = tf.reduce_mean(largest + tf.math.log(total), [0, 1])
    return value, lambda upstream: terms * (upstream / (x.shape[0] * total))
