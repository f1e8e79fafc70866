"""Milliseconds per mini-batch step as rows, inducing points and experts grow; rows lie in a memory map."""

import tempfile
import time
from pathlib import Path

import numpy as np
from measure import Reports, arguments, show

from sklearn_mogpe import MoGPERegressor

BLOCK = 1_000_000


def resident() -> float:
    """Megabytes of this process that are not pages of files."""
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1]) / 1e3


def write(path: Path, n_rows: int, D: int):
    """Rows on disk, with noise that changes with x."""
    X = np.lib.format.open_memmap(path / "X.npy", "w+", np.float32, (n_rows, D))
    y = np.lib.format.open_memmap(path / "y.npy", "w+", np.float32, (n_rows,))
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, BLOCK):
        size = min(BLOCK, n_rows - start)
        some = rng.standard_normal((size, D), dtype=np.float32)
        noise = np.where(some[:, 1] > 0, 0.4, 0.1) * rng.standard_normal(size)
        X[start : start + size], y[start : start + size] = some, np.sin(2 * some[:, 0]) + noise
    del X, y
    return np.load(path / "X.npy", mmap_mode="r"), np.load(path / "y.npy", mmap_mode="r")


def measure(n_rows, K, M, options):
    with tempfile.TemporaryDirectory(dir=options.folder or None) as folder:
        X, y = write(Path(folder), n_rows, options.D)
        model = MoGPERegressor(
            K, noise="constant", n_inducing=M, batch_size=256, init_params="kmeans", tol=0.0, random_state=0
        )
        reports, before, start = Reports(), resident(), time.perf_counter()
        model.set_callbacks(reports).fit(X, y)
        whole = time.perf_counter() - start
        return [n_rows, K, M, 10 * float(np.median(np.diff(reports.seconds))), whole, resident() - before]


def main():
    options = arguments(__doc__, N=[10_000, 1_000_000], K=[2], M=[50, 100], D=8, folder="")
    cases = [(n, K, M) for K in options.K for M in options.M for n in options.N]
    rows = [measure(*case, options) for case in cases]
    # a report comes after 100 steps
    columns = ["rows", "K", "M", "ms per step", "whole fit s", "memory MB"]
    show(f"Mini-batches of 256 rows of {options.D} features", columns, rows)


if __name__ == "__main__":
    main()
