"""Rows per second and memory of predictions, against GPflow's parts and scikit-learn's exact GP."""

import threading

import gpflow
import numpy as np
import tensorflow as tf
from measure import arguments, medians, show
from peers import LoopedMixture
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from sklearn_mogpe import MoGPERegressor

CHUNK = 4096


def peak_memory(task) -> float:
    """Most megabytes that a task adds to the process, looked at every few milliseconds."""

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096 / 1e6

    before, most, done = resident(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.005):
            most[0] = max(most[0], resident())

    thread = threading.Thread(target=watch)
    thread.start()
    task()
    done.set()
    thread.join()
    return most[0] - before


def main():
    options = arguments(__doc__, K=3, M=100, D=8, rows=1_000_000, exact_rows=1000, repeats=3)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, options.D))
    y = np.sin(2 * X[:, 0]) + (0.1 + 0.3 * (X[:, 1] > 0)) * rng.standard_normal(len(X))
    new = rng.standard_normal((options.rows, options.D))
    model = MoGPERegressor(
        options.K, noise="constant", n_inducing=options.M, max_iter=5, init_params="kmeans", random_state=0
    )
    model.fit(X, y)
    looped = LoopedMixture(options.K, X[: options.M], len(X))
    kernel = RBF(np.ones(options.D)) + WhiteKernel(0.1)
    exact = GaussianProcessRegressor(kernel, optimizer=None).fit(
        X[: options.exact_rows], y[: options.exact_rows]
    )
    predict_f = [tf.function(gp.predict_f) for gp in looped.experts + looped.gates]

    def with_gpflow():
        for start in range(0, len(new), CHUNK):
            chunk = gpflow.utilities.to_default_float(new[start : start + CHUNK])
            for predict in predict_f:
                predict(chunk)[1].numpy()

    def with_exact():
        for start in range(0, len(new) // 10, CHUNK):
            exact.predict(new[start : start + CHUNK], return_std=True)

    times = medians(
        {
            "it": lambda: model.predict(new, return_std=True),
            "gpflow": with_gpflow,
            "exact": with_exact,
        },
        options.repeats,
    )
    rates = [len(new) / times["it"], len(new) / times["gpflow"], len(new) / 10 / times["exact"]]
    memory = peak_memory(lambda: model.predict(new, return_std=True))
    columns = ["it rows/s", "SVGPs rows/s", f"exact GP of {options.exact_rows} rows/s", "it / SVGPs"]
    title = f"Mean and standard deviation, K = {options.K}, M = {options.M}, {options.rows} rows"
    show(
        title,
        [*columns, "it / exact", "its peak MB"],
        [[*rates, rates[0] / rates[1], rates[0] / rates[2], memory]],
    )


if __name__ == "__main__":
    main()
