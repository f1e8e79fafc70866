"""
A search by density
===================

A pipeline fills gaps and encodes a category, and a grid search chooses the number of experts and their
kernel. It goes by the density of held-out rows. R² would hardly have told: it looks at the mean only.
"""

import warnings

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

# %%
# Data
# ----
# A curve that jumps, seen by two sensors, one of which reads too high. Warmth matters, too, and has gaps.


def make_rows(n_rows, seed):
    X, y = make_step(n_rows, random_state=seed)
    rng = np.random.default_rng(seed)
    sensor = rng.integers(2, size=n_rows)
    warmth = rng.normal(size=n_rows)
    y += 0.5 * sensor + 0.2 * warmth
    warmth[rng.uniform(size=n_rows) < 0.05] = np.nan
    return np.column_stack([X, warmth, sensor]), y


X, y = make_rows(300, seed=0)
X_new, y_new = make_rows(1000, seed=1)

# %%
# Search
# ------
# Inducing points and iterations are fewer than by default, and only one start is tried, to take seconds only.

warnings.filterwarnings("ignore", "Training ended by max_iter")  # on purpose
small = {"noise": "constant", "n_inducing": 30, "n_samples": 16, "init_params": "noise", "max_iter": 50}
columns = make_column_transformer((SimpleImputer(), [0, 1]), (OneHotEncoder(sparse_output=False), [2]))
search = GridSearchCV(
    make_pipeline(columns, MoGPERegressor(**small, random_state=0)),
    [
        {"mogperegressor__n_experts": [1], "mogperegressor__kernel": ["rbf"]},
        {"mogperegressor__n_experts": [2], "mogperegressor__kernel": ["rbf", "matern52"]},
    ],
    scoring={"nlpd": neg_nlpd, "r2": "r2"},
    refit="nlpd",
    cv=KFold(3, shuffle=True, random_state=0),
).fit(X, y)


def name(params):
    return f"n_experts={params['mogperegressor__n_experts']}, kernel={params['mogperegressor__kernel']}"


results = search.cv_results_
scores = results["params"], results["mean_test_nlpd"], results["mean_test_r2"]
for params, score, r2 in zip(*scores, strict=True):
    print(f"{name(params) + ':':32}NLPD {-score:.3f} nats per row, R² {r2:.3f}")
print(f"chosen: {name(search.best_params_)}")
print(f"on new rows: NLPD {-neg_nlpd(search, X_new, y_new):.3f} nats per row")
print(f"{observed_coverage(search, X_new, y_new):.1%} of them lie in their 90% intervals")

# %%
# Look
# ----
# (a) The scores of the search. (b) and (c) The calibration of its best on new rows: their values are a little
# high, as the histogram of the probability integral transform tells.

figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
names = [name(params).replace(", ", "\n") for params in results["params"]]
style = {"fmt": "o", "color": "#5b2a86"}
panels[0].errorbar(-results["mean_test_nlpd"], names, xerr=results["std_test_nlpd"], **style)
panels[0].set(xlabel="NLPD of the folds, mean ± std (nats per row)")
panels[0].margins(y=0.2)
panels[0].invert_yaxis()
CalibrationDisplay.from_estimator(search, X_new, y_new, ax=panels[1:], legend=False)
for axes, letter in zip(panels, "abc", strict=True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(letter, loc="left", fontweight="bold", fontsize=11)
figure.savefig("grid_search.png", dpi=85)
