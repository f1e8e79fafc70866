"""Too little memory: an error that says what to do, and nothing is lost."""

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.engine.program import Program

X = np.linspace(-4, 4, 9)[:, None]
FULL = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nand more")


def fail(*_):
    raise FULL


@pytest.mark.parametrize(
    "ask", ["predict", "predict_mixing_proba", "predict_interval", "predict_latent_functions"]
)
def test_predictions(step_model, monkeypatch, ask):
    expected = getattr(step_model, ask)(X)
    with monkeypatch.context() as patch:
        patch.setattr(Program, "tensor", fail)
        with pytest.raises(
            MemoryError, match=r"could not allocate.*OOM when allocating tensor\. Try fewer ind"
        ):
            getattr(step_model, ask)(X)
    np.testing.assert_array_equal(getattr(step_model, ask)(X), expected)
