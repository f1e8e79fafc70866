"""
Two regimes of two outputs
==========================

Two velocities over a plane, calm below a winding border and turbulent above. One mixture fits both outputs.
They share its gate, so that each helps to find the border for the other.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_two_regimes
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.plotting import ExpertsDisplay, MixingProbabilitiesDisplay

X, y = make_two_regimes(600, n_outputs=2, random_state=0)
X_new, y_new, truth = make_two_regimes(2000, n_outputs=2, random_state=1, return_truth=True)

# %%
# Fit
# ---
# The scores are mean negative log densities (NLPD) of new rows: of both outputs jointly, and of each. The
# density that the data were drawn from has the best that can be reached. Inducing points and iterations are
# fewer than by default, and only one start is tried, to take seconds only.


def report(name, weights, means, stds):
    each = [f"{nlpd(y_new[:, p], weights, means[:, :, p], stds[:, :, p]):.3f}" for p in range(2)]
    joint = f"{nlpd(y_new, weights, means, stds):.3f}"
    print(f"{name + ':':16}NLPD {joint} nats per row; of each output {', '.join(each)}", flush=True)


quick = {"noise": "constant", "n_inducing": 60, "n_samples": 16, "init_params": "noise", "max_iter": 80}
for n_experts, name in ((1, "single GPs"), (2, "mixture of two")):
    model = MoGPERegressor(n_experts, **quick, random_state=0).fit(X, y)
    report(name, model.predict_mixing_proba(X_new), *model.predict_experts(X_new, return_std=True))
report("true density", truth.weights, truth.means, truth.stds)

# %%
# What it found
# -------------
# The experts have no order of their own: the calm one is the one with the lower noise. It was drawn with a
# standard deviation of 0.05, that of the turbulent one is 0.4.

noise = np.array([expert["noise_std"] for expert in model.experts_])
order = noise[:, 0].argsort().argsort()
for k in order.argsort():
    print(f"expert {k + 1}: noise of {noise[k, 0]:.3f} and {noise[k, 1]:.3f} in the two outputs")
agreement = np.mean(order[model.gating_.predict(X_new)] == truth.weights.argmax(axis=1))
print(f"{agreement:.1%} of the new rows lie in the right regime, by the gate alone")

# %%
# Look
# ----
# Above, the gate as learnt and as it is; below, for each output, the means and deviations of the experts.

span = np.linspace(-2, 2, 60)
plane = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1)
true_weights = truth.density(plane.reshape(-1, 2))[0][:, order].reshape(60, 60, 2)

figure, panels = plt.subplots(3, 4, figsize=(12, 7.5), sharex=True, sharey=True, layout="constrained")
corners = {"X": [[-2, -2], [2, 2]], "margin": 0}
MixingProbabilitiesDisplay.from_estimator(model, **corners, ax=panels[0, :2], colorbar=False)
MixingProbabilitiesDisplay((span, span), true_weights).plot(panels[0, 2:])
for output in range(2):
    columns = panels[1:, 2 * output : 2 * output + 2]
    display = ExpertsDisplay.from_estimator(model, **corners, output=output, ax=columns)
    for k, axes in enumerate(display.axes_[0]):
        axes.set_title(f"output {output + 1}, expert {k + 1}")
for axes, name in zip(panels[0], ("learnt", "learnt", "true", "true"), strict=True):
    axes.set_title(f"{name} gate, {axes.get_title()}")
for axes in panels.flat:
    axes.label_outer()
figure.savefig("two_regimes.png", dpi=80)
