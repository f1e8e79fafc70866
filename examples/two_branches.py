"""
Two branches
============

In the middle of these data, y is on one of two branches, by chance. One Gaussian process puts most of its
probability between them, where nothing ever is. A mixture has an answer for each branch, and can tell which
of its experts has made a row.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_two_branches
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import ExpertsDisplay, PredictiveDensityDisplay

X, y = make_two_branches(300, random_state=0)
X_new, y_new, truth = make_two_branches(2000, random_state=1, return_truth=True)

# %%
# Fit
# ---
# NLPD is the mean negative log density of new rows: smaller is better. At x = 0 the branches are at -1 and 1,
# as likely one as the other, and nothing is in between.

single = MoGPERegressor(1, noise="constant", random_state=0).fit(X, y)
mixture = MoGPERegressor(2, noise="constant", random_state=0).fit(X, y)

middle = np.zeros((1, 1))
for name, model in (("single GP", single), ("mixture of two", mixture)):
    score = -model.score_samples(X_new, y_new).mean()
    draws = model.sample_y(middle, n_samples=4000, random_state=0)
    between = np.mean(np.abs(draws) < 0.5)
    print(f"{name + ':':16}NLPD {score:.3f} nats per row, {between:.1%} of samples between the branches")
print(f"{'true density:':16}NLPD {nlpd(y_new, truth.weights, truth.means, truth.stds):.3f} nats per row")

# %%
# Which branch made a row?
# ------------------------
# The gate answers from x alone. An expert's responsibility is its probability once y is known, too:
# Pr(k | x, y).

upper = mixture.predict_experts(middle)[0].argmax()
for name, proba in (
    ("x alone", mixture.predict_mixing_proba(X_new)),
    ("x and y", mixture.predict_responsibilities(X_new, y_new)),
):
    right = (proba.argmax(axis=1) == upper) == (truth.labels == 0)
    print(f"by {name}: right for {right.mean():.1%} of the new rows")

# %%
# Look
# ----
# Left, the density and two samples of one Gaussian process; in the middle, those of the mixture; right, which
# expert made which row.

INK = "#20242c"
figure, panels = plt.subplots(1, 3, figsize=(11, 4), sharex=True, sharey=True, layout="constrained")
samples = {"n_samples": 2, "coverage": [], "legend": False, "samples_kw": {"color": INK, "alpha": 0.6}}
PredictiveDensityDisplay.from_estimator(single, X, ax=panels[0], **samples)
PredictiveDensityDisplay.from_estimator(mixture, X, ax=panels[1], **samples)
ExpertsDisplay.from_estimator(mixture, X, ax=panels[2], colors=["0.4", "0.4"], legend=False)
style = {"cmap": "coolwarm", "vmin": 0, "vmax": 1, "edgecolor": INK, "linewidth": 0.4, "zorder": 3}
responsibility = mixture.predict_responsibilities(X, y)[:, upper]
points = panels[2].scatter(X[:, 0], y, s=18, c=responsibility, **style)
figure.colorbar(points, ax=panels[2], label="responsibility of the upper expert")
for axes, title in zip(panels, ("one GP", "mixture of two", "who made which row"), strict=True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left")
    axes.label_outer()
panels[0].set_ylim(-3, 2.6)
figure.savefig("two_branches.png", dpi=85)
