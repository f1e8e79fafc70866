"""Milliseconds per training step, against GPflow's parts one by one and against single GPs."""

import gpflow
import numpy as np
import tensorflow as tf
from gpflow.keras import tf_keras
from measure import arguments, dgemm_rate, medians, show
from peers import LoopedMixture

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import checkout
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers.adam import _compiled

STEPS = 20  # per call of ours, which takes them in the graph


def flops(K, M, B, D, S):
    """Floating point operations of a step's linear algebra, forward and backward, for K experts and gate.

    Per factor: Cholesky M^3 / 3 and its derivative 4 M^3; the triangular solve M^2 B, its derivative 3 M^2 B.
    Per GP: the variance 2 M^2 B and its derivative 4 M^2 B.
    """
    gates = 1 if K == 2 else K
    factors = K + 1
    return factors * (13 / 3 * M**3 + 4 * M**2 * B) + (K + gates) * 6 * M**2 * B


def data(B, D):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((B, D))
    return X, np.sin(3 * X[:, :1]) + 0.1 * rng.standard_normal((B, 1))


def ours(K, M, B, D, S, dtype, bound, n):
    """A function that takes some steps of mini-batch Adam."""
    structure = Structure(("rbf",) * K, "rbf", 1, S, bound, dtype)
    X, Y = data(n * B, D)
    with checkout(structure) as program:
        program.reset(data(M, D)[0])
        rows = program.data(Rows(X, Y, np.ones(n * B)))
        steps, optimizer = program.get(_compiled, tf.distribute.get_strategy())
        optimizer.reset()
        state = program.read()
        rates = tf.fill([n], tf.constant(0.001, dtype))

    def run():
        program.assign(state)
        assert steps(rows, rates)

    return run


def adam_step(model, X, Y):
    optimizer = tf_keras.optimizers.Adam(0.001)
    batch = tf.constant(X), tf.constant(Y)
    closure = model.training_loss_closure(batch, compile=False)

    @tf.function
    def step():
        optimizer.minimize(closure, model.trainable_variables)

    return step


def looped(K, M, B, D, S, bound):
    model = LoopedMixture(K, data(M, D)[0], 10 * B, bound=bound, n_samples=S)
    return adam_step(model, *data(B, D))


def single(K, M, B, D):
    """A step of one GP."""
    Z = data(M, D)[0]
    likelihood = gpflow.likelihoods.Gaussian(0.1)
    kernel = gpflow.kernels.SquaredExponential(lengthscales=np.ones(D))
    return adam_step(gpflow.models.SVGP(kernel, likelihood, Z, num_data=10 * B), *data(B, D))


def main():
    options = arguments(
        __doc__, K=[2, 5], M=[100], B=[256], D=[2, 8], S=[32], bound="further", dtype=["float64", "float32"],
        repeats=30,
    )  # fmt: skip
    rows = []
    for K in options.K:
        for M in options.M:
            for B in options.B:
                for D in options.D:
                    for S in options.S:
                        rows.append([K, M, B, D, S, *measure(K, M, B, D, S, options)])
    columns = ["K", "M", "B", "D", "S", "looped ms", "SVGP x GPs ms"]
    for dtype in options.dtype:
        columns += [f"{dtype} ms", "looped / it", "SVGPs / it", "of dgemm"]
    show(f"One training step, bound {options.bound}", columns, rows)


def measure(K, M, B, D, S, options):
    n_gps = K + (1 if K == 2 else K)
    tasks = {"looped": looped(K, M, B, D, S, options.bound), "single": single(K, M, B, D)}
    for dtype in options.dtype:
        tasks[dtype] = ours(K, M, B, D, S, dtype, options.bound, STEPS)
    times = medians(tasks, options.repeats)
    rates = {dtype: dgemm_rate(dtype=dtype) for dtype in options.dtype}
    cells = [1e3 * times["looped"], 1e3 * n_gps * times["single"]]
    for dtype in options.dtype:
        step = times[dtype] / STEPS
        share = flops(K, M, B, D, S) / step / rates[dtype]
        cells += [1e3 * step, times["looped"] / step, n_gps * times["single"] / step, f"{share:.0%}"]
    return cells


if __name__ == "__main__":
    main()
