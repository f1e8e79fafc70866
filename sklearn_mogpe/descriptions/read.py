"""Experts and gate as an estimator's parameters describe them: what can be told without making them.

An expert is described by a dict of plain data, of which every key may be missing, or by a callable
``(input_dim, num_outputs, Z) -> ExpertBase``; a gate by a dict, or by a callable
``(input_dim, num_experts, Z) -> GatingNetworkBase``. The dicts have the keys of a sparse GP, see
:mod:`sklearn_mogpe.gps.configuration`, but ``inducing`` says how many points there are, ``{"num": 32}``:
where they are is for the data to decide.
"""

import json
from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

from .errors import ConfigurationError, at, make_each
from .files import plain_data
from .grammar import check_gate_functions, read_expert, read_gate

Frozen = str | Callable
"""A description that can be hashed: a dict as JSON."""

ISO = "_iso"
"""Ends the names of kernels with one lengthscale for all features."""

KERNEL_NAMES = tuple(name + end for end in ("", ISO) for name in ("rbf", "matern12", "matern32", "matern52"))
"""Kernels that an estimator takes by name; its descriptions know more."""

MAX_EXPERTS = 5
"""As many does n_experts="auto" try."""

AS_USUAL = "{}"
"""That of what is not described."""


class Descriptions(NamedTuple):
    """What an estimator says of its experts and its gate, which one expert does not have.

    Attributes
    ----------
    n_experts : tuple of int
        The numbers of experts to choose from, ascending; usually one.
    experts : list of dict or callable, or None
    gating_network : dict, callable or None
    """

    n_experts: tuple[int, ...]
    experts: list[dict | Callable] | None
    gating_network: dict | Callable | None

    @property
    def are_given(self) -> bool:
        """Whether anything is described."""
        return self.experts is not None or self.gating_network is not None

    @property
    def are_dicts(self) -> bool:
        """Whether no callable makes experts or gate."""
        return not any(map(callable, self._parts))

    @property
    def are_natural(self) -> bool:
        """Whether natural gradients can train the model: sparse GPs with a q that is full and free."""
        return self.are_dicts and all(map(_has_free_q, [*self._parts, *self._gps]))

    def settled(self) -> "Descriptions":
        """With one number of experts, for those who cannot compare several: two, if it is one of them."""
        numbers = self.n_experts
        return self._replace(n_experts=(2,) if 2 in numbers else numbers[-1:])

    def are_equal(self, default: int) -> bool:
        """Whether all sparse GPs have equally many inducing points, with a default where none is given."""
        return len({_number(gp, default) for gp in self._gps}) <= 1

    def n_inducing(self, default: int) -> int:
        """The largest number of inducing points of any part, with a default where none is given."""
        numbers = [_number(gp, default) for gp in self._gps]
        return max(numbers if self.are_dicts else [*numbers, default])

    def frozen(self, n_experts: int, default: int, limit: int) -> tuple[tuple[Frozen, ...], Frozen]:
        """Experts and gate, each with its number of inducing points.

        Parameters
        ----------
        n_experts : int
            How many, if they are not described.
        default, limit : int
            The number of points where none is given, and the largest that is possible.
        """

        def freeze(part):
            return part if callable(part) else json.dumps(numbered(part), sort_keys=True)

        def numbered(part):
            if "functions" in part:
                return {**part, "functions": [numbered(function) for function in part["functions"]]}
            num = min(_number(part, default), limit)
            own = {**part, "inducing": {**part.get("inducing", {}), "num": num}}
            return {**own, "noise_gp": numbered(part["noise_gp"])} if "noise_gp" in part else own

        experts = map(freeze, self.experts or [{}] * n_experts)
        return tuple(experts), freeze(self.gating_network or {})

    @property
    def _parts(self):
        """Descriptions of all parts; one stands for all experts that are not described."""
        gates = [] if self.n_experts == (1,) else [self.gating_network or {}]
        return [*(self.experts or [{}]), *gates]

    @property
    def _gps(self):
        """Descriptions of all sparse GPs."""
        parts = [part for part in self._parts if not callable(part)]
        noises = [part["noise_gp"] for part in parts if "noise_gp" in part]
        return [*(gp for part in parts for gp in part.get("functions", [part])), *noises]


