"""Timing side by side, and tables of the results."""

import argparse
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table


def medians(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each task, run in turns, so that all of them meet the same disturbances."""
    for task in tasks.values():
        task()
    times = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def dgemm_rate(size: int = 1000, dtype: str = "float64", repeats: int = 9) -> float:
    """Floating point operations per second of NumPy's matrix product, with as many threads as it takes."""
    a = np.random.default_rng(0).standard_normal((size, size)).astype(dtype)
    return 2 * size**3 / medians({"dgemm": lambda: a @ a}, repeats)["dgemm"]


def machine() -> str:
    """One line about this machine."""
    import tensorflow as tf

    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return (
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, OMP_NUM_THREADS={threads}, "
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, NumPy {np.__version__}, "
        f"matrix product {dgemm_rate() / 1e9:.0f} GFLOP/s"
    )


def show(title: str, columns: list[str], rows: list[list]) -> None:
    """Print a table and the machine."""
    table = Table(title=title, caption=machine())
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=160).print(table)


class Reports:
    """A callback that notes when each report of the bound came, in seconds since the fit began."""

    def setup(self, estimator, context):
        """Begin."""
        self.seconds, self._start = [], time.perf_counter()

    def teardown(self, estimator, context):
        """End."""

    def on_fit_task_begin(self, estimator, context):
        """Begin a task."""

    def on_fit_task_end(self, estimator, context):
        """End a task."""
        if context.task_name == "iterations":
            self.seconds.append(time.perf_counter() - self._start)


def arguments(description: str, **defaults) -> argparse.Namespace:
    """Options of a script: each a number or a list of numbers, by its default."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, default in defaults.items():
        several = isinstance(default, list)
        kind = type(default[0] if several else default)
        parser.add_argument(f"--{name}", type=kind, default=default, nargs="+" if several else None)
    return parser.parse_args()
