"""What users would pick for a predictive density: each method compactly, as its own documentation has it.

Every method is a function ``(X, y, seed) -> predict`` of standardised training rows, X (N, D) and y (N,).
``predict(X)`` returns a Gaussian mixture for each row: weights, means and standard deviations, all (n, K).
"""

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.keras import tf_keras
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import KFold, cross_val_predict, train_test_split

from sklearn_mogpe import MoGPERegressor

# The least noise of a leaf or of the network, in standard deviations of y: some rows of the motorcycle data
# share one y, and a leaf may hold nothing else.
MIN_STD = 0.01


def gaussian(means, stds):
    """A mixture of one component."""
    return np.ones((len(means), 1)), means[:, None], stds[:, None]


def mogpe(X, y, seed):
    """Our defaults."""
    model = MoGPERegressor(random_state=seed).fit(X, y)

    def components(X):
        weights, means, stds = model.predict_mixture(X)
        return weights, means[:, :, 0], stds[:, :, 0]

    return components


def exact_gp(X, y, seed):
    """The exact GP of scikit-learn, a lengthscale per feature, and noise; two restarts."""
    kernel = ConstantKernel() * RBF(np.ones(X.shape[1]), (1e-2, 1e3)) + WhiteKernel(0.1, (1e-6, 1e1))
    model = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=seed)
    model.fit(X, y)
    return lambda X: gaussian(*model.predict(X, return_std=True))


def svgp(X, y, seed):
    """GPflow's SVGP, M = 100, whose natural gradient steps are exact."""
    model = gpflow.models.SVGP(
        gpflow.kernels.SquaredExponential(lengthscales=np.ones(X.shape[1])),
        gpflow.likelihoods.Gaussian(0.1),
        inducing_inputs(X, seed),
    )
    train(model, (X, y[:, None]), natural_step=1.0, n_steps=1000)

    def predict(X):
        mean, variance = (part.numpy()[:, 0] for part in model.predict_y(X))
        return gaussian(mean, np.sqrt(variance))

    return predict


def hetero_gp(X, y, seed):
    """GPflow's heteroscedastic GP: one function for the mean, one for the logarithm of the noise, M = 100."""
    kernels = [gpflow.kernels.SquaredExponential(lengthscales=np.ones(X.shape[1])) for _ in range(2)]
    Z = inducing_inputs(X, seed)
    points = [gpflow.inducing_variables.InducingPoints(Z.copy()) for _ in range(2)]
    model = gpflow.models.SVGP(
        gpflow.kernels.SeparateIndependent(kernels),
        gpflow.likelihoods.HeteroskedasticTFPConditional(scale_transform=tfp.bijectors.Exp()),
        gpflow.inducing_variables.SeparateIndependentInducingVariables(points),
        mean_function=gpflow.functions.Constant(np.array([0.0, -1.0])),
        num_latent_gps=2,
    )
    train(model, (X, y[:, None]), natural_step=0.2, n_steps=500)

    def predict(X):
        mean, variance = (part.numpy() for part in model.predict_f(X))
        return noise_mixture(mean[:, 0], variance[:, 0], mean[:, 1], variance[:, 1])

    return predict


def noise_mixture(f_mean, f_variance, g_mean, g_variance, n_points=20):
    """The mixture over g ~ N(g_mean, g_variance) of N(y; f_mean, f_variance + exp(2 g)).

    From arrays (n,) weights, means and standard deviations (n, n_points), by Gauss-Hermite points.
    """
    points, weights = np.polynomial.hermite_e.hermegauss(n_points)
    g = g_mean[:, None] + np.sqrt(g_variance)[:, None] * points
    stds = np.sqrt(f_variance[:, None] + np.exp(2 * g))
    return np.tile(weights / weights.sum(), (len(g), 1)), np.tile(f_mean[:, None], n_points), stds


def inducing_inputs(X, seed, max_points=100):
    """Centres of k-means."""
    n_points = min(max_points, len(np.unique(X, axis=0)))
    return KMeans(n_points, n_init=1, random_state=seed).fit(X).cluster_centers_


