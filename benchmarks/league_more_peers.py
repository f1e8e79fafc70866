"""Further methods of the league; their packages: ``pip install ngboost quantile-forest stochtree``.

Functions as in ``league_peers.py``.
"""

import numpy as np
from league_peers import MIN_STD, gaussian

from sklearn_mogpe.metrics import nlpd

# Levels whose quantiles stand for a forest's conditional distribution.
LEVELS = (np.arange(100) + 0.5) / 100

# Standard deviations to choose from for the kernels that smooth it.
WIDTHS = np.geomspace(MIN_STD, 1.0, 12)


def ngboost(X, y, seed):
    """Natural gradient boosting of a Gaussian's mean and log standard deviation."""
    from ngboost import NGBRegressor

    model = NGBRegressor(random_state=seed, verbose=False).fit(X, y)

    def predict(X):
        parameters = model.pred_dist(X).params
        return gaussian(parameters["loc"], np.maximum(parameters["scale"], MIN_STD))

    return predict


def quantile_forest(X, y, seed):
    """A quantile regression forest; its quantiles, smoothed as suits rows out of bag, make a density."""
    from quantile_forest import RandomForestQuantileRegressor

    model = RandomForestQuantileRegressor(300, min_samples_leaf=5, random_state=seed).fit(X, y)

    def components(X, width, **options):
        means = np.asarray(model.predict(X, quantiles=list(LEVELS), **options))
        return np.full_like(means, 1 / len(LEVELS)), means, np.full_like(means, width)

    def out_of_bag(width):
        return nlpd(y, *components(X, width, oob_score=True))

    width = min(WIDTHS, key=out_of_bag)
    return lambda X: components(X, width)


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
