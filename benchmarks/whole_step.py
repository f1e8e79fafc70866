"""Milliseconds per step on the whole data, with the rows in double and in single precision, and of what."""

import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import tensorflow as tf
from measure import arguments, show
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import checkout
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers.natgrad import natgrad_optimizer, natgrad_steps

STEPS = 3  # what a call does besides its steps is left out: that of one step is subtracted from that of more
LENGTHSCALE, NOISE = 3.0, 0.09

# Operations by what they are for.
KINDS = {
    "products": ("BatchMatMulV2", "_MklBatchMatMulV2", "MatMul", "_MklMatMul"),
    "triangular solves": ("MatrixTriangularSolve", "BatchMatrixTriangularSolve"),
    "Cholesky factors": ("Cholesky",),
    "exponentials": ("Exp",),
    "sums": ("Sum", "AddN"),
}


def prepared(program, N, M, D, dtype):
    """A call that takes some steps, and the value of the bound after the last."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, D))
    Y = np.sin(X[:, :1]) + NOISE**0.5 * rng.standard_normal((N, 1))
    program.reset(X[:M])
    for gp in program.model.gps:
        gp.kernel.lengthscales.assign(np.full(D, LENGTHSCALE))
    program.set_jitter(1e-6)
    state, rows = program.read(), program.data(Rows(X, Y, np.ones(N)))
    steps, optimizer = program.get(natgrad_steps, dtype), program.get(natgrad_optimizer)
    own = Rows(*(tf.cast(part, dtype) for part in rows))

    def run(n):
        program.assign(state)
        optimizer.reset()
        start = time.perf_counter()
        assert steps(own, program.tensor(np.full(n, 0.01)))
        return time.perf_counter() - start

    return run, lambda: float(program.model.elbo(rows))


def shares(run):
    """Milliseconds of each kind of operation in a step."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        run(1 + STEPS)
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace.FromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    total = defaultdict(float)
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            if name.startswith("while/body") and kind != "While":
                of = (what for what, kinds in KINDS.items() if kind in kinds)
                total[next(of, "others")] += event.duration_ps / 1e9 / (1 + STEPS)
    return total


def main():
    """Print a row for each size and precision."""
    options = arguments(__doc__, N=8000, D=8, K=2, M=[100, 250, 500], repeats=3)
    rows = []
    for M in options.M:
        for dtype in ("float64", "float32"):
            structure = Structure(("rbf",) * options.K, "rbf", 1, 32, "further", noise="varying")
            with checkout(structure) as program:
                run, bound = prepared(program, options.N, M, options.D, dtype)
                run(1)
                few, many = (np.median([run(n) for _ in range(options.repeats)]) for n in (1, 1 + STEPS))
                parts, value = shares(run), bound()
            cells = [
                1e3 * (many - few) / STEPS,
                f"{value:.1f}",
                *(parts[kind] for kind in (*KINDS, "others")),
            ]
            rows.append([M, dtype, *cells])
    title = f"{options.N} rows of {options.D} features, K = {options.K}, noise that varies; ms"
    show(title, ["M", "rows in", "a step", "bound after 4", *KINDS, "others"], rows)


if __name__ == "__main__":
    main()
