"""
An expert of your own
=====================

A class of twenty lines makes a straight line an expert, with a Gaussian posterior of its two coefficients. In
a mixture with a Gaussian process, L-BFGS of GPflow trains it.
"""

import gpflow
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from sklearn_mogpe.datasets import make_two_branches
from sklearn_mogpe.experts import ExpertBase, Experts, SVGPExpert
from sklearn_mogpe.gating_networks import SVGPGatingNetwork
from sklearn_mogpe.gps import Marginals
from sklearn_mogpe.metrics import nlpd
from sklearn_mogpe.mixture_of_experts import MixtureOfExperts
from sklearn_mogpe.plotting import ExpertsDisplay, MixingProbabilitiesDisplay, PredictiveDensityDisplay

# %%
# The expert
# ----------
# It has to tell its function at each row, its noise, and how far it has moved from its prior. So it can be
# put in every mixture, under every bound.


class LineExpert(ExpertBase):
    """y = w0 + w1 x + noise, with w ~ N(0, I) before the data and w ~ N(q_mu, q_sqrt q_sqrt') after."""

    num_outputs = 1

    def __init__(self, guess, variance=0.1):
        super().__init__()
        self.q_mu = gpflow.Parameter(np.reshape(guess, (2, 1)))
        self.q_sqrt = gpflow.Parameter(0.1 * np.eye(2)[None], transform=gpflow.utilities.triangular())
        self.variance = gpflow.Parameter(variance, transform=gpflow.utilities.positive())

    def marginals(self, X):
        """Of f = phi' w with phi = (1, x): the mean phi' q_mu and the variance |q_sqrt' phi|^2."""
        phi = tf.concat([tf.ones_like(X), X], axis=1)
        mean = tf.transpose(phi @ self.q_mu)
        variance = tf.reduce_sum((phi @ self.q_sqrt[0]) ** 2, axis=1)[None]
        return Marginals(mean, variance, tf.zeros_like(variance))  # once w is known, nothing is left open

    def noise_variance(self, X):
        """The same everywhere."""
        return tf.fill([1, tf.shape(X)[0]], self.variance)

    def prior_kl(self):
        """From N(0, I) to what is known of w."""
        return gpflow.kullback_leiblers.gauss_kl(self.q_mu, self.q_sqrt)


# %%
# Fit
# ---
# Of the two branches of these data, the lower is the line -1 + 0.3 x, the upper a wave. Where training starts
# decides where it ends, so here is a first guess: the line lies low, the wave high.

X, y = make_two_branches(300, random_state=1)
X_new, y_new, truth = make_two_branches(2000, random_state=2, return_truth=True)
Z = np.linspace(-3, 3, 15)[:, None]  # inducing inputs, of which each GP gets a copy


def make_gp(mean):
    noise = gpflow.likelihoods.Gaussian(0.1)
    return SVGPExpert(gpflow.kernels.RBF(), noise, Z, mean_function=gpflow.functions.Constant(mean))


line, wave = LineExpert(guess=[-1.0, 0.0]), make_gp(mean=1.0)
gate = SVGPGatingNetwork(gpflow.kernels.RBF(), Z)
mixture = MixtureOfExperts(Experts([line, wave]), gate, bound="further")
single = MixtureOfExperts(Experts([make_gp(mean=0.0)]), SVGPGatingNetwork(num_experts=1), bound="further")


def predict(model, X):
    """Weights (n, K), and means and standard deviations (n, K), of the mixture's components."""
    weights, means, variances = (part.numpy() for part in model.predict_mixture(X))
    return weights, means[..., 0], np.sqrt(variances[..., 0])


for name, model in (("single GP", single), ("line and GP", mixture)):
    loss = model.training_loss_closure((X, y[:, None]))
    gpflow.optimizers.Scipy().minimize(loss, model.trainable_variables, options={"maxiter": 300})
    print(f"{name + ':':14}NLPD {nlpd(y_new, *predict(model, X_new)):.3f} nats per row", flush=True)
print(f"{'true density:':14}NLPD {nlpd(y_new, truth.weights, truth.means, truth.stds):.3f} nats per row")

stds = np.linalg.norm(line.q_sqrt.numpy()[0], axis=1)
for name, mean, std in zip(("intercept", "slope"), line.q_mu.numpy()[:, 0], stds, strict=True):
    print(f"{name}: {mean:.3f} ± {std:.3f}")

# %%
# Look
# ----
# The predictive density, the line and the Gaussian process behind it, and which of them speaks. Displays can
# be made from arrays: no estimator is needed.

figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), sharex=True, layout="constrained")
x = np.linspace(-3, 3, 200)
predicted = predict(mixture, x[:, None])
PredictiveDensityDisplay((x,), *predicted, X=X, y=y).plot(panels[0], legend=False)
ExpertsDisplay((x,), *predicted, X=X, y=y).plot(panels[1], legend=False)
MixingProbabilitiesDisplay((x,), predicted[0]).plot(panels[2], legend=False)
for axes, title in zip(panels, ("density", "experts", "gate"), strict=True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left")
figure.savefig("custom_expert.png", dpi=85)
