"""Train the model that a TOML file describes, and read back what TensorBoard would show of its training."""

import argparse
import os
import tempfile
from importlib import resources
from pathlib import Path

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.model_selection import train_test_split

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
from sklearn_mogpe.plotting import PredictiveDensityDisplay

TOML = resources.files("sklearn_mogpe").joinpath("configurations", "motorcycle_two_experts.toml")

# Curves of interest, by their names in TensorBoard.
LOSS = "loss"  # negative bound and log priors, per row
NOISES = [f"parameters/experts.experts[{k}].likelihood.variance" for k in (0, 1)]


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


def draw(model, X, y, curves):
    """Three panels: the loss and the experts' noises as training went, and the predictive density."""
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
    panels[0].plot(*curves[LOSS])
    for k, name in enumerate(NOISES, 1):
        panels[1].plot(*curves[name], label=f"expert {k}")
    panels[1].set_yscale("log")
    panels[1].legend(frameon=False)
    PredictiveDensityDisplay.from_estimator(model, X, y, ax=panels[2], legend=False)
    for axes, title in zip(panels, ("loss per row", "noise variance", "density"), strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title, loc="left")
    for axes in panels[:2]:
        axes.set_xlabel("step")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="from_toml.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress (%(default)s)")
    parser.add_argument("--log-dir", help="where event files stay, for tensorboard --logdir")
    options = parser.parse_args()

    X, y = load_motorcycle(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    with tempfile.TemporaryDirectory() as temporary, resources.as_file(TOML) as file:
        model = MoGPERegressor.from_toml(file)
        log_dir = options.log_dir or temporary
        # The file trains for 2000 passes over the data. A fifth of them shows the way.
        model.set_params(max_iter=400, log_dir=log_dir, checkpoint_dir=None, verbose=options.verbose)
        model.fit(X_train, y_train)
        curves = read_curves(log_dir)

    steps, loss = curves[LOSS]
    print(f"{len(steps)} looks in {steps[-1]:.0f} steps: loss from {loss[0]:.3f} to {loss[-1]:.3f} per row")
    for k, name in enumerate(NOISES, 1):
        noises = curves[name][1]
        print(f"noise variance of expert {k}: from {noises[0]:.4f} to {noises[-1]:.4f}, standardised")
    print(f"NLPD {-model.score_samples(X_test, y_test).mean():.2f} nats per held-out row")

    draw(model, X, y, curves).savefig(options.output, dpi=85)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
