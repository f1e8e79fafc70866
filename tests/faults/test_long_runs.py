"""Many fits and predictions in one process: nothing piles up."""

import gc

import numpy as np
import psutil
import pytest


def make_rows(i):
    """Rows whose number and features change, as those of users do."""
    rng = np.random.default_rng(i)
    X = rng.uniform(-3, 3, (40 + i % 60, 1 + i % 2))
    return X, np.sin(X[:, 0]) + 0.1 * rng.normal(size=len(X))


def kept():
    """Bytes in memory, and numbers of threads, open files and processes."""
    gc.collect()
    process = psutil.Process()
    numbers = process.num_threads(), len(process.open_files()), len(process.children(recursive=True))
    return process.memory_info().rss, np.array(numbers)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_nothing_piles_up(make_regressor):
    def fit_and_predict(n_fits):
        for i in range(n_fits):
            X, y = make_rows(i)
            model = make_regressor(max_iter=5).fit(X, y)
            for n_rows in range(1, 20):
                model.predict(X[:n_rows], return_std=True)

    fit_and_predict(20)
    memory, numbers = kept()
    fit_and_predict(60)
    memory_after, numbers_after = kept()
    assert memory_after < 1.05 * memory
    assert np.all(numbers_after <= numbers)
