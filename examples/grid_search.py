"""Choose the number of experts and their kernel by held-out density, in a pipeline with a grid search."""

import argparse
import os

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.metrics import neg_nlpd, observed_coverage
from sklearn_mogpe.plotting import CalibrationDisplay

MIXED = "#5b2a86"


def make_rows(n_rows, seed):
    """Rows of a curve that jumps, seen by two sensors, one of which reads too high, and with gaps."""
    X, y = make_step(n_rows, random_state=seed)
    rng = np.random.default_rng(seed)
    sensor = rng.integers(2, size=n_rows)
    warmth = rng.normal(size=n_rows)
    y += 0.5 * sensor + 0.2 * warmth
    warmth[rng.uniform(size=n_rows) < 0.05] = np.nan
    return np.column_stack([X, warmth, sensor]), y


def name(params):
    """A candidate of the search in words."""
    return f"n_experts={params['mogperegressor__n_experts']}, kernel={params['mogperegressor__kernel']}"


def draw(search, X, y):
    """Left, the scores of the search; in the middle and to the right, the calibration of its best."""
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    results = search.cv_results_
    names = [name(params) for params in results["params"]]
    panels[0].errorbar(-results["mean_test_nlpd"], names, xerr=results["std_test_nlpd"], fmt="o", color=MIXED)
    panels[0].set(xlabel="NLPD of the folds, mean ± std (nats per row)")
    panels[0].margins(y=0.2)
    panels[0].invert_yaxis()
    CalibrationDisplay.from_estimator(search, X, y, ax=panels[1:], legend=False)
    for axes, letter in zip(panels, "abc", strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(letter, loc="left", fontweight="bold", fontsize=11)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="grid_search.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides what is being fitted (%(default)s)")
    options = parser.parse_args()

    X, y = make_rows(300, seed=0)
    X_new, y_new = make_rows(1000, seed=1)
    columns = make_column_transformer((SimpleImputer(), [0, 1]), (OneHotEncoder(sparse_output=False), [2]))
    # Fewer inducing points, one start and fewer iterations than by default, to take seconds only.
    small = {"noise": "constant", "n_inducing": 30, "n_samples": 16, "init_params": "noise", "max_iter": 50}
    quick = MoGPERegressor(**small, random_state=0)
    search = GridSearchCV(
        make_pipeline(columns, quick),
        {"mogperegressor__n_experts": [1, 2], "mogperegressor__kernel": ["rbf", "matern52"]},
        scoring={"nlpd": neg_nlpd, "r2": "r2"},
        refit="nlpd",
        cv=KFold(3, shuffle=True, random_state=0),
        verbose=3 * options.verbose,
    ).fit(X, y)

    results = search.cv_results_
    print("mean scores of three folds; a smaller NLPD is better")
    for params, score, r2 in zip(
        results["params"], results["mean_test_nlpd"], results["mean_test_r2"], strict=True
    ):
        print(f"{name(params) + ':':32}NLPD {-score:.3f} nats per row, R² {r2:.3f}")
    print(f"chosen: {name(search.best_params_)}")
    print(f"on new rows: NLPD {-neg_nlpd(search, X_new, y_new):.3f} nats per row")
    print(f"{observed_coverage(search, X_new, y_new):.1%} of them lie in their 90% intervals")

    draw(search, X_new, y_new).savefig(options.output, dpi=85)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
