"""
A stream of batches
===================

A mixture is fitted to a file that is read in chunks, and goes on learning when what the rows describe
changes.
"""

import copy
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import PredictiveDensityDisplay

# %%
# From a file
# -----------
# ``fit_stream`` takes batches, and asks for them anew in each pass. Its score, the mean negative log density
# (NLPD) of new rows, is that of a fit to the whole array. One start and two passes take seconds only.


class Chunks:
    """The rows of a file, some at a time."""

    def __init__(self, file, n_rows):
        self.file, self.n_rows = file, n_rows

    def __iter__(self):
        rows = np.load(self.file, mmap_mode="r")  # a memory map: nothing is read before it is asked for
        for first in range(0, len(rows), self.n_rows):
            chunk = rows[first : first + self.n_rows]
            yield chunk[:, :1], chunk[:, 1]


quick = {"noise": "constant", "n_inducing": 20, "n_samples": 16, "init_params": "mixture", "max_iter": 2}
X, y = make_step(60_000, random_state=0)
with tempfile.TemporaryDirectory() as directory:
    file = Path(directory, "rows.npy")
    np.save(file, np.column_stack([X, y]))
    model = MoGPERegressor(2, **quick, random_state=0).fit_stream(Chunks(file, n_rows=1000))
whole = MoGPERegressor(2, **quick, random_state=0).fit(X, y)

X_new, y_new, truth = make_step(2000, random_state=1, return_truth=True)
print(f"from the stream:    NLPD {-model.score_samples(X_new, y_new).mean():.3f}")
print(f"from a whole array: NLPD {-whole.score_samples(X_new, y_new).mean():.3f}")
print(f"true density:       NLPD {nlpd(y_new, truth.weights, truth.means, truth.stds):.3f}", flush=True)

# %%
# Then the world changes
# ----------------------
# To the right of zero y is higher now, the more so the farther. ``partial_fit`` makes one pass over each
# batch of 2000 rows, from where the model is.


def make_changed_step(n_rows, seed):
    X, y = make_step(n_rows, random_state=seed)
    return X, y + 0.5 * np.maximum(X[:, 0], 0.0)


before = copy.deepcopy(model), X_new[:200], y_new[:200]
X_new, y_new = make_changed_step(2000, seed=2)
scores = [-model.score_samples(X_new, y_new).mean()]
for batch in range(10):
    model.partial_fit(*make_changed_step(2000, seed=3 + batch))
    scores.append(-model.score_samples(X_new, y_new).mean())
for batches in (0, 1, 5, 10):
    print(f"after {2000 * batches:5} rows:   NLPD {scores[batches]:.3f}")

# %%
# Look
# ----

figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for shown, axes in zip((before, (model, X_new[:200], y_new[:200])), panels, strict=False):
    PredictiveDensityDisplay.from_estimator(*shown, margin=0, legend=False, ax=axes)
panels[2].plot(2000 * np.arange(11), scores, "o-", color="#5b2a86")
panels[2].set(xlabel="rows since the change", ylabel="NLPD of new rows (nats per row)")
for axes, title in zip(panels, ("after 60 000 rows", "after a change and 20 000 more", ""), strict=True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left")
figure.savefig("stream.png", dpi=85)
