"""Devices that are there, and threads that are shared."""

import subprocess
import sys

import joblib
import pytest

from sklearn_mogpe.training.devices import check_device, device_or_auto


@pytest.mark.parametrize("name", ["auto", "/CPU:0", "/device:CPU:0", "cpu:0"])
def test_a_device_that_is_there_is_taken_by_any_of_its_names(name):
    assert check_device(name) == device_or_auto(name) == name


def test_an_absent_device_is_an_error_or_a_warning():
    with pytest.raises(ValueError, match=r"one of \['/CPU:0'.*got '/GPU:7'"):
        check_device("/GPU:7")
    with pytest.warns(RuntimeWarning, match="'/GPU:7' is not on this machine"):
        assert device_or_auto("/GPU:7") == "auto"


def threads():
    """Numbers of threads that TensorFlow may use in this process; 0 is as many as it likes."""
    import tensorflow as tf

    import sklearn_mogpe.training  # noqa: F401

    threading = tf.config.threading
    return threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()


@pytest.mark.slow
def test_workers_share_the_cores():
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(joblib.delayed(threads)() for _ in range(2)) == [(1, 1)] * 2


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "expected"), [("3", (3, 3)), ("", (0, 0)), ("4,3", (0, 0))])
def test_a_limit_from_outside_is_heeded(limit, expected):
    code = f"from tests.training.test_devices import threads; assert threads() == {expected}, threads()"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "OMP_NUM_THREADS": limit})
