"""Training steps compile under XLA, which accelerators need or like, with sizes that are not in the graph."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.training.program import Program
from sklearn_mogpe.training.structure import Structure

from .test_placement import make_ready


@pytest.fixture
def use_xla(monkeypatch):
    """Make all programs compile with XLA from then on."""
    function = tf.function

    def use():
        monkeypatch.setattr(tf, "function", partial(function, jit_compile=True))

    return use


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["natgrad", "adam"])
@pytest.mark.parametrize("n_experts", [2, 3])
@pytest.mark.parametrize("bound", ["tight", "further"])
def test_steps_compiled_by_xla_are_the_same_steps(use_xla, bound, n_experts, solver):
    """All of a chunk: projections, bound, gradients, and the updates of variables of any size."""

    def parameters(compiled):
        program = Program(Structure(("rbf",) * n_experts, "rbf", 1, 8, bound))
        data, steps = make_ready(program, solver)
        assert steps.function_def.attr["_XlaMustCompile"].b == compiled
        assert steps(*data)
        return np.concatenate([variable.numpy().ravel() for variable in program.trainable])

    plain = parameters(compiled=False)
    use_xla()
    np.testing.assert_allclose(parameters(compiled=True), plain, atol=1e-8)
