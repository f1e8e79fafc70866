"""The predictive density of the defaults beside what users would pick instead, on small data sets.

X and y are standardised by the training rows, for all methods alike. Every method is fitted once before it is
timed. Smaller scores are better, but for the coverage of 90 % intervals, which should be 0.9.
"""

import csv
import time
import warnings
from itertools import product

import numpy as np
from league_more_peers import MORE_METHODS
from league_peers import METHODS, gaussian
from measure import arguments, show
from scipy.stats import rankdata
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2, make_friedman3
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_mogpe.datasets import load_motorcycle, make_step, make_two_branches, make_two_regimes
from sklearn_mogpe.metrics import crps, interval_coverage, nlpd
from sklearn_mogpe.predictive import gaussian_mixture

# Of generated data: few rows to learn from, and many to judge by.
TRAIN_ROWS, TEST_ROWS = 300, 1000

# Columns of the summary.
MEANS = {"NLPD": "nlpd", "90 % coverage": "coverage", "CRPS": "crps", "RMSE": "rmse", "fit s": "fit_s"}


def loaded(load):
    """A data set of which 30 % are held out, with no known truth."""

    def split(seed):
        parts = train_test_split(*load(return_X_y=True), test_size=0.3, random_state=seed)
        return *parts, None

    return split


def generated(make, **params):
    """Rows from a generator of this package, and the true density of those that are held out."""

    def split(seed):
        X, y, truth = make(TRAIN_ROWS + TEST_ROWS, random_state=seed, return_truth=True, **params)
        X, X_test, y, y_test = train_test_split(X, y, train_size=TRAIN_ROWS, random_state=seed)
        return X, X_test, y, y_test, truth.density(X_test)

    return split


def friedman(make, first_max, spread):
    """One of Friedman's functions f, and noise that grows with the first feature.

    Its standard deviation is ``spread (0.05 + 0.45 x1 / max x1)``; f has this spread over all inputs.
    """

    def split(seed):
        X, f = make(TRAIN_ROWS + TEST_ROWS, noise=0.0, random_state=seed)
        noise = spread * (0.05 + 0.45 * X[:, 0] / first_max)
        y = np.random.default_rng(seed).normal(f, noise)
        X, X_test, y, y_test, _, f_test, _, noise_test = train_test_split(
            X, y, f, noise, train_size=TRAIN_ROWS, random_state=seed
        )
        return X, X_test, y, y_test, gaussian(f_test, noise_test)

    return split


KNOWN_METHODS = METHODS | MORE_METHODS  # without the latter unless they are asked for

SETS = {
    "motorcycle": loaded(load_motorcycle),
    "step": generated(make_step),
    "two_branches": generated(make_two_branches),
    "two_regimes": generated(make_two_regimes, n_outputs=1),
    "diabetes": loaded(load_diabetes),
    "friedman1": friedman(make_friedman1, first_max=1.0, spread=4.9),
    "friedman2": friedman(make_friedman2, first_max=100.0, spread=375.0),
    "friedman3": friedman(make_friedman3, first_max=100.0, spread=0.31),
}


def standardised(name, seed):
    """Training and held-out rows, and the true mixture of the latter (weights, means, stds) or None."""
    X, X_test, y, y_test, truth = SETS[name](seed)
    x_mean, x_std, y_mean, y_std = X.mean(0), X.std(0), y.mean(), y.std()
    X, X_test = ((part - x_mean) / x_std for part in (X, X_test))
    y, y_test = ((part - y_mean) / y_std for part in (y, y_test))
    if truth is not None:
        weights, means, stds = truth
        truth = weights, (means - y_mean) / y_std, stds / y_std
    return X, y, X_test, y_test, truth


def scores(y, mixture):
    """Scores of Gaussian mixtures: weights, means and standard deviations, all (n, K)."""
    weights, means, stds = mixture
    parts = weights, means[:, :, None], stds[:, :, None]
    lower, upper = (gaussian_mixture.quantile(level, *parts) for level in (0.05, 0.95))
    return {
        "nlpd": nlpd(y, *mixture),
        "crps": crps(y, *mixture),
        "rmse": float(np.sqrt(np.mean((y - gaussian_mixture.mean(*parts[:2])[:, 0]) ** 2))),
        "coverage": interval_coverage(y, lower[:, 0], upper[:, 0]),
        "width": float(np.mean(upper - lower)),
    }


def matches(name, seed, methods):
    """Scores of each method on one split of a data set, after those of the truth where it is known."""
    X, y, X_test, y_test, truth = standardised(name, seed)
    where = {"set": name, "split": seed}
    if truth is not None:
        yield {**where, "method": "truth", **scores(y_test, truth), "fit_s": np.nan}
    for method in methods:
        start = time.perf_counter()
        predict = KNOWN_METHODS[method](X, y, seed)
        seconds = time.perf_counter() - start
        yield {**where, "method": method, **scores(y_test, predict(X_test)), "fit_s": seconds}


def mean(rows, column, **where):
    """Mean of a column over the rows with some values, NaN if there are none."""
    values = [row[column] for row in rows if where.items() <= row.items()]
    return float(np.mean(values)) if values else np.nan


def summary(rows, sets, methods):
    """Of each method the mean rank by NLPD, means, and the median ratio of its fit seconds to the SVGP's."""
    nlpds = [[mean(rows, "nlpd", set=name, method=method) for method in methods] for name in sets]
    ranks = np.mean([rankdata(values) for values in nlpds], axis=0)
    table = []
    for method, rank in zip(methods, ranks, strict=True):
        own, svgp = (
            np.array([row["fit_s"] for row in rows if row["method"] == each]) for each in (method, "svgp")
        )
        ratio = np.median(own / svgp) if len(svgp) else np.nan
        table.append([method, rank, *(mean(rows, column, method=method) for column in MEANS.values()), ratio])
    return table


def show_rounded(title, columns, table):
    """Print a table, its numbers with two decimals."""
    show(title, columns, [[name, *(f"{value:.2f}" for value in values)] for name, *values in table])


def main():
    options = arguments(__doc__, sets=[*SETS], methods=[*METHODS], splits=2, out="")
    for chosen, known in ((options.sets, SETS), (options.methods, KNOWN_METHODS)):
        if not set(chosen) <= set(known):
            raise SystemExit(f"Expected names among {', '.join(known)}, got {' '.join(chosen)}.")
    warnings.simplefilter("ignore", ConvergenceWarning)  # of the exact GP, at the edge of its lengthscales
    list(matches(options.sets[0], 0, options.methods))  # the first fits of the process
    rows = [
        row
        for name, seed in product(options.sets, range(options.splits))
        for row in matches(name, seed, options.methods)
    ]
    if options.out:
        with open(options.out, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    columns = [*options.methods, "truth"]
    by_set = [
        [name, *(mean(rows, "nlpd", set=name, method=each) for each in columns)] for name in options.sets
    ]
    show_rounded(f"Mean NLPD of held-out rows over {options.splits} splits", ["set", *columns], by_set)
    columns = ["method", "mean rank", *MEANS, "fit s / SVGP's, median"]
    show_rounded("Means over sets and splits", columns, summary(rows, options.sets, options.methods))


if __name__ == "__main__":
    main()
