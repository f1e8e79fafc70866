"""Devices that are there, memory that grows, and threads that are shared."""

import subprocess
import sys
from types import SimpleNamespace

import joblib
import pytest
import tensorflow as tf

from sklearn_mogpe.engine.devices import check_device, describe_device, device_or_auto, let_memory_grow


@pytest.fixture
def two_gpus(monkeypatch):
    """Let TensorFlow say that it has two GPUs."""
    devices = [SimpleNamespace(name=f"/device:{name}") for name in ("CPU:0", "GPU:0", "GPU:1")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: devices)


@pytest.mark.parametrize("name", ["auto", "/CPU:0", "/device:CPU:0", "cpu:0"])
def test_a_device_that_is_there_is_taken_by_any_of_its_names(name):
    assert check_device(name) == device_or_auto(name) == "/CPU:0"


@pytest.mark.parametrize(("name", "full"), [("auto", "/GPU:0"), ("gpu:1", "/GPU:1"), ("/CPU:0", "/CPU:0")])
def test_auto_is_the_first_gpu(two_gpus, name, full):
    assert check_device(name) == device_or_auto(name) == full


def test_an_absent_device_is_an_error_or_a_warning():
    with pytest.raises(ValueError, match=r"one of \['/CPU:0'.*got '/GPU:7'"):
        check_device("/GPU:7")
    with pytest.warns(RuntimeWarning, match="'/GPU:7' is not on this machine"):
        assert device_or_auto("/GPU:7") == "/CPU:0"


@pytest.mark.parametrize(("limit", "threads"), [(1, "1 thread"), (2, "2 threads")])
def test_a_cpu_is_described_with_its_threads(monkeypatch, limit, threads):
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: limit)
    assert describe_device("/CPU:0") == f"/CPU:0, {threads}"
    assert describe_device("/GPU:0") == "/GPU:0"


class FakeGPUs:
    """TensorFlow's functions for the memory of GPUs, of which there are two."""

    def __init__(self, monkeypatch, grows=(None, None), logical=(None, None), started=False):
        self.started = started
        self.grows = dict(enumerate(grows))
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [0, 1] if kind == "GPU" else [])
        monkeypatch.setattr(tf.config, "get_logical_device_configuration", dict(enumerate(logical)).get)
        monkeypatch.setattr(tf.config.experimental, "get_memory_growth", self.grows.get)
        monkeypatch.setattr(tf.config.experimental, "set_memory_growth", self.set)

    def set(self, gpu, enable):
        if self.started:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        self.grows[gpu] = enable


def test_memory_of_gpus_grows(monkeypatch):
    gpus = FakeGPUs(monkeypatch)
    let_memory_grow()
    assert gpus.grows == {0: True, 1: True}


@pytest.mark.parametrize(
    "setting", [{"grows": (None, False)}, {"logical": (["1 GB"], None)}, {"started": True}], ids=str
)
def test_memory_stays_as_it_is_once_it_is_set_up_or_in_use(monkeypatch, setting):
    gpus = FakeGPUs(monkeypatch, **setting)
    before = dict(gpus.grows)
    let_memory_grow()
    assert gpus.grows == before


def threads():
    """Numbers of threads that TensorFlow may use in this process; 0 is as many as it likes."""
    import sklearn_mogpe.training  # noqa: F401

    threading = tf.config.threading
    return threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()


@pytest.mark.slow
def test_workers_share_the_cores():
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(joblib.delayed(threads)() for _ in range(2)) == [(1, 1)] * 2


LIMITS = """
import os
from sklearn_mogpe.engine.devices import limit_threads
from tests.engine.test_devices import threads

assert threads() == (0, 0), threads()  # none was set when the package was imported
for limit, expected in (("4,3", (0, 0)), ("3", (3, 3))):
    os.environ["OMP_NUM_THREADS"] = limit
    limit_threads()
    assert threads() == expected, (limit, threads())
"""


@pytest.mark.slow
def test_a_limit_from_outside_is_heeded():
    """In a process of its own, since only one that has not used TensorFlow takes a limit."""
    subprocess.run([sys.executable, "-c", LIMITS], check=True, env={"PATH": "", "OMP_NUM_THREADS": ""})
