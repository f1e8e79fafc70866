"""What the first answers cost: fresh processes beside one that imports GPflow, and fits in a warm process."""

import json
import subprocess
import sys
import time

import numpy as np
from measure import arguments, show

FIT = """
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import load_motorcycle
X, y = load_motorcycle(return_X_y=True)
MoGPERegressor(n_experts=2, noise='constant', random_state=0).fit(X, y).predict(X)
"""

PROCESSES = {
    "import gpflow": ["-c", "import gpflow"],
    "fit and predict": ["-c", FIT],
    "import sklearn_mogpe": ["-c", "import sklearn_mogpe"],
    "sklearn-mogpe --help": ["-c", "from sklearn_mogpe.command.main import main; main(['--help'])"],
}


def wall_seconds(arguments: list[str]) -> float:
    """Seconds that a fresh process takes from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return time.perf_counter() - start


def graph_seconds(fit) -> tuple[float, float]:
    """Seconds of a call, and those of them that its compiled functions take."""
    import tensorflow as tf

    from sklearn_mogpe.engine.program import Program

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
        if isinstance(made, tuple):
            return timed(made[0]), *made[1:]
        return timed(made) if callable(made) else made  # an optimizer

    Program.get = get
    try:
        start = time.perf_counter()
        fit()
        return time.perf_counter() - start, inside[0]
    finally:
        Program.get = original


def warm_fits() -> dict[str, float]:
    """Seconds of the fits of two experts, then of three, in this process."""
    from sklearn_mogpe import MoGPERegressor
    from sklearn_mogpe.datasets import load_motorcycle

    data = load_motorcycle(return_X_y=True)
    seconds = {}
    for name, n_experts in ("two", 2), ("three", 3):
        model = MoGPERegressor(n_experts, noise="constant", random_state=0)
        start = time.perf_counter()
        model.fit(*data)
        seconds[f"{name}, first fit"] = time.perf_counter() - start
        whole, inside = graph_seconds(lambda model=model: model.fit(*data))
        seconds |= {f"{name}, second fit": whole, f"{name}, outside graphs": whole - inside}
    return seconds


def main():
    if sys.argv[1:] == ["warm"]:
        print(json.dumps(warm_fits()))
        return
    options = arguments(__doc__, repeats=7)
    rounds = []
    for _ in range(options.repeats):
        seconds = {name: wall_seconds(command) for name, command in PROCESSES.items()}
        warm = subprocess.run([sys.executable, __file__, "warm"], capture_output=True, check=True)
        seconds |= json.loads(warm.stdout)
        seconds["fit and predict / import gpflow"] = seconds["fit and predict"] / seconds["import gpflow"]
        seconds["three, first fit / second fit"] = seconds["three, first fit"] / seconds["three, second fit"]
        rounds.append(seconds)
    values = {name: [seconds[name] for seconds in rounds] for name in rounds[0]}
    rows = [[name, *map(float, np.quantile(of, [0.5, 0.0, 1.0]))] for name, of in values.items()]
    show("Seconds, and ratios, of the motorcycle data", ["", "median", "least", "most"], rows)


if __name__ == "__main__":
    main()
