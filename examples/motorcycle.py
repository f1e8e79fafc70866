"""Fit mixtures of two and of three Gaussian processes to the motorcycle data, hold them against one, draw."""

import argparse
import os

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
from sklearn_mogpe.plotting import ExpertsDisplay, MixingProbabilitiesDisplay, PredictiveDensityDisplay

INK = "#20242c"


def draw(models, train, test):
    """A column for each model: the predictive density, the experts behind it, and which of them speaks."""
    shape = {"figsize": (10, 7), "height_ratios": (5, 4, 2), "layout": "constrained"}
    figure, rows = plt.subplots(3, len(models), sharex=True, sharey="row", **shape)
    span = {"X": [[0], [60]], "margin": 0, "legend": False}
    for model, (top, middle, bottom) in zip(models, rows.T, strict=True):
        PredictiveDensityDisplay.from_estimator(model, **span, ax=top)
        ExpertsDisplay.from_estimator(model, **span, ax=middle)
        MixingProbabilitiesDisplay.from_estimator(model, **span, ax=bottom)
        middle.legend(frameon=False, loc="lower right")
        for axes in (top, middle):
            axes.plot(*train, "o", color=INK, markersize=3.5, label="training data")
            axes.plot(*test, "o", color=INK, markerfacecolor="white", markersize=4, label="held-out data")
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
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="motorcycle.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress bars (%(default)s)")
    options = parser.parse_args()

    X, y = load_motorcycle(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    print(f"{len(y_train)} rows to train on, {len(y_test)} held out; smaller is better")
    models = []
    for n_experts, name in ((1, "single GP"), (2, "mixture of two"), (3, "mixture of three")):
        model = MoGPERegressor(n_experts, noise="constant", verbose=options.verbose, random_state=0).fit(
            X_train, y_train
        )
        nlpd = -model.score_samples(X_test, y_test).mean()
        rmse = root_mean_squared_error(y_test, model.predict(X_test))
        print(f"{name + ':':18}NLPD {nlpd:.3f} nats per row (y in g), RMSE {rmse:.1f} g", flush=True)
        models.append(model)

    draw(models[1:], (X_train[:, 0], y_train), (X_test[:, 0], y_test)).savefig(options.output, dpi=85)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
