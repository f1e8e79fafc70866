"""How good a predictive density is: scores of Gaussian mixtures, and scorers for scikit-learn's searches.

The metrics take arrays. Of a mixture with K components they take the weights (n, K), and the means and
standard deviations (n, K, P) of P outputs, or (n, K) of a single one. The scorers, made for ``scoring=``,
take a fitted estimator.
"""

from .scorers import neg_crps, neg_interval_score, neg_nlpd, observed_coverage
from .scores import crps, interval_coverage, interval_score, nlpd, pit

__all__ = [
    "crps",
    "interval_coverage",
    "interval_score",
    "neg_crps",
    "neg_interval_score",
    "neg_nlpd",
    "nlpd",
    "observed_coverage",
    "pit",
]
