"""Histograms of the probability integral transform (PIT) of held-out rows, of a single GP and of a mixture.

Every row is predicted by a fit that did not see it. The table holds the largest distance between the
distribution of the PIT and the uniform one, and what a calibrated model would exceed in one of twenty cases.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from measure import arguments, show
from scipy.stats import kstest, kstwo
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle, make_step, make_two_branches
from sklearn_mogpe.metrics import pit
from sklearn_mogpe.plotting import CalibrationDisplay

SETS = {
    "motorcycle": partial(load_motorcycle, return_X_y=True),
    "step": partial(make_step, 300, random_state=0),
    "two_branches": partial(make_two_branches, 300, random_state=0),
    "diabetes": partial(load_diabetes, return_X_y=True),
}
MODELS = {1: "one GP", 2: "mixture of two"}


def held_out_pit(model, X, y, n_folds):
    """PIT of every row (n,), by cross-validation."""
    values = np.empty(len(y))
    for train, test in KFold(n_folds, shuffle=True, random_state=0).split(X):
        fitted = clone(model).fit(X[train], y[train])
        means, stds = fitted.predict_experts(X[test], return_std=True)
        values[test] = pit(y[test], fitted.predict_mixing_proba(X[test]), means, stds)
    return values


def main():
    options = arguments(__doc__, sets=[*SETS], folds=5, out="pit.png")
    figure, panels = plt.subplots(
        len(MODELS),
        len(options.sets),
        figsize=(2.6 * len(options.sets), 4.6),
        sharex=True,
        sharey="col",
        squeeze=False,
        layout="constrained",
    )
    table = []
    for name, column in zip(options.sets, panels.T, strict=True):
        X, y = SETS[name]()
        distances = []
        for (n_experts, title), ax in zip(MODELS.items(), column, strict=True):
            values = held_out_pit(MoGPERegressor(n_experts, random_state=0), X, y, options.folds)
            CalibrationDisplay(values).plot(ax, kind="histogram", legend=False)
            ax.set_title(f"{name.replace('_', ' ')}, {title}", fontsize=10)
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_xticks([0, 0.5, 1])
            distances.append(float(kstest(values, "uniform").statistic))
        table.append([name, len(y), *distances, float(kstwo.ppf(0.95, len(y)))])
    for ax in panels[:-1].flat:
        ax.set_xlabel("")
    for ax in panels[:, 1:].flat:
        ax.set_ylabel("")
    figure.savefig(options.out, dpi=80)
    show("Distance of the PIT from uniform", ["set", "rows", *MODELS.values(), "5 % by chance"], table)


if __name__ == "__main__":
    main()
