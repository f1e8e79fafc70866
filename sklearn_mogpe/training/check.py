"""Whether what an estimator describes can be made at all, before there are data."""

from itertools import product

from ..data.rows import number_of_points
from ..descriptions.read import read_descriptions
from ..engine.program import building
from .settings import make_structure

# Keys whose lists tell how many features there are, and how many outputs.
OF_FEATURES, OF_OUTPUTS = ("lengthscales",), ("noise_variance", "kernel")


def check_model(estimator) -> None:
    """Make sure that there are data to which an estimator's model could be fitted.

    Raises
    ------
    ValueError
        If the kernels, experts or gate are not as expected, whatever the numbers of features and outputs.
    """
    descriptions = read_descriptions(estimator)
    n_experts = 2 if descriptions.n_experts == "auto" else descriptions.n_experts
    failure = None
    for n_features, n_outputs in product(*_possible_sizes(descriptions)):
        n_inducing = descriptions.n_inducing(number_of_points(estimator.n_inducing, n_features))
        try:
            structure = make_structure(estimator, descriptions, n_experts, n_features, n_outputs, n_inducing)
            with building(structure):
                structure.build(n_features, n_inducing)
        except ValueError as error:
            failure = failure or error  # of the sizes that are meant, if any
        else:
            return
    raise failure


def _possible_sizes(descriptions):
    """Numbers of features, and of outputs, that lists in descriptions could mean, the likely one first."""
    by_key = {"": [1]}
    parts = [("", [descriptions.experts, descriptions.gating_network])]
    while parts:
        key, part = parts.pop()
        if isinstance(part, dict):
            parts += [(key if name == "value" else name, value) for name, value in part.items()]
        elif isinstance(part, list | tuple):
            is_number_of_input = key == "active_dims" and all(isinstance(dim, int) for dim in part)
            by_key.setdefault(key, []).append(max(part, default=0) + 1 if is_number_of_input else len(part))
            parts += [("", value) for value in part]
    everything = {size for sizes in by_key.values() for size in sizes if size > 0}

    def likely_first(keys):
        likely = max((size for key in keys for size in by_key.get(key, ())), default=1)
        return [likely, *sorted(everything - {likely})]

    return likely_first((*OF_FEATURES, "active_dims")), likely_first(OF_OUTPUTS)
