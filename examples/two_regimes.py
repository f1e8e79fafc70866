"""Fit two velocities over a plane, calm in one region and turbulent in the other, by one mixture."""

import argparse
import os

# TensorFlow greets on the standard error. This leaves its errors, and a line on CUDA that nothing silences.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_two_regimes
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import ExpertsDisplay, MixingProbabilitiesDisplay

SPAN = np.linspace(-2, 2, 60)


def draw(model, true_density, order):
    """Above, the gate as learnt and as it is; below, for each output, the experts' means and deviations."""
    figure, panels = plt.subplots(3, 4, figsize=(12, 7.5), sharex=True, sharey=True, layout="constrained")
    corners = {"X": [[-2, -2], [2, 2]], "margin": 0}
    MixingProbabilitiesDisplay.from_estimator(model, **corners, ax=panels[0, :2], colorbar=False)
    plane = np.stack(np.meshgrid(SPAN, SPAN, indexing="ij"), axis=-1)
    weights = true_density(plane.reshape(-1, 2))[0][:, order].reshape(60, 60, 2)
    MixingProbabilitiesDisplay((SPAN, SPAN), weights).plot(panels[0, 2:])
    for output in range(2):
        columns = panels[1:, 2 * output : 2 * output + 2]
        display = ExpertsDisplay.from_estimator(model, **corners, output=output, ax=columns)
        for k, axes in enumerate(display.axes_[0]):
            axes.set_title(f"output {output + 1}, expert {k + 1}")
    for axes, name in zip(panels[0], ("learnt", "learnt", "true", "true"), strict=True):
        axes.set_title(f"{name} gate, {axes.get_title()}")
    for axes in panels.flat:
        axes.label_outer()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="two_regimes.png", help="file of the picture (%(default)s)")
    parser.add_argument("--verbose", type=int, default=1, help="0 hides the progress bars (%(default)s)")
    options = parser.parse_args()

    X, y = make_two_regimes(600, n_outputs=2, random_state=0)
    X_new, y_new, truth = make_two_regimes(2000, n_outputs=2, random_state=1, return_truth=True)
    print(f"{len(y)} rows with {y.shape[1]} outputs to train on, {len(y_new)} held out; smaller is better")

    # Fewer inducing points, one start and fewer iterations than by default, to take seconds only.
    quick = {
        "noise": "constant",
        "n_inducing": 60,
        "n_samples": 16,
        "init_params": "noise",
        "max_iter": 80,
        "random_state": 0,
    }
    for n_experts, name in ((1, "single GPs"), (2, "mixture of two")):
        model = MoGPERegressor(n_experts, verbose=options.verbose, **quick).fit(X, y)
        report(name, y_new, model.predict_mixing_proba(X_new), *model.predict_experts(X_new, return_std=True))
    report("true density", y_new, truth.weights, truth.means, truth.stds)

    # The experts have no order of their own: the calm one is the one with the lower noise.
    noise = np.array([expert["noise_std"] for expert in model.experts_])
    order = noise[:, 0].argsort().argsort()
    for k in order.argsort():
        print(f"expert {k + 1}: noise of {noise[k, 0]:.3f} and {noise[k, 1]:.3f} in the two outputs")
    agreement = np.mean(order[model.gating_.predict(X_new)] == truth.weights.argmax(axis=1))
    print(f"{agreement:.1%} of the held-out rows lie in the right regime, by the gate alone")

    draw(model, truth.density, order).savefig(options.output, dpi=80)
    print(f"wrote {options.output}")


def report(name, y, weights, means, stds):
    """Print the joint NLPD of all outputs, and that of each."""
    each = [f"{nlpd(y[:, p], weights, means[:, :, p], stds[:, :, p]):.3f}" for p in range(y.shape[1])]
    joint = f"{nlpd(y, weights, means, stds):.3f}"
    print(f"{name + ':':16}NLPD {joint} nats per row; of each output {', '.join(each)}", flush=True)


if __name__ == "__main__":
    main()
