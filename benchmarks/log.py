"""Seconds of a run that is trained to the end, with and without event files for TensorBoard."""

import tempfile
import time
from dataclasses import replace

import numpy as np
from measure import arguments, show

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle, make_step
from sklearn_mogpe.training import settings

PARAMS = {
    "n_experts": 2,
    "noise": "constant",
    "init_params": "noise",
    "tol": 0,
    "n_iter_no_change": 10**6,
    "random_state": 0,
}
TASKS = {
    "adam, 133 rows, K = 3, M = 32, B = 16": (
        load_motorcycle(return_X_y=True),
        {"n_experts": 3, "solver": "adam", "batch_size": 16, "n_inducing": 32, "max_iter": 111},
    ),
    "natgrad, 1000 rows, K = 2, M = 50": (make_step(1000, random_state=0), {"max_iter": 100}),
}


def seconds(data, params) -> float:
    """Of the run of a fit that is trained to the end."""
    last = []

    def timed(solver):
        def run(*args):
            start = time.perf_counter()
            solver.run(*args)
            last[:] = [time.perf_counter() - start]

        return replace(solver, run=run)

    before = {name: getattr(settings, name) for name in ("ADAM", "NATGRAD")}
    vars(settings).update({name: timed(solver) for name, solver in before.items()})
    MoGPERegressor(**{**PARAMS, **params}).fit(*data)
    vars(settings).update(before)
    return last[0]


def main():
    options = arguments(__doc__, log_period=10, repeats=15)
    rows = []
    for name, (data, params) in TASKS.items():
        plain, logged = [], []
        with tempfile.TemporaryDirectory() as log_dir:
            kinds = (plain, {}), (logged, {"log_dir": log_dir, "log_period": options.log_period})
            for i in range(options.repeats + 1):  # the first traces
                for times, more in kinds if i % 2 else kinds[::-1]:
                    times.append(seconds(data, {**params, **more}))
        ratios = np.divide(logged[1:], plain[1:])
        rows.append([name, *map(float, (np.median(plain[1:]), np.median(logged[1:]), np.median(ratios)))])
    show("With event files", ["fit", "plain s", "logged s", "median ratio"], rows)


if __name__ == "__main__":
    main()
