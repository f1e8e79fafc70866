"""The model once more, in numbers of 50 digits: sparse GPs, gate, bounds and mixture, by their formulas.

Nothing of the package is used. Arrays hold ``mpf`` numbers; shapes are those of the package, with one output:
K experts, H functions of the gate, M inducing points, N rows, S sample points.
"""

from typing import Any, NamedTuple

import mpmath
import numpy as np

mp = mpmath.mp.clone()
mp.dps = 50

EPS = np.finfo(float).eps  # by which the trace of a covariance matrix adds to its diagonal


def _each(function):
    return np.frompyfunc(function, 1, 1)


exact, exp, log, sqrt, Phi = map(_each, (mp.mpf, mp.exp, mp.log, mp.sqrt, mp.ncdf))
# log Phi(h), of positive h as log(1 - Phi(-h))
log_Phi = _each(lambda h: mp.log(mp.ncdf(h)) if h < 0 else mp.log1p(-mp.ncdf(-h)))


def relative_error(found, expected):
    """The largest of ``|found - expected| / |expected|``, over arrays of one shape, of which none is zero."""
    return float(np.max(abs(difference(found, expected) / expected)))


def difference(found, expected):
    """Of doubles from exact numbers of the same shape."""
    found = np.asarray(found, float)
    assert found.shape == np.shape(expected)
    return exact(found) - expected


CORRELATIONS = {
    "rbf": lambda r: exp(-(r**2) / 2),
    "matern12": lambda r: exp(-r),
    "matern32": lambda r: (1 + mp.sqrt(3) * r) * exp(-mp.sqrt(3) * r),
    "matern52": lambda r: (1 + mp.sqrt(5) * r + 5 * r**2 / 3) * exp(-mp.sqrt(5) * r),
}


# Sparse Gaussian processes


class Marginals(NamedTuple):
    """Of L functions at N rows, each of shape (L, N)."""

    mean: Any
    projected: Any
    residual: Any

    @property
    def variance(self):
        return self.projected + self.residual


class Process(NamedTuple):
    """L functions that share a kernel and inducing inputs: ``q_mu`` (M, L), ``q_sqrt`` (L, M, M)."""

    kernel: str
    variance: Any
    lengthscales: Any
    Z: Any
    q_mu: Any
    q_sqrt: Any

    def covariance(self, A, B):
        # k(a, b) = variance * correlation(|(a - b) / lengthscales|)
        r2 = (((A[:, None] - B) / self.lengthscales) ** 2).sum(axis=2)
        return self.variance * CORRELATIONS[self.kernel](sqrt(r2))

    def whitened(self, X, jitter):
        """``A = L^-1 K_uf``, of shape (M, N)."""
        Kuu = self.covariance(self.Z, self.Z)
        # K_uu + (jitter + eps tr K_uu) I = L L'
        Kuu = Kuu + (jitter + EPS * np.trace(Kuu)) * np.eye(len(Kuu), dtype=int)
        return solve(cholesky(Kuu), self.covariance(self.Z, X))

    def marginals(self, X, jitter):
        A = self.whitened(X, jitter)
        # mean m'A, projected variance |R'A|^2, residual variance k(x, x) - |A|^2
        projected = np.array([((R.T @ A) ** 2).sum(axis=0) for R in self.q_sqrt])
        residual = self.variance - (A**2).sum(axis=0)
        return Marginals(self.q_mu.T @ A, projected, np.broadcast_to(residual, projected.shape))

    def joint_covariance(self, X, jitter):
        """Of q(f) over all rows, of shape (L, N, N)."""
        # K_ff - A'A + A'R R'A
        A = self.whitened(X, jitter)
        residual = self.covariance(X, X) - A.T @ A
        return np.array([residual + (R.T @ A).T @ (R.T @ A) for R in self.q_sqrt])

    def prior_kl(self):
        # KL(N(m, R R') || N(0, I)) = (|m|^2 + |R|^2 - M) / 2 - sum log |R_ii|
        roots = abs(np.diagonal(self.q_sqrt, axis1=1, axis2=2))
        return ((self.q_mu**2).sum() + (self.q_sqrt**2).sum() - self.q_mu.size) / 2 - log(roots).sum()


