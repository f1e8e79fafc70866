"""Formulas of doubles that write themselves down as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

# The oldest with all that is used here; runtimes understand this one and those before.
OPSET, IR_VERSION = 18, 8


def load_onnx() -> Any:
    """Import ONNX.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            'Expected the package onnx, to write ONNX files; install it by pip install "sklearn-mogpe[onnx]".'
        ) from error
    return onnx


def _operator(op: str, is_swapped: bool = False) -> Callable[[Value, Any], Value]:
    def method(self: Value, other: Any) -> Value:
        return self.graph.node(op, *((other, self) if is_swapped else (self, other)))

    return method


class Value:
    """What a node of a graph gives, to compute with as with an array.

    Parameters
    ----------
    graph : Graph
    name : str
    """

    __array_ufunc__ = None  # NumPy leaves operators with arrays on the left to this class

    def __init__(self, graph: Graph, name: str):
        self.graph, self.name = graph, name

    __add__, __radd__ = _operator("Add"), _operator("Add", True)
    __sub__, __rsub__ = _operator("Sub"), _operator("Sub", True)
    __mul__, __rmul__ = _operator("Mul"), _operator("Mul", True)
    __truediv__, __rtruediv__ = _operator("Div"), _operator("Div", True)
    __matmul__, __rmatmul__ = _operator("MatMul"), _operator("MatMul", True)
    __gt__, __lt__ = _operator("Greater"), _operator("Less")

    def __neg__(self) -> Value:
        return self.graph.Neg(self)

    def sum(self, axis: int) -> Value:
        """Sum along an axis, which is left out."""
        return self.graph.ReduceSum(self, [axis], keepdims=0)

    def reshape(self, *shape: int) -> Value:
        """With another shape, in which 0 is the size that the axis has, and -1 what is left."""
        return self.graph.Reshape(self, list(shape))

    def with_axis(self, *axes: int) -> Value:
        """With new axes of size one, at these places of the result."""
        return self.graph.Unsqueeze(self, list(axes))


class Graph:
    """Nodes and constants, one after another. ``graph.Exp(x)`` adds a node of the operator ``Exp``.

    Of what a node takes, a list holds integers, such as axes, and any other number or array doubles.
    """

    def __init__(self) -> None:
        self._onnx = load_onnx()
        self._nodes: list[list[Any]] = [[]]  # of the graph, and of the loops that are being written
        self._inputs: list[Any] = []
        self._constants: list[Any] = []
        self._n_names = 0

    def __getattr__(self, op: str) -> Callable[..., Value]:
        if not op[0].isupper():
            raise AttributeError(op)
        return partial(self.node, op)

    def node(self, op: str, *inputs: Any, **attributes: Any) -> Value:
        """Add a node, and return what it gives."""
        names = [self.value(part).name for part in inputs]
        result = self._named()
        self._nodes[-1].append(self._onnx.helper.make_node(op, names, [result.name], **attributes))
        return result

    def value(self, content: Any) -> Value:
        """What a node gives, as it is, or a constant."""
        if isinstance(content, Value):
            return content
        result = self._named()
        array = np.asarray(content, np.int64 if isinstance(content, list) else np.float64)
        self._constants.append(self._onnx.numpy_helper.from_array(array, result.name))
        return result

    def _named(self) -> Value:
        self._n_names += 1
        return Value(self, f"v{self._n_names}")

    def _typed(self, name: str, shape: Sequence[int | str] | None, kind: str = "DOUBLE") -> Any:
        return self._onnx.helper.make_tensor_value_info(name, getattr(self._onnx.TensorProto, kind), shape)

    def input(self, name: str, shape: Sequence[int | str]) -> Value:
        """Add an input of doubles; sizes that are open have names."""
        self._inputs.append(self._typed(name, shape))
        return Value(self, name)

    def loop(self, trips: Value, step: Callable[..., Sequence[Value]], start: Sequence[Value]) -> list[Value]:
        """Apply a function to values of doubles again and again.

        Parameters
        ----------
        trips : Value
            How often: an integer.
        step : callable
            Of as many values as there are in ``start``, to as many.
        start : sequence of Value
        """
        trip, go_on, *values = (self._named() for _ in range(2 + len(start)))
        self._nodes.append([])
        results = [self.Identity(go_on), *step(*values)]
        inputs = [
            self._typed(trip.name, [], "INT64"),
            self._typed(go_on.name, [], "BOOL"),
            *(self._typed(value.name, None) for value in values),
        ]
        outputs = [
            self._typed(results[0].name, [], "BOOL"),
            *(self._typed(result.name, None) for result in results[1:]),
        ]
        helper = self._onnx.helper
        body = helper.make_graph(self._nodes.pop(), "step", inputs, outputs)
        ends = [self._named() for _ in start]
        names = [trips.name, "", *(value.name for value in start)]
        self._nodes[-1].append(helper.make_node("Loop", names, [end.name for end in ends], body=body))
        return ends

    def model(
        self,
        outputs: dict[str, tuple[Value, Sequence[int | str]]],
        metadata: dict[str, str],
        **properties: Any,
    ) -> Any:
        """Finish the graph.

        Parameters
        ----------
        outputs : dict
            By their names, values and their shapes.
        metadata : dict of str
        **properties
            Of the ``ModelProto``, such as ``producer_name``.

        Returns
        -------
        onnx.ModelProto
        """
        helper = self._onnx.helper
        (nodes,) = self._nodes
        nodes += [helper.make_node("Identity", [value.name], [name]) for name, (value, _) in outputs.items()]
        typed = [self._typed(name, shape) for name, (_, shape) in outputs.items()]
        graph = helper.make_graph(nodes, "mixture", self._inputs, typed, self._constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, **properties)
        helper.set_model_props(model, metadata)
        return model
