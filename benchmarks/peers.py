"""The same model from GPflow's parts, one GP after the other: what one would write without this package."""

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.models.training_mixins import ExternalDataTrainingLossMixin

from sklearn_mogpe.predictive.quadrature import normal_points


class LoopedMixture(gpflow.models.BayesianModel, ExternalDataTrainingLossMixin):
    """K experts and K gates (one for two experts), each a ``gpflow.models.SVGP``.

    Parameters
    ----------
    n_experts, n_samples, num_data : int
        K, S and N.
    Z : array of shape (M, D)
    bound : {"further", "tight"}
        ``"further"`` takes ``predict_f`` as it is; for ``"tight"`` the variance is taken apart, at no further
        cost, and the inducing inputs stay where they are, as in this package.
    """

    def __init__(self, n_experts: int, Z, num_data: int, *, bound: str = "further", n_samples: int = 32):
        super().__init__()
        self.bound, self.num_data = bound, num_data
        self.n_gates = 1 if n_experts == 2 else n_experts
        self.experts = [self._svgp(Z) for _ in range(n_experts)]
        self.gates = [self._svgp(Z) for _ in range(self.n_gates)]
        for gate in self.gates:
            gpflow.set_trainable(gate.likelihood, False)
        self.points = normal_points(n_samples, n_experts + self.n_gates)

    def _svgp(self, Z):
        kernel = gpflow.kernels.SquaredExponential(lengthscales=np.ones(Z.shape[1]))
        gp = gpflow.models.SVGP(kernel, gpflow.likelihoods.Gaussian(0.1), Z.copy(), num_data=self.num_data)
        gpflow.set_trainable(gp.inducing_variable, self.bound == "further")
        return gp

    def maximum_log_likelihood_objective(self, data):
        """The bound, from as many sample points as this package takes."""
        X, Y = data
        points = tf.constant(self.points[:, :, None], X.dtype)  # [S, K + H, 1]
        K = len(self.experts)
        log_density, log_gates = [], []
        for k, expert in enumerate(self.experts):
            g, residual = self._sample(expert, X, points[:, k])
            variance = expert.likelihood.variance + residual
            log_density.append(
                -0.5 * (np.log(2 * np.pi) + tf.math.log(variance) + (Y[:, 0] - g) ** 2 / variance)
            )
        for k, gate in enumerate(self.gates):
            log_gates.append(self._sample(gate, X, points[:, K + k]))
        log_probs = self._log_probs(log_gates)
        rows = tf.reduce_mean(tf.reduce_logsumexp(tf.stack(log_density, -1) + log_probs, -1), 0)
        kl = tf.add_n([gp.prior_kl() for gp in self.experts + self.gates])
        return tf.reduce_sum(rows) * self.num_data / tf.cast(tf.shape(X)[0], X.dtype) - kl

    def _sample(self, gp, X, points):
        """Values (S, N) of a GP at the points, and the variance (N,) that is left to integrate."""
        if self.bound == "further":
            mean, variance = gp.predict_f(X)
            return mean[:, 0] + tf.sqrt(variance[:, 0]) * points, tf.zeros_like(X[:, 0])
        Kuu = gpflow.covariances.Kuu(gp.inducing_variable, gp.kernel, jitter=gpflow.default_jitter())
        Kuf = gpflow.covariances.Kuf(gp.inducing_variable, gp.kernel, X)
        A = tf.linalg.triangular_solve(tf.linalg.cholesky(Kuu), Kuf)
        mean = tf.linalg.matvec(A, gp.q_mu[:, 0], transpose_a=True)
        projected = tf.reduce_sum(tf.square(tf.matmul(gp.q_sqrt[0], A, transpose_a=True)), 0)
        residual = gp.kernel(X, full_cov=False) - tf.reduce_sum(tf.square(A), 0)
        return mean + tf.sqrt(projected) * points, residual

    def _log_probs(self, gates):
        """Log mixing probabilities (S, N, K), with what is left of the gates' variance integrated."""
        if self.n_gates == 1:
            ((h, variance),) = gates
            z = h / tf.sqrt(1.0 + variance)
            zero, one = tf.zeros([], z.dtype), tf.ones([], z.dtype)
            log_cdf = tfp.distributions.Normal(zero, one).log_cdf
            return tf.stack([log_cdf(z), log_cdf(-z)], -1)
        h = tf.stack([h for h, _ in gates], -1)
        if self.bound == "further":
            return tf.nn.log_softmax(h)
        variance = tf.stack([variance for _, variance in gates], -1)
        axes = np.sqrt(self.n_gates) * np.eye(self.n_gates)
        points = tf.constant(np.concatenate([axes, -axes])[:, None, None], h.dtype)
        log_probs = tf.nn.log_softmax(h + tf.sqrt(tf.maximum(variance, 0.0)) * points)
        return tf.reduce_logsumexp(log_probs, 0) - np.log(len(axes) * 2)
