"""
Training from a TOML file
=========================

A file that says what is trained, and how, makes an estimator. While it trains, it writes event files, which
TensorBoard shows: the loss, and every parameter by its name. Here they are read back and drawn.
"""

import tempfile
import warnings
from importlib import resources
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
from sklearn_mogpe.plotting import PredictiveDensityDisplay

# %%
# Fit
# ---
# The file comes with the package. It asks for 2000 passes over the data; a fifth of them shows the way. To
# look at the curves in a browser, let ``log_dir`` be a directory that stays, and start
# ``tensorboard --logdir DIRECTORY``.


def read_curves(directory):
    """Curves by their names, as (steps, values), from the event files below a directory."""
    curves = {}
    for file in sorted(Path(directory).rglob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    curves.setdefault(value.tag, []).append((event.step, value.simple_value))
    return {name: np.transpose(points) for name, points in curves.items()}


warnings.filterwarnings("ignore", "Training ended by max_iter")  # on purpose
toml = resources.files("sklearn_mogpe").joinpath("configurations", "motorcycle_two_experts.toml")
X, y = load_motorcycle(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
with tempfile.TemporaryDirectory() as log_dir, resources.as_file(toml) as file:
    model = MoGPERegressor.from_toml(file)
    model.set_params(max_iter=400, log_dir=log_dir, checkpoint_dir=None, verbose=0).fit(X_train, y_train)
    curves = read_curves(log_dir)

# %%
# Look
# ----
# The loss is the negative bound with the log priors, per row. The noises of the two experts part as training
# goes; they are variances in standardised units.

steps, loss = curves["loss"]
noises = [curves[f"parameters/experts.experts[{k}].likelihood.variance"] for k in (0, 1)]
print(f"{len(steps)} looks in {steps[-1]:.0f} steps: loss from {loss[0]:.3f} to {loss[-1]:.3f} per row")
for k, (_, noise) in enumerate(noises, 1):
    print(f"noise variance of expert {k}: from {noise[0]:.4f} to {noise[-1]:.4f}")
print(f"NLPD {-model.score_samples(X_test, y_test).mean():.2f} nats per held-out row")

figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
panels[0].plot(steps, loss)
for k, curve in enumerate(noises, 1):
    panels[1].plot(*curve, label=f"expert {k}")
panels[1].set_yscale("log")
panels[1].legend(frameon=False)
PredictiveDensityDisplay.from_estimator(model, X_train, y_train, ax=panels[2], legend=False)
for axes, title in zip(panels, ("loss per row", "noise variance", "density"), strict=True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left")
for axes in panels[:2]:
    axes.set_xlabel("step")
figure.savefig("from_toml.png", dpi=85)
