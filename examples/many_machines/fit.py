"""Fit one model in several processes, which divide each mini-batch among them.

    python fit.py rows.npy model.joblib --workers 2
    TF_CONFIG=... python fit.py rows.npy model.joblib

The last column of the file is y. With ``--workers``, the script starts itself so many times on this
machine. On several machines, start it once on each, with ``TF_CONFIG`` as TensorFlow's guide to distributed
training says.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

import joblib
import numpy as np

from sklearn_mogpe import MoGPERegressor


def run_workers(n_workers):
    """Start this script once for each worker, with ports that are free, and wait for all."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n_workers)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    threads = str(max(1, (os.cpu_count() or 1) // n_workers))
    workers = [
        subprocess.Popen(
            [sys.executable, *sys.argv],
            env={
                "OMP_NUM_THREADS": threads,
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
                ),
            },
        )
        for index in range(n_workers)
    ]
    try:
        # If one ends with an error, the others would wait for it for ever.
        while None in (codes := [worker.poll() for worker in workers]) and not any(codes):
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.kill()
    return next(filter(None, codes), 0)


def fit(file, model_file, **params):
    """Fit one share of each mini-batch; the first worker saves the model, which is that of all."""
    import tensorflow as tf  # here, since who only starts the workers does not need it

    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else of TensorFlow
    rows = np.load(file, mmap_mode="r")  # read where it lies
    begin = time.perf_counter()
    with strategy.scope():
        model = MoGPERegressor(2, random_state=0, **params).fit(rows[:, :-1], rows[:, -1])
    seconds = time.perf_counter() - begin
    if strategy.cluster_resolver.task_id == 0:
        joblib.dump(model, model_file)
        print(f"bound {model.lower_bound_ / len(rows):.4f} per row, {strategy.num_replicas_in_sync} workers")
        print(f"{model.n_iter_} passes in {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", help="NumPy file of the features and, as its last column, y")
    parser.add_argument("model", help="file for the model, by joblib")
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine, without TF_CONFIG")
    parser.add_argument("--batch-size", type=int, default=4096, help="rows of all workers in a step")
    parser.add_argument("--n-inducing", type=int, default=100)
    parser.add_argument("--passes", type=int, help="passes over the rows, at most")
    arguments = parser.parse_args()
    if "TF_CONFIG" not in os.environ:
        sys.exit(run_workers(arguments.workers))
    fit(
        arguments.rows,
        arguments.model,
        batch_size=arguments.batch_size,
        n_inducing=arguments.n_inducing,
        max_iter=arguments.passes,
    )


if __name__ == "__main__":
    main()
