"""Predict the rows of a Parquet data set on the workers of a Dask cluster, with bounded memory.

    python score.py model.joblib rows/ predictions/ --workers 2
    python score.py model.joblib rows/ predictions/ --scheduler tcp://10.0.0.1:8786

Each file of ``rows`` becomes one of ``predictions``, with the mean, the standard deviation and the ends of
the 90 % interval. Polars reads and writes it in batches, a row group or less at a time, so that neither a
file nor its predictions are ever whole in memory. With ``--scheduler``, the folders lie where all machines
see them. This needs ``pip install "dask[distributed]" polars``. Load models from people you trust only:
joblib's files can run code.
"""

import argparse
import resource
import time
from pathlib import Path

import joblib
import polars as pl
from dask.distributed import Client

COLUMNS = ("mean", "std", "lower", "upper")


def score(file, folder, model, features):
    """Write the predictions of one file; return how many, and the largest memory of this process in MB."""

    def predict(batch):
        mean, std = model.predict(batch, return_std=True)
        return pl.DataFrame([mean, std, *model.predict_interval(batch, coverage=0.9)], schema=COLUMNS)

    query = pl.scan_parquet(file).select(features)
    query = query.map_batches(predict, streamable=True, schema=dict.fromkeys(COLUMNS, pl.Float64))
    unfinished = folder / f"{file.name}.part"
    query.sink_parquet(unfinished)
    unfinished.replace(folder / file.name)
    n_rows = pl.scan_parquet(file).select(pl.len()).collect().item()
    return n_rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="file of a fitted model, by joblib")
    parser.add_argument("rows", type=Path, help="folder of Parquet files")
    parser.add_argument("predictions", type=Path, help="folder to write to")
    parser.add_argument("--features", nargs="+", help="their columns; by default, those that the model knows")
    parser.add_argument("--scheduler", help="address of a cluster that runs")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes on this machine, without a scheduler"
    )
    arguments = parser.parse_args()

    model = joblib.load(arguments.model)
    features = arguments.features or list(model.feature_names_in_)
    files = sorted(arguments.rows.glob("*.parquet"))
    arguments.predictions.mkdir(parents=True, exist_ok=True)
    cluster = {} if arguments.scheduler else {"n_workers": arguments.workers, "threads_per_worker": 1}
    with Client(arguments.scheduler, **cluster) as client:
        begin = time.perf_counter()
        model = client.scatter(model, broadcast=True)  # once to each worker
        tasks = client.map(score, files, folder=arguments.predictions, model=model, features=features)
        n_rows, memory = zip(*client.gather(tasks), strict=True)
        seconds = time.perf_counter() - begin
    print(f"{sum(n_rows)} rows in {seconds:.1f} s, {sum(n_rows) / seconds:.0f} rows per second")
    print(f"largest memory of a worker: {max(memory):.0f} MB")


if __name__ == "__main__":  # since the cluster's processes import this file
    main()
