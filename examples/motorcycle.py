"""
Two and three experts
=====================

The motorcycle data: the acceleration of a head in a simulated crash. It is quiet before the impact, swings
wildly after it, and calms down. One Gaussian process has one smoothness and one noise for all of that.
Mixtures of two and of three have one for each part, and find the parts themselves.
"""

import matplotlib.pyplot as plt
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
from sklearn_mogpe.plotting import ExpertsDisplay, MixingProbabilitiesDisplay, PredictiveDensityDisplay

# %%
# Fit
# ---
# NLPD is the mean negative log density of held-out rows: smaller is better. The means of all three models are
# equally good, as the root mean squared error (RMSE) tells; their densities are not.

X, y = load_motorcycle(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
print(f"{len(y_train)} rows to train on, {len(y_test)} held out")

models = {}
for n_experts, name in ((1, "single GP"), (2, "mixture of two"), (3, "mixture of three")):
    model = MoGPERegressor(n_experts, noise="constant", random_state=0).fit(X_train, y_train)
    nlpd = -model.score_samples(X_test, y_test).mean()
    rmse = root_mean_squared_error(y_test, model.predict(X_test))
    print(f"{name + ':':18}NLPD {nlpd:.3f} nats per row (y in g), RMSE {rmse:.1f} g", flush=True)
    models[n_experts] = model

# %%
# Look
# ----
# A column for each mixture: the density that it predicts, the experts behind it, drawn as opaque as they are
# probable, and the probabilities.

INK = "#20242c"
shape = {"figsize": (10, 7), "height_ratios": (5, 4, 2), "layout": "constrained"}
figure, rows = plt.subplots(3, 2, sharex=True, sharey="row", **shape)
span = {"X": [[0], [60]], "margin": 0, "legend": False}
for model, (top, middle, bottom) in zip((models[2], models[3]), rows.T, strict=True):
    PredictiveDensityDisplay.from_estimator(model, **span, ax=top)
    ExpertsDisplay.from_estimator(model, **span, ax=middle)
    MixingProbabilitiesDisplay.from_estimator(model, **span, ax=bottom)
    middle.legend(frameon=False, loc="lower right")
    for axes in (top, middle):
        axes.plot(X_train, y_train, "o", color=INK, markersize=3.5, label="training data")
        axes.plot(X_test, y_test, "o", color=INK, markerfacecolor="w", markersize=4, label="held-out data")
        axes.set(ylim=(-200, 120), xlabel="", ylabel="acceleration (g)")
    bottom.set_xlabel("time after the impact (ms)")
compact = {"fontsize": 9, "handlelength": 1.4, "columnspacing": 1.0}
rows[0, 0].legend(ncols=2, frameon=False, loc="lower right", **compact)
for axes, letter in zip(rows[:, 0], "abc", strict=True):
    axes.set_title(letter, loc="left", fontweight="bold", fontsize=11)
for axes in rows.flat:
    axes.spines[["top", "right"]].set_visible(False)
    axes.label_outer()
figure.align_ylabels()
figure.savefig("motorcycle.png", dpi=85)
