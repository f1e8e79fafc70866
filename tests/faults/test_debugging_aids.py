"""What people switch on to find errors of their own does not end a fit, and does not change it."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json
import numpy as np
import tensorflow as tf
from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.datasets import make_step
{aid}
X, y = make_step(60, random_state=0)
model = MoGPERegressor(n_experts=2, n_inducing=12, init_params="kmeans", max_iter=3, random_state=0).fit(X, y)
mean, std = model.predict(X, return_std=True)
answers = model.lower_bound_, *mean[:5], *std[:5], *model.score_samples(X)[:5], *model.score_samples(X, y)[:5]
print(json.dumps([float(answer) for answer in answers]))
"""
AIDS = {
    "check_numerics": "tf.debugging.enable_check_numerics()",
    "eager": "tf.config.run_functions_eagerly(True)",
    "raise and deterministic": "np.seterr(all='raise'); tf.config.experimental.enable_op_determinism()",
}


def answers(aid):
    command = [sys.executable, "-c", SCRIPT.format(aid=aid)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout)


@pytest.fixture(scope="module")
def expected():
    """Answers without any aid but warnings that are errors, once ours is imported."""
    return answers("import warnings; warnings.simplefilter('error')")


@pytest.mark.parametrize("name", AIDS)
def test_a_fit_is_the_same(expected, name):
    """Checks between operations keep TensorFlow from joining them, and round differently in each step."""
    rtol = 1.0 if name == "check_numerics" else 1e-5
    found = answers(AIDS[name])
    np.testing.assert_allclose(found, expected, rtol=rtol)
    assert found[0] == pytest.approx(expected[0], rel=0.02)
