"""A mixture that is fitted at once, to stand at the end of chains."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_mogpe.predictive.predictor import MixturePredictorMixin


class TwoBands(MixturePredictorMixin, RegressorMixin, BaseEstimator):
    """Two Gaussians beside a line, in units of y: scaled data are fitted by a scaled mixture."""

    def fit(self, X, y):
        y, features = np.asarray(y), self._features(X)
        self._flat_output = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.slopes_ = np.linalg.lstsq(features, y, rcond=None)[0]
        self.scale_ = np.std(y - features @ self.slopes_, axis=0)
        self.n_experts_, self.n_outputs_ = 2, y.shape[1]
        return self

    def predict_mixture(self, X):
        line, upper = self._features(X) @ self.slopes_, expit(self._features(X)[:, 1])
        means = np.stack([line - 0.6 * self.scale_, line + 0.8 * self.scale_], axis=1)
        stds = np.broadcast_to([[0.4], [0.7]] * self.scale_, means.shape)
        return np.column_stack([1 - upper, upper]), means, stds

    def _features(self, X):
        return np.column_stack([np.ones(len(X)), np.asarray(X)])


@pytest.fixture
def two_bands():
    return TwoBands()


@pytest.fixture(scope="session")
def lognormal():
    """Rows of two features, positive y, and y of two outputs, of which one is larger than 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.exp(0.5 * X[:, 0] + 0.4 * rng.normal(size=60))
    return X, y, np.column_stack([y, 1.0 + np.exp(0.3 * rng.normal(size=60))])
