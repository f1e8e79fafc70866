"""Training steps compile under XLA, which accelerators need or like, with sizes that are not in the graph."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from sklearn_mogpe.engine.program import Program
from sklearn_mogpe.engine.structure import Structure

from .test_placement import make_ready


@pytest.fixture
def use_xla(monkeypatch):
    """Make programs compile with XLA from then on."""
    function = tf.function
    return lambda: monkeypatch.setattr(tf, "function", partial(function, jit_compile=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "bound", "n_experts"),
    [
        ("natgrad", "tight", 2),
        ("natgrad", "further", 3),
        ("batch_natgrad", "tight", 3),
        ("adam", "further", 2),
    ],
)
def test_steps_compiled_by_xla_are_the_same_steps(use_xla, solver, bound, n_experts):
    """All of a chunk: projections, bound, gradients, and the updates of variables of any size."""

    def parameters(compiled):
        program = Program(Structure(("rbf",) * n_experts, "rbf", 1, 8, bound))
        program.reset(np.zeros((5, 2)))  # which XLA cannot: the sizes of variables change
        if compiled:
            use_xla()
        data, steps = make_ready(program, solver)
        assert steps.function_def.attr["_XlaMustCompile"].b == compiled
        assert steps(*data)
        return np.concatenate([variable.numpy().ravel() for variable in program.trainable])

    plain = parameters(compiled=False)
    np.testing.assert_allclose(parameters(compiled=True), plain, atol=1e-8)
