"""Seconds of a fit on the motorcycle data: cold, a second time, and what of that is not spent in steps."""

import subprocess
import sys
import time

import numpy as np
from measure import arguments, show

COLD = """
import time
start = time.perf_counter()
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
MoGPERegressor(random_state=0).fit(*load_motorcycle(return_X_y=True))
print(time.perf_counter() - start)
"""


def graph_seconds(fit) -> tuple[float, float]:
    """Seconds of a call, and those of them that its compiled functions take."""
    import tensorflow as tf

    from sklearn_mogpe.training.program import Program

    original, inside = Program.get, [0.0]

    def timed(function):
        def call(*arguments):
            start = time.perf_counter()
            results = function(*arguments)
            tensors = [result for result in tf.nest.flatten(results) if result is not None]
            for tensor in tensors:  # wait for them
                tensor.numpy()
            inside[0] += time.perf_counter() - start
            return results

        return call

    def get(program, *arguments):
        made = original(program, *arguments)
        return (timed(made[0]), *made[1:]) if isinstance(made, tuple) else timed(made)

    Program.get = get
    try:
        start = time.perf_counter()
        fit()
        return time.perf_counter() - start, inside[0]
    finally:
        Program.get = original


def main():
    options = arguments(__doc__, repeats=5)
    from sklearn_mogpe import MoGPERegressor
    from sklearn_mogpe.datasets import load_motorcycle

    command = [sys.executable, "-c", COLD]
    cold = [
        float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(options.repeats)
    ]
    data = load_motorcycle(return_X_y=True)
    model = MoGPERegressor(random_state=0).fit(*data)
    seconds = np.array([graph_seconds(lambda: model.fit(*data)) for _ in range(options.repeats)])
    whole, inside = np.median(seconds, axis=0)
    outside = np.median(seconds[:, 0] - seconds[:, 1])
    columns = ["cold s, imports included", "second fit s", "of it in graphs", "outside"]
    show("Fit of the motorcycle data", columns, [[float(np.median(cold)), whole, inside, float(outside)]])


if __name__ == "__main__":
    main()
