"""Further methods of the league; their packages: ``pip install ngboost quantile-forest stochtree``.

Functions as in ``league_peers.py``.
"""

import numpy as np
from league_peers import MIN_STD, gaussian

# Levels whose quantiles stand for a forest's conditional distribution.
LEVELS = (np.arange(50) + 0.5) / 50


def ngboost(X, y, seed):
    """Natural gradient boosting of a Gaussian's mean and log standard deviation."""
    from ngboost import NGBRegressor

    model = NGBRegressor(random_state=seed, verbose=False).fit(X, y)

    def predict(X):
        parameters = model.pred_dist(X).params
        return gaussian(parameters["loc"], np.maximum(parameters["scale"], MIN_STD))

    return predict


def quantile_forest(X, y, seed):
    """A quantile regression forest; a Gaussian kernel about each of its quantiles makes them a density."""
    from quantile_forest import RandomForestQuantileRegressor

    model = RandomForestQuantileRegressor(300, min_samples_leaf=5, random_state=seed).fit(X, y)

    def predict(X):
        means = np.asarray(model.predict(X, quantiles=list(LEVELS)))
        # Silverman's rule, 0.9 min(std, IQR / 1.34) n^(-1/5)
        quartiles = np.quantile(means, [0.25, 0.75], axis=1)
        spread = np.minimum(means.std(axis=1), (quartiles[1] - quartiles[0]) / 1.34)
        stds = np.maximum(0.9 * spread * len(LEVELS) ** -0.2, MIN_STD)
        return np.full_like(means, 1 / len(LEVELS)), means, np.broadcast_to(stds[:, None], means.shape)

    return predict


def bart(X, y, seed):
    """Bayesian additive regression trees, with trees for the variance too: a mixture of 500 draws."""
    from stochtree import BARTModel

    model = BARTModel()
    model.sample(
        X,
        y,
        num_gfr=10,
        num_burnin=0,
        num_mcmc=500,
        general_params={"random_seed": seed, "sample_sigma2_global": False},
        variance_forest_params={"num_trees": 20},
    )

    def predict(X):
        parts = model.predict(X)
        means, variances = parts["y_hat"], parts["variance_forest_predictions"]
        return np.full_like(means, 1 / means.shape[1]), means, np.sqrt(np.maximum(variances, MIN_STD**2))

    return predict


MORE_METHODS = {"ngboost": ngboost, "quantile_forest": quantile_forest, "bart": bart}
