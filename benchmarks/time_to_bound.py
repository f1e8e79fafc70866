"""Seconds to the bound that GPflow's parts one by one reach by Adam in 10 000 steps."""

import time

import gpflow
import numpy as np
import tensorflow as tf
from gpflow.keras import tf_keras
from measure import Reports, arguments, show
from peers import LoopedMixture

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle


def standardised(path: str):
    """The motorcycle data, or ``X`` and ``y`` of an NPZ file (rows ``train_idx_0`` if it has them)."""
    if not path:
        X, y = load_motorcycle(return_X_y=True)
    else:
        file = np.load(path)
        rows = file["train_idx_0"] if "train_idx_0" in file else slice(None)
        X, y = file["X"][rows], file["y"][rows]
    y = y.reshape(len(X), -1)[:, :1]
    return (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()


def looped(X, Y, *, K, M, B, steps, bound):
    """The bound that is reached, and the seconds of the steps without those of tracing."""
    Z = gpflow.utilities.to_default_float(X[np.random.default_rng(0).choice(len(X), M, replace=False)])
    model = LoopedMixture(K, Z.numpy(), len(X), bound=bound)
    for k, expert in enumerate(model.experts):  # otherwise they stay alike for ever
        expert.kernel.lengthscales.assign(np.full(X.shape[1], 1.0 / (k + 1)))
        expert.likelihood.variance.assign(0.1 * 4.0**k)
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=0).repeat().batch(B)
    closure = model.training_loss_closure(iter(batches.prefetch(4)), compile=False)
    optimizer = tf_keras.optimizers.Adam(0.01)

    @tf.function
    def step():
        optimizer.minimize(closure, model.trainable_variables)

    step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - start
    return model.maximum_log_likelihood_objective((X, Y)).numpy(), seconds


def ours(X, Y, target, params):
    """Seconds to the target, infinite if it is not reached, search for a start included; the last bound."""
    reports = Reports()
    model = (
        MoGPERegressor(noise="constant", tol=0.0, random_state=0, **params)
        .set_callbacks(reports)
        .fit(X, Y[:, 0])
    )
    # The curve is per distinct row and contains the log priors, which hardly change any more.
    bounds = -np.array(model.loss_curve_) * len(np.unique(np.column_stack([X, Y]), axis=0))
    bounds += model.lower_bound_ - bounds.max()
    reached = np.array(reports.seconds)[bounds >= target]
    return (reached[0] if len(reached) else np.inf), model.lower_bound_


def main():
    options = arguments(
        __doc__,
        data="",
        K=2,
        M=32,
        B=16,
        steps=10_000,
        bound="tight",
        solver="auto",
        batch_size=0,
        max_iter=0,
    )
    X, Y = standardised(options.data)
    reached, seconds = looped(
        X, Y, K=options.K, M=options.M, B=options.B, steps=options.steps, bound=options.bound
    )
    params = {
        "n_experts": options.K,
        "n_inducing": options.M,
        "bound": options.bound,
        "solver": options.solver,
        "batch_size": options.batch_size or "auto",
        "max_iter": options.max_iter or None,
    }
    rows = []
    for name in ("first fit of a process", "second fit"):
        own, last = ours(X, Y, reached, params)
        rows.append([name, float(reached), seconds, own, seconds / own, float(last)])
    columns = ["", "looped bound", "looped s", "it s", "looped / it", "its last bound"]
    show(f"K = {options.K}, M = {options.M}, {len(X)} rows, bound {options.bound}", columns, rows)


if __name__ == "__main__":
    main()