def train(model, data, natural_step, n_steps, learning_rate=0.05):
    """Natural gradients for q and Adam for all else, in turns, on the whole data."""
    gpflow.set_trainable(model.q_mu, False)
    gpflow.set_trainable(model.q_sqrt, False)
    loss = model.training_loss_closure(data, compile=False)
    natural_gradient = gpflow.optimizers.NaturalGradient(natural_step)
    adam = tf_keras.optimizers.Adam(learning_rate)

    @tf.function
    def step():
        natural_gradient.minimize(loss, [(model.q_mu, model.q_sqrt)])
        adam.minimize(loss, model.trainable_variables)

    for _ in range(n_steps):
        step()


def boosting(X, y, seed):
    """Histogram gradient boosting, with one standard deviation for all: that of cross-validated residuals."""
    model = HistGradientBoostingRegressor(random_state=seed)
    folds = KFold(5, shuffle=True, random_state=seed)
    std = np.sqrt(np.mean((y - cross_val_predict(model, X, y, cv=folds)) ** 2))
    model.fit(X, y)
    return lambda X: gaussian(model.predict(X), np.full(len(X), std))


def forest(X, y, seed):
    """A random forest, with the spread within leaves of five rows at least and between trees."""
    model = RandomForestRegressor(300, min_samples_leaf=5, random_state=seed).fit(X, y)
    return lambda X: gaussian(*forest_moments(model, X))


def forest_moments(model, X):
    """Mean and standard deviation (n,) of the mixture of the trees' leaves."""
    leaves = model.apply(X).T
    trees = [each.tree_ for each in model.estimators_]
    means = np.array([tree.value[leaf, 0, 0] for tree, leaf in zip(trees, leaves, strict=True)])
    variances = np.array([tree.impurity[leaf] for tree, leaf in zip(trees, leaves, strict=True)])
    return means.mean(0), np.sqrt(np.maximum(variances.mean(0) + means.var(0), MIN_STD**2))


def density_network(X, y, seed, n_components=3):
    """A mixture density network: two layers of 50, three components; held-out rows tell when to stop."""
    tf_keras.utils.set_random_seed(seed)
    layers = [tf_keras.layers.Dense(50, "tanh"), tf_keras.layers.Dense(50, "tanh")]
    network = tf_keras.Sequential([*layers, tf_keras.layers.Dense(3 * n_components)])
    network.compile(tf_keras.optimizers.Adam(0.003), density_network_loss)
    X, X_held_out, y, y_held_out = train_test_split(X, y, test_size=0.2, random_state=seed)
    stop = tf_keras.callbacks.EarlyStopping(patience=50, restore_best_weights=True)
    network.fit(
        X,
        y[:, None],
        batch_size=32,
        epochs=1000,
        validation_data=(X_held_out, y_held_out[:, None]),
        callbacks=[stop],
        verbose=0,
    )

    def predict(X):
        log_weights, means, stds = density_network_mixture(tf.cast(network(X), tf.float64))
        return np.exp(log_weights), means.numpy(), stds.numpy()

    return predict


def density_network_mixture(outputs):
    """Log weights, means and standard deviations (n, K) from a network's outputs (n, 3 K)."""
    logits, means, spreads = tf.split(outputs, 3, axis=-1)
    return tf.nn.log_softmax(logits), means, MIN_STD + tf.nn.softplus(spreads)


def density_network_loss(y, outputs):
    """Negative log density (n,) of y (n, 1)."""
    log_weights, means, stds = density_network_mixture(outputs)
    log_densities = tfp.distributions.Normal(means, stds).log_prob(y)
    return -tf.reduce_logsumexp(log_weights + log_densities, axis=-1)


METHODS = {
    "mogpe": mogpe,
    "exact_gp": exact_gp,
    "svgp": svgp,
    "hetero_gp": hetero_gp,
    "mdn": density_network,
    "boosting": boosting,
    "forest": forest,
}
