"""A GPflow model with the methods of a fitted estimator, for those that ask for such."""

import gpflow
import numpy as np
import tensorflow as tf

from ..mixture_of_experts import MixtureOfExpertsBase
from ..predictive.predictor import MixturePredictorMixin


class ModelPredictor(MixturePredictorMixin):
    """Predicts what a model of building blocks says now, in the model's own units.

    Parameters
    ----------
    model : MixtureOfExpertsBase
    """

    _flat_output = False

    def __init__(self, model: MixtureOfExpertsBase):
        self.n_outputs_, self.n_experts_ = model.experts.num_outputs, model.experts.num_experts
        self._model = model
        self._mixture = tf.function(model.predict_mixture, autograph=False, reduce_retracing=True)
        self._noise = tf.function(_noise_of(model), autograph=False, reduce_retracing=True)
        self._latents = tf.function(_functions_of(model), autograph=False, reduce_retracing=True)

    def mixture(self, X) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Weights (N, K), and means and variances (N, K, P), at X (N, D)."""
        return self._mixture(_tensor(X))

    def predict_mixture(self, X):
        """Weights (N, K), and means and standard deviations (N, K, P), at X (N, D)."""
        weights, means, variances = (part.numpy() for part in self.mixture(X))
        return weights, means, np.sqrt(variances)

    def predict_gating_functions(self, X, return_std=False):
        """Means, and standard deviations if asked for, of the gate's functions at X, of shape (N, H)."""
        return self._functions(X, return_std)[1]

    def predict_latent_functions(self, X, return_std=False):
        """Means, and standard deviations if asked for, of the experts' functions at X, of shape (N, K, P)."""
        return self._functions(X, return_std)[0]

    def predict_noise(self, X):
        """Standard deviations of the experts' noise at X, of shape (N, K, P)."""
        return np.sqrt(self._noise(_tensor(X)))

    def _functions(self, X, return_std):
        pairs = [(mean.numpy(), np.sqrt(variance)) for mean, variance in self._latents(_tensor(X))]
        return pairs if return_std else [mean for mean, _ in pairs]

    @property
    def inducing_inputs_(self) -> list[np.ndarray]:
        """Inducing inputs (M, D) of each expert, which may have none, then of the gate."""
        return self._model.inducing_inputs


def _functions_of(model):
    def functions(X):
        latents = model.latents(X)
        parts = (latents.experts, (2, 0, 1)), (latents.gates, (1, 0))
        return [(tf.transpose(f.mean, axes), tf.transpose(f.variance, axes)) for f, axes in parts]

    return functions


def _noise_of(model):
    return lambda X: tf.transpose(model.latents(X).expected_noise(), (2, 0, 1))


def _tensor(X):
    return tf.convert_to_tensor(np.asarray(X, gpflow.default_float()))