def cholesky(K):
    L = 0 * K
    for j in range(len(K)):
        # L_jj = sqrt(K_jj - sum_k L_jk^2),  L_ij = (K_ij - sum_k L_ik L_jk) / L_jj
        L[j, j] = mp.sqrt(K[j, j] - (L[j, :j] ** 2).sum())
        L[j + 1 :, j] = (K[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return L


def solve(L, B):
    """``L^-1 B`` by forward substitution."""
    A = 0 * B
    for i in range(len(L)):
        A[i] = (B[i] - L[i, :i] @ A[:i]) / L[i, i]
    return A


def lower_triangle(x):
    """Lower triangle (M, M) of M (M + 1) / 2 numbers, in the order of TensorFlow Probability."""
    M = int((2 * len(x)) ** 0.5)
    return np.concatenate([x[M:], x[::-1]]).reshape(M, M) * np.tri(M, dtype=int)


# The mixture


class Latents(NamedTuple):
    """All latent functions at N rows, of the log noise if it varies; ``error`` (N,) is a known variance."""

    experts: Marginals
    gates: Marginals
    log_noise: Marginals | None
    noise_variance: Any
    noise_floor: Any
    error: Any = 0

    def noise_at(self, z):
        """Noise variances (S, K, N) at standard normal points of the log noise, (S, K or 1, 1)."""
        # sigma^2 exp(g) + floor + error,  g = mu + sqrt(s + r) z
        g = 0 * z if self.log_noise is None else self.log_noise.mean + sqrt(self.log_noise.variance) * z
        return self.noise_variance[:, None] * exp(g) + self.noise_floor + self.error


class Model(NamedTuple):
    experts: list
    noises: list
    gate: Process
    noise_variance: Any
    noise_floor: Any
    jitter: Any

    def latents(self, X, error=0):
        def joined(processes):
            parts = [process.marginals(X, self.jitter) for process in processes]
            return Marginals(*map(np.concatenate, zip(*parts, strict=True)))

        noise = joined(self.noises) if self.noises else None
        experts, gates = joined(self.experts), self.gate.marginals(X, self.jitter)
        return Latents(experts, gates, noise, self.noise_variance, self.noise_floor, error)

    def prior_kl(self):
        return sum(process.prior_kl() for process in (*self.experts, *self.noises, self.gate))


def model_of(values, kernel="rbf"):
    """The model of unconstrained values, by the paths that the package gives them: logarithms if positive."""

    def process(path):
        roots = np.array([lower_triangle(x) for x in values[f"{path}.q_sqrt"]])
        variance, lengthscales = (exp(values[f"{path}.kernel.{n}"]) for n in ("variance", "lengthscales"))
        Z, q_mu = values[f"{path}.inducing_variable.Z"], values[f"{path}.q_mu"]
        return Process(kernel, variance, lengthscales, Z, q_mu, roots)

    gps = [path.removesuffix(".q_mu") for path in values if path.endswith(".q_mu")]
    experts, noises = ([process(p) for p in gps if p.endswith(end)] for end in (".gp", ".noise_gp"))
    noise_variance = exp(np.concatenate([v for p, v in values.items() if p.endswith("likelihood.variance")]))
    (floor,) = values[".experts.noise_floor"]
    return Model(experts, noises, process(".gating_network.gps[0]"), noise_variance, floor, values[".jitter"])


def log_probs(h):
    """Log mixing probabilities (..., K, N) of functions (..., H, N)."""
    if h.shape[-2] == 1:
        return np.concatenate([log_Phi(h), log_Phi(-h)], axis=-2)
    return h - log(exp(h).sum(axis=-2, keepdims=True))


def integrated_log_probs(mean, variance, points):
    """The same with Gaussian functions integrated: exactly of two experts, else by points (J, H)."""
    if mean.shape[-2] == 1:
        # E Phi(h) = Phi(mean / sqrt(1 + variance))
        return log_probs(mean / sqrt(1 + variance))
    h = [mean + sqrt(variance) * z[:, None] for z in points]
    return log(sum(exp(log_probs(values)) for values in h) / len(points))


def symmetric_points(dim):
    """``+- sqrt(dim) e_i``."""
    axes = mp.sqrt(dim) * np.eye(dim, dtype=int)
    return np.concatenate([axes, -axes])


def gauss_hermite(num_points):
    """Nodes and weights (J,) for a standard normal."""
    J, nodes = num_points, exact(np.polynomial.hermite_e.hermegauss(num_points)[0])
    for _ in range(4):
        # Newton's steps to the roots of He_J, of which x He_n - n He_n-1 is the next, and J He_J-1 the slope
        last, he = 1, nodes
        for n in range(1, J):
            last, he = he, nodes * he - n * last
        nodes = nodes - he / (J * last)
    # w = (J - 1)! / (J He_J-1^2)
    return nodes, mp.factorial(J - 1) / (J * last**2) + 0 * nodes


def log_normal(y, mean, variance):
    return -(log(2 * mp.pi * variance) + (y - mean) ** 2 / variance) / 2


def bound_rows(name, latents, Y, points, gate_points):
    """Terms (N,) of a bound, of which points (S, K + H) or (S, 2 K + H) stand for the expectation."""
    if name == "predictive":
        weights, means, variances = mixture(latents, gate_points)
        return log((weights * exp(log_normal(Y, means, variances))).sum(axis=0))
    f, h = latents.experts, latents.gates
    K, H = len(f.mean), len(h.mean)
    of_experts, of_gates, of_noise = np.split(points[:, :, None], [K, K + H], axis=1)
    noise = latents.noise_at(of_noise if latents.log_noise else 0 * points[:1, :1, None])
    outside, inside = (f.variance, 0) if name == "further" else (f.projected, f.residual)
    # log sum_k Pr(k | h) N(y; mu + sqrt(outside) z, inside + noise)
    log_density = log_normal(Y, f.mean + sqrt(outside) * of_experts, inside + noise)
    if name == "tight":
        g = h.mean + sqrt(h.projected) * of_gates
        log_pi = integrated_log_probs(g, h.residual, symmetric_points(H))
    else:
        log_pi = log_probs(h.mean + sqrt(h.variance) * of_gates)
    return log(exp(log_pi + log_density).sum(axis=1)).sum(axis=0) / len(points)


def mixture(latents, gate_points):
    """Weights, means and variances (C, N) of the predictive density, those of an expert one after another."""
    pi = exp(integrated_log_probs(latents.gates.mean, latents.gates.variance, gate_points))
    nodes, parts = gauss_hermite(7 if latents.log_noise else 1)
    noise = latents.noise_at(nodes[:, None, None])  # [J, K, N]
    variances = (latents.experts.variance + noise).swapaxes(0, 1)
    weights = pi[:, None] * parts[:, None]
    J, shape = len(nodes), (-1, pi.shape[1])
    return weights.reshape(shape), np.repeat(latents.experts.mean, J, axis=0), variances.reshape(shape)
