"""Seconds to the first training step of a process: building, tracing and taking it."""

import subprocess
import sys
import time

import numpy as np
from measure import arguments, show


def time_one(which: str, K: int, M: int, B: int, D: int, bound: str) -> float:
    """In a process of its own; TensorFlow and GPflow are imported before the clock starts."""
    import step

    start = time.perf_counter()
    if which == "ours":
        step.ours(K, M, B, D, 32, "float64", bound, 1)()
    else:
        step.looped(K, M, B, D, 32, bound)()
    return time.perf_counter() - start


def main():
    options = arguments(__doc__, K=[2, 5], M=100, B=256, D=2, bound="further", repeats=5, only="")
    if options.only:
        print(time_one(options.only, options.K[0], options.M, options.B, options.D, options.bound))
        return
    rows = []
    for K in options.K:
        times = {"looped": [], "ours": []}
        for _ in range(options.repeats):
            for which, values in times.items():
                command = [sys.executable, __file__, "--only", which, "--K", str(K), "--bound", options.bound]
                command += ["--M", str(options.M), "--B", str(options.B), "--D", str(options.D)]
                values.append(float(subprocess.run(command, capture_output=True, check=True).stdout))
        looped, ours = (float(np.median(values)) for values in times.values())
        rows.append([K, looped, ours, looped / ours])
    show("Seconds to the first training step", ["K", "looped s", "it s", "looped / it"], rows)


if __name__ == "__main__":
    main()
