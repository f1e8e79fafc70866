"""Where a training step runs, and in which precision: all of it on one device, in one."""

import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager.context import collect_graphs

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import Program, bound_function, mixture_function
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training.solvers.lbfgs import loss_and_gradient_function
from sklearn_mogpe.training.solvers.natgrad import natgrad_optimizer, natgrad_steps
from sklearn_mogpe.training.starts.race import _start_function
from sklearn_mogpe.training.starts.single import _collapsed_function

STRUCTURE = Structure(("rbf",) * 2, "rbf", 1, 8, "tight")

SOLVERS = ["natgrad", "batch_natgrad", "adam"]  # that take steps in the graph

# Operations that call Python or write text, which only the host can.
HOST = ("PyFunc", "Print", "StringFormat", "Summary", "Assert", "Save")


def step_function(program, solver, dtype=None):
    """The compiled steps of a solver, on rows in some precision or the program's, and its optimizer."""
    dtype = dtype or program.structure.dtype
    if solver == "natgrad":
        return program.get(natgrad_steps, dtype), program.get(natgrad_optimizer)
    module = import_module(f"sklearn_mogpe.training.solvers.{solver}")
    precision = [dtype] if solver == "batch_natgrad" else []
    return program.get(module._compiled, tf.distribute.get_strategy(), *precision)


def nodes(graph):
    """All nodes of a graph and of the functions that it calls, to any depth."""
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def make_ready(program, solver):
    """Begin with five inducing points; return what the solver's steps take, and the steps."""
    rng = np.random.default_rng(0)
    program.reset(rng.standard_normal((5, 2)))
    rows = program.data(Rows(rng.standard_normal((20, 2)), rng.standard_normal((20, 1)), np.ones(20)))
    steps, optimizer = step_function(program, solver)
    optimizer.reset()
    return (rows, program.tensor([0.1, 0.1, 0.1])), steps


@pytest.mark.parametrize("solver", SOLVERS)
def test_steps_never_go_back_to_the_host(solver):
    graph = step_function(Program(STRUCTURE), solver)[0].graph.as_graph_def()
    operations = {node.op for node in nodes(graph)}
    assert {"While", "Cholesky", "ResourceApplyAdam"} <= operations  # the loop and its inside were looked at
    assert not [op for op in operations if any(name in op for name in HOST)]


def check_second_device():
    """In a process of its own: with two CPUs, all of a step is placed on the second, and a fit runs there."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    program = Program(replace(STRUCTURE, device="/CPU:1"))
    for solver in SOLVERS:
        data, steps = make_ready(program, solver)
        with collect_graphs() as graphs:
            assert steps(*data)
        tensors = [*tf.nest.flatten(data), *program._variables.values(), *steps.graph.variables]
        assert {tf.DeviceSpec.from_string(tensor.device).device_index for tensor in tensors} == {1}
        (graph,) = graphs  # as it was placed
        assert {"Cholesky", "ResourceApplyAdam"} <= {node.op for node in nodes(graph)}
        elsewhere = [node.op for node in nodes(graph) if not node.device.endswith("CPU:1")]
        assert elsewhere == ["Identity"]  # what is handed back
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 1))
    model = MoGPERegressor(n_inducing=5, n_samples=4, init_params="mixture", max_iter=5, random_state=0)
    here = model.fit(X, X[:, 0]).predict(X)
    np.testing.assert_allclose(model.set_params(device="cpu:1").predict(X), here, rtol=1e-9)
    np.testing.assert_allclose(model.fit(X, X[:, 0]).predict(X), here, rtol=1e-9)


@pytest.mark.slow
def test_a_step_is_on_the_device_that_was_asked_for():
    code = "from tests.engine.test_placement import check_second_device; check_second_device()"
    subprocess.run([sys.executable, "-c", code], check=True)


def float64_operations(function):
    """Operations of a compiled function and all that it calls that take or give double precision."""
    double = tf.float64.as_datatype_enum
    return {
        node.op
        for node in nodes(function.graph.as_graph_def())
        if any(value.type == double or double in value.list.type for value in node.attr.values())
    }


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["tight", "further"])
def test_single_precision_is_single_throughout(bound):
    """Sample points are cast when a graph is made, and the vectors of SciPy's L-BFGS when they come."""
    structure = replace(STRUCTURE, bound=bound, dtype="float32")
    program, single = Program(structure), Program(replace(structure, kernels=("rbf",)))
    functions = [program.get(build) for build in (bound_function, mixture_function, _start_function)]
    functions += [step_function(program, solver)[0] for solver in SOLVERS]
    for function in functions:
        assert float64_operations(function) <= {"Const", "Cast"}
    for function in (program.get(loss_and_gradient_function), single.get(_collapsed_function)):
        assert float64_operations(function) - {"Const"} == {"Placeholder", "Cast"}
