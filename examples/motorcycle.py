"""Fit a mixture of two Gaussian processes to the motorcycle data, hold it against one, and draw it."""

import argparse
import os

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle

INK = "#20242c"
COLORS = ("#0072b2", "#d55e00")  # of the two experts; colour-blind readers can tell them apart
MIXED = "#5b2a86"


def draw(model, train, test):
    """Three panels over time: the predictive density, the experts behind it, and which of them speaks."""
    figure = Figure(figsize=(7, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(5, 4, 2))
    x = np.linspace(0, 60, 481)
    X = x[:, None]

    # The density, each column scaled by its own peak: the quiet part would outshine the rest.
    y = np.linspace(-180, 120, 301)
    density = np.exp(model.score_samples(np.repeat(X, len(y), axis=0), np.tile(y, len(x))))
    density = density.reshape(len(x), len(y)).T
    shades = LinearSegmentedColormap.from_list("shades", ["white", MIXED], N=32)
    top.pcolormesh(x, y, density / density.max(axis=0), cmap=shades, vmax=2.5)
    for coverage, dashes in ((0.5, "-"), (0.9, (0, (4, 2)))):
        edges = np.transpose(model.predict_interval(X, coverage))
        lines = top.plot(x, edges, color=MIXED, linewidth=0.8, linestyle=dashes)
        lines[0].set_label(f"{coverage:.0%} interval")
    top.plot(x, model.predict(X), color=MIXED, linewidth=2, label="mean")
    top.plot(*train, "o", color=INK, markersize=3.5, label="training data")
    top.plot(*test, "o", color=INK, markerfacecolor="white", markersize=4, label="held-out data")
    top.set(ylabel="acceleration (g)", ylim=(y[0], y[-1]))
    top.legend(ncols=2, frameon=False, loc="lower right")

    proba = model.predict_mixing_proba(X)
    means, stds = model.predict_experts(X, return_std=True)
    for k, color in enumerate(COLORS):
        # A colour for each piece of the curve, as opaque as the expert is probable there.
        shades = np.array([(*to_rgb(color), p) for p in proba[:-1, k]])
        band = means[:, k] + 2 * stds[:, k] * [[-1], [1]]
        middle.pcolormesh(np.stack([x, x]), band, shades[None] * [1, 1, 1, 0.3])
        for line, width in ((means[:, k], 2), (band[0], 0.5), (band[1], 0.5)):
            points = np.column_stack([x, line])
            pieces = np.stack([points[:-1], points[1:]], axis=1)
            middle.add_collection(LineCollection(pieces, colors=shades, linewidths=width, capstyle="butt"))
        bottom.plot(x, proba[:, k], color=color, linewidth=2)
        bottom.fill_between(x, proba[:, k], color=color, alpha=0.1, linewidth=0)
        middle.plot([], [], color=color, linewidth=2, label=f"expert {k + 1}, mean ± 2 std")
    middle.plot(*np.hstack([train, test]), "o", color=INK, markersize=2)
    middle.set(ylabel="acceleration (g)", ylim=(y[0], y[-1]))
    middle.legend(frameon=False, loc="lower right")
    bottom.set(ylabel="mixing probability", ylim=(0, 1.02), yticks=(0, 0.5, 1))
    bottom.set(xlabel="time after the impact (ms)", xlim=(x[0], x[-1]))
    for axes, letter in zip((top, middle, bottom), "abc", strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(letter, loc="left", fontweight="bold", fontsize=11)
    figure.align_ylabels()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="motorcycle.png", help="where to write the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress bars (%(default)s)")
    options = parser.parse_args()

    X, y = load_motorcycle(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    print(f"{len(y_train)} rows to train on, {len(y_test)} held out; smaller is better")
    for n_experts, name in ((1, "single GP"), (2, "mixture of two")):
        model = MoGPERegressor(n_experts, verbose=options.verbose, random_state=0).fit(X_train, y_train)
        nlpd = -model.score_samples(X_test, y_test).mean()
        rmse = root_mean_squared_error(y_test, model.predict(X_test))
        print(f"{name + ':':16}NLPD {nlpd:.3f} nats per row (y in g), RMSE {rmse:.1f} g", flush=True)

    draw(model, (X_train[:, 0], y_train), (X_test[:, 0], y_test)).savefig(options.output, dpi=130)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
