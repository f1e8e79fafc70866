"""Search for parameters on the workers of a Dask cluster, by the density of rows that are held out.

    python search.py rows.npy --workers 2
    python search.py rows.npy --scheduler tcp://10.0.0.1:8786

The last column of the file is y. With ``--workers``, the cluster is this machine; with ``--scheduler``, one
that runs, whose machines have the same packages. This needs ``pip install "dask[distributed]"``.
"""

import argparse
import time

import joblib
import numpy as np
from dask.distributed import Client
from sklearn.model_selection import GridSearchCV

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.metrics import neg_nlpd


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", help="NumPy file of the features and, as its last column, y")
    parser.add_argument("--scheduler", help="address of a cluster that runs")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes on this machine, without a scheduler"
    )
    parser.add_argument("--n-inducing", type=int, nargs="+", default=[25, 50], help="numbers to choose from")
    parser.add_argument("--kernels", nargs="+", default=["rbf", "matern32"], help="kernels to choose from")
    arguments = parser.parse_args()

    rows = np.load(arguments.rows)
    search = GridSearchCV(
        MoGPERegressor(2, random_state=0),
        {"n_inducing": arguments.n_inducing, "kernel": arguments.kernels},
        scoring=neg_nlpd,
        cv=3,
        refit=False,
        error_score="raise",
    )
    # One thread for each worker: TensorFlow's graphs are shared by the fits that a process makes in turn.
    cluster = {} if arguments.scheduler else {"n_workers": arguments.workers, "threads_per_worker": 1}
    with Client(arguments.scheduler, **cluster), joblib.parallel_config(backend="dask"):
        begin = time.perf_counter()
        search.fit(rows[:, :-1], rows[:, -1])
        seconds = time.perf_counter() - begin

    n_fits = len(search.cv_results_["params"]) * search.n_splits_
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"{params}: NLPD {-score:.4f}")
    print(f"best: {search.best_params_}")
    print(f"{n_fits} fits in {seconds:.1f} s, {n_fits * len(rows) * 2 / 3 / seconds:.0f} rows per second")


if __name__ == "__main__":  # since the cluster's processes import this file
    main()
