"""Fit a mixture to data with two likely answers in the middle, and hold its density against one GP's."""

import argparse
import os

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_two_branches
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import ExpertsDisplay, PredictiveDensityDisplay

INK = "#20242c"


def draw(single, mixture, X, y, upper):
    """Three panels: the density and samples of one GP, those of the mixture, and which expert made a row."""
    figure, panels = plt.subplots(1, 3, figsize=(11, 4), sharex=True, sharey=True, layout="constrained")
    samples = {"n_samples": 2, "coverage": [], "legend": False, "samples_kw": {"color": INK, "alpha": 0.6}}
    PredictiveDensityDisplay.from_estimator(single, X, ax=panels[0], **samples)
    PredictiveDensityDisplay.from_estimator(mixture, X, ax=panels[1], **samples)
    ExpertsDisplay.from_estimator(mixture, X, ax=panels[2], colors=["0.4", "0.4"], legend=False)
    # An expert's responsibility for a row is its probability once y is known, too: Pr(k | x, y).
    responsibility = mixture.predict_responsibilities(X, y)[:, upper]
    style = {"cmap": "coolwarm", "vmin": 0, "vmax": 1, "edgecolor": INK, "linewidth": 0.4, "zorder": 3}
    points = panels[2].scatter(X[:, 0], y, s=18, c=responsibility, **style)
    figure.colorbar(points, ax=panels[2], label="responsibility of the upper expert")
    for axes, title in zip(panels, ("one GP", "mixture of two", "who made which row"), strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title, loc="left")
        axes.label_outer()
    panels[0].set_ylim(-3, 2.6)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="two_branches.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress bars (%(default)s)")
    options = parser.parse_args()

    X, y = make_two_branches(300, random_state=0)
    X_new, y_new, truth = make_two_branches(2000, random_state=1, return_truth=True)
    print(f"{len(y)} rows to train on, {len(y_new)} held out; a smaller NLPD is better")
    settings = {"noise": "constant", "verbose": options.verbose, "random_state": 0}
    single = MoGPERegressor(1, **settings).fit(X, y)
    mixture = MoGPERegressor(2, **settings).fit(X, y)

    middle = np.zeros((1, 1))
    for name, model in (("single GP", single), ("mixture of two", mixture)):
        score = -model.score_samples(X_new, y_new).mean()
        # At x = 0 the branches are at -1 and 1, as likely one as the other, and nothing is in between.
        draws = model.sample_y(middle, n_samples=4000, random_state=0)
        between = np.mean(np.abs(draws) < 0.5)
        print(f"{name + ':':16}NLPD {score:.3f} nats per row, {between:.1%} of samples between the branches")
    print(f"{'true density:':16}NLPD {nlpd(y_new, truth.weights, truth.means, truth.stds):.3f} nats per row")

    upper = mixture.predict_experts(middle)[0].argmax()
    print("Which branch made a held-out row?")
    for name, proba in (
        ("x alone", mixture.predict_mixing_proba(X_new)),
        ("x and y", mixture.predict_responsibilities(X_new, y_new)),
    ):
        right = (proba.argmax(axis=1) == upper) == (truth.labels == 0)
        print(f"by {name}: right for {right.mean():.1%}")

    draw(single, mixture, X, y, upper).savefig(options.output, dpi=85)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
