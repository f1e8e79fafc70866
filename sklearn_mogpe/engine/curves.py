"""The small parameters of a model as one vector."""

import gpflow
import tensorflow as tf

from ..gps import model_parameters

# A parameter of more elements is no set of curves.
MAX_ELEMENTS = 10


class Curves:
    """The parameters of a model that have few elements, or whose size is open and that are no matrices.

    Those of the sparse GPs' q and inducing points are not among them, however few these are.

    Parameters
    ----------
    model : gpflow.Module
    """

    def __init__(self, model: gpflow.Module):
        found = model_parameters(model).items()
        self.parameters = {path: parameter for path, parameter in found if _may_be_small(parameter)}

    def pack(self) -> tf.Tensor:
        """The present values of all their elements, as they are in the model, of shape (n,)."""
        vectors = [tf.reshape(parameter, [-1]) for parameter in self.parameters.values()]
        return tf.concat(vectors, 0) if vectors else tf.zeros([0], gpflow.default_float())

    def names(self) -> list[str | None]:
        """Names of the n elements, by path and number; None for those of parameters that have too many."""
        names: list[str | None] = []
        for path, parameter in self.parameters.items():
            # A vector has as many elements when it is not constrained.
            size = parameter.shape.num_elements() or int(tf.size(parameter.unconstrained_variable))
            if size == 1:
                names.append(path[1:])
            else:
                names += [f"{path[1:]}[{i}]" if size <= MAX_ELEMENTS else None for i in range(size)]
        return names


def _may_be_small(parameter):
    size = parameter.shape.num_elements()
    return parameter.shape.rank <= 1 if size is None else size <= MAX_ELEMENTS