def read_descriptions(estimator) -> Descriptions:
    """Read an estimator's ``experts`` and ``gating_network``.

    Raises
    ------
    ConfigurationError
        If a description is neither a callable nor a dict of plain data, its inducing points are not described
        by their number, or a gate has another number of functions than its experts need.
    """
    experts, gating_network = estimator.experts, estimator.gating_network
    n_experts = _read_numbers(estimator.n_experts, estimator.kernel)
    if experts is not None:
        with at("experts"):
            experts = make_each(_check, experts, read_expert)
        n_experts = (len(experts),)
    if gating_network is not None:
        with at("gating_network"):
            gating_network = _check(gating_network, read_gate)
            if not callable(gating_network) and "functions" in gating_network and n_experts != (1,):
                n_functions = len(gating_network["functions"])
                if len(n_experts) > 1:  # a probit has one function, a softmax as many as there are experts
                    n_experts = (max(2, n_functions),)
                check_gate_functions(n_experts[0], n_functions)
    return Descriptions(n_experts, experts, gating_network)


def _read_numbers(n_experts, kernel):
    """The numbers of experts to choose from. Kernels that are given one by one are as many as the experts."""
    if isinstance(n_experts, str):
        numbers = tuple(range(1, MAX_EXPERTS + 1))
    else:
        numbers = tuple(n_experts) if isinstance(n_experts, list | tuple) else (n_experts,)
    with at("n_experts"):
        is_ascending = all(isinstance(n, Integral) for n in numbers) and list(numbers) == sorted(set(numbers))
        if not numbers or not is_ascending or numbers[0] < 1:
            raise ConfigurationError(f"expected positive integers in ascending order, got {n_experts!r}")
    says_how_many = isinstance(kernel, list | tuple) and kernel and len(numbers) > 1
    return (len(kernel),) if says_how_many else numbers


def check_kernels(kernel, n_experts: int) -> tuple[str | Callable, ...]:
    """Return the kernels of K experts, of one for all or of one for each.

    Raises
    ------
    ValueError
        If they are not as many, or one is neither a known name nor a callable.
    """
    kernels = kernel if isinstance(kernel, list | tuple) else [kernel] * n_experts
    if len(kernels) != n_experts:
        raise ValueError(f"Expected one kernel, or one for each of {n_experts} experts, got {len(kernels)}.")
    return tuple(check_kernel(kernel, "kernel") for kernel in kernels)


def check_kernel(kernel, name: str) -> str | Callable:
    """Return a kernel that is known by its name, or a callable.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if callable(kernel) or (isinstance(kernel, str) and kernel in KERNEL_NAMES):
        return kernel
    raise ValueError(
        f"Expected one of {list(KERNEL_NAMES)} or a callable input_dim -> kernel as {name}, got {kernel!r}."
    )


def is_as_usual(description: Frozen) -> bool:
    """Whether it says no more than what concerns the inducing points."""
    return not callable(description) and json.loads(description).keys() <= {"inducing"}


def _check(part, read):
    if callable(part):
        return part
    if not isinstance(part, dict):
        raise ConfigurationError(f"expected a dict or a callable, got {part!r}")
    part = plain_data(part)
    read(part, in_estimator=True)
    return part


def _number(gp, default):
    return gp.get("inducing", {}).get("num", default)


def _has_free_q(gp):
    """Whether nothing is said that natural gradients do not obey."""
    parts = gp, gp.get("q_mu"), gp.get("q_sqrt")
    is_held = any(isinstance(part, dict) and part.get("trainable", True) is False for part in parts)
    return not is_held and not gp.get("q_diag", False)
