"""Data-parallel training by ``tf.distribute``, in processes of their own."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

PARAMS = {
    "n_inducing": 12,
    "n_samples": 16,
    "batch_size": 50,
    "init_params": "mixture",
    "solver": "natgrad",
    "max_iter": 20,
    "tol": 0.0,
    "random_state": 0,
}

# Each script gets the number of its process and the file for its result.
FIT = f"""
import sys
import numpy as np
import tensorflow as tf
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data import problem
from sklearn_mogpe.datasets import make_step
from sklearn_mogpe.engine.program import JITTER
from sklearn_mogpe.training.starts import race

race.ROUNDS = ((10, 1),)  # long ones let what two processes round differently grow
JITTER["float64"] = 1e-6  # and so does little jitter
# As of many rows: some are trained on first, and others judge.
problem.WHOLE_DATA_ROWS, problem.EVALUATION_ROWS, problem.SETTLING_ROWS = 100, 80, 100

def fit(**params):
    params = {{**{PARAMS}, **params}}
    return MoGPERegressor(**params).fit(*make_step(200, random_state=0))

def save(model, file):
    np.savez(file, loss_curve=model.loss_curve_, prediction=model.predict([[-1.0], [0.5]]),
             **model._state["parameters"])
"""

MIRRORED = """
import pytest
from sklearn_mogpe.engine.program import _programs

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    models = [fit(), fit(solver="adam")]
    for params, message in (
        ({"batch_size": 51}, "Expected a batch_size that 2 replicas can share evenly, got 51; try 50"),
        ({"solver": "lbfgs"}, "Expected mini-batches, for the 2 replicas"),
        ({"checkpoint_dir": "here"}, "Expected no checkpoint_dir within the scope of a strategy of 2"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(**params)
# What was traced within the scope is not taken outside of it.
def traced():
    programs = [program for idle in _programs.values() for program in idle]
    options = [options for program in programs for _, options in program._functions]
    return {first for first, *_ in filter(None, options) if not isinstance(first, str)}

assert traced() == {strategy}
alone = [fit(), fit(solver="adam")]
assert traced() == {strategy, tf.distribute.get_strategy()}
for number, fits in enumerate([models, alone]):
    for solver, model in zip(["natgrad", "adam"], fits):
        save(model, f"{sys.argv[2]}_{number}_{solver}.npz")
"""

WORKER = """
strategy = tf.distribute.MultiWorkerMirroredStrategy()
assert strategy.num_replicas_in_sync == 2
if sys.argv[1] == "1":  # it finds another start
    from sklearn_mogpe.training import fit as module

    find = module.find_starts

    def find_others(*args, **options):
        return [{path: v + 0.1 for path, v in state.items()} for state in find(*args, **options)]

    module.find_starts = find_others
with strategy.scope():
    model = fit()
save(model, sys.argv[2])
"""


def run(scripts, files, environments):
    """Run processes side by side."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIT + script, str(number), file],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, (script, file, environment) in enumerate(zip(scripts, files, environments, strict=True))
    ]
    try:
        for process in processes:
            errors = process.communicate(timeout=300)[1]
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()


def assert_same_fit(file, other):
    result, expected = np.load(file), np.load(other)
    assert result.files == expected.files
    tolerances = {"loss_curve": {"rtol": 1e-9}, "prediction": {"rtol": 1e-7}}
    for name in result.files:
        tolerance = tolerances.get(name, {"rtol": 1e-6, "atol": 1e-9})
        np.testing.assert_allclose(result[name], expected[name], **tolerance)


@pytest.mark.slow
def test_replicas_fit_as_one(tmp_path):
    """Two in one process, and two processes, one of which finds another start."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    run([MIRRORED], [tmp_path / "mirrored"], [environment])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    environments = [
        environment | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})}
        for i in range(2)
    ]
    run([WORKER] * 2, [tmp_path / f"worker_{i}.npz" for i in range(2)], environments)
    assert_same_fit(tmp_path / "mirrored_0_adam.npz", tmp_path / "mirrored_1_adam.npz")
    for name in ("mirrored_0_natgrad", "worker_0", "worker_1"):
        assert_same_fit(tmp_path / f"{name}.npz", tmp_path / "mirrored_1_natgrad.npz")


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
