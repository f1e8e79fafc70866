"""Fit a mixture to a file that is read in chunks, and go on with the fit when what it describes changes."""

import argparse
import os
import tempfile
import time
from pathlib import Path

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import PredictiveDensityDisplay

MIXED = "#5b2a86"


class Chunks:
    """The rows of a file, some at a time. Each pass over the data is a new iteration."""

    def __init__(self, file, n_rows):
        self.file, self.n_rows = file, n_rows

    def __iter__(self):
        rows = np.load(self.file, mmap_mode="r")  # a memory map: nothing is read before it is asked for
        for first in range(0, len(rows), self.n_rows):
            chunk = rows[first : first + self.n_rows]
            yield chunk[:, :1], chunk[:, 1]


def make_changed_step(n_rows, seed):
    """Rows after a change: to the right of zero y is higher, the more so the farther."""
    X, y = make_step(n_rows, random_state=seed)
    return X, y + 0.5 * np.maximum(X[:, 0], 0.0)


def draw_density(axes, model, X, y, title):
    PredictiveDensityDisplay.from_estimator(model, X[:200], y[:200], margin=0, ax=axes, legend=False)
    axes.set_title(title, loc="left")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="stream.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress bars (%(default)s)")
    options = parser.parse_args()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")

    # Fewer inducing points, one start and two passes, to take seconds only.
    quick = {
        "noise": "constant",
        "n_inducing": 20,
        "n_samples": 16,
        "init_params": "mixture",
        "max_iter": 2,
        "random_state": 0,
    }
    model = MoGPERegressor(2, verbose=options.verbose, **quick)
    whole = MoGPERegressor(2, verbose=options.verbose, **quick)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "rows.npy")
        np.save(file, np.column_stack(make_step(60_000, random_state=0)))
        began = time.perf_counter()
        model.fit_stream(Chunks(file, n_rows=1000))
        print(f"two passes over 60000 rows, in chunks of 1000: {time.perf_counter() - began:.0f} s")
        rows = np.load(file)
    whole.fit(rows[:, :1], rows[:, 1])

    X_new, y_new, truth = make_step(2000, random_state=1, return_truth=True)
    print(f"scores of {len(y_new)} new rows, in nats per row; smaller is better")
    print(f"from the stream:    NLPD {-model.score_samples(X_new, y_new).mean():.3f}")
    print(f"from a whole array: NLPD {-whole.score_samples(X_new, y_new).mean():.3f}")
    print(f"true density:       NLPD {nlpd(y_new, truth.weights, truth.means, truth.stds):.3f}", flush=True)
    draw_density(left, model, X_new, y_new, "after 60000 rows")

    print("then the world changes, and rows come in batches of 2000")
    X_new, y_new = make_changed_step(2000, seed=2)
    scores = [-model.score_samples(X_new, y_new).mean()]
    for batch in range(10):
        model.partial_fit(*make_changed_step(2000, seed=3 + batch))  # one pass over these, from where it is
        scores.append(-model.score_samples(X_new, y_new).mean())
    for batches in (0, 1, 5, 10):
        print(f"after {2000 * batches:5} rows:   NLPD {scores[batches]:.3f}")
    draw_density(middle, model, X_new, y_new, "after a change and 20000 more")

    right.plot(2000 * np.arange(11), scores, "o-", color=MIXED)
    right.set(xlabel="rows since the change", ylabel="NLPD of new rows (nats per row)")
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.output, dpi=85)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
