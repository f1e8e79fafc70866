"""What a run reports while it is trained, and to whom."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from ..engine.program import Program


class Report(NamedTuple):
    """How far a run is.

    Attributes
    ----------
    n_iter : float
        Iterations so far.
    loss : float
        Negative bound and log priors per row, under the present parameters.
    """

    n_iter: float
    loss: float


Callback = Callable[[Report], bool]
"""Gets each report of a run, and says whether to stop it."""

RunCallback = Callable[[str, int, Program], AbstractContextManager[Callback]]
"""Goes around a run of some name, with at most so many reports, that trains a program's parameters."""


@contextmanager
def no_callback(name: str, max_reports: int, program: Program) -> Iterator[Callback]:
    """Do nothing and stop nothing."""
    yield lambda report: False


def together(*callbacks: RunCallback) -> RunCallback:
    """Several as one; the run stops if one of them asks for it."""

    @contextmanager
    def around(name, max_reports, program):
        with ExitStack() as stack:
            inner = [stack.enter_context(callback(name, max_reports, program)) for callback in callbacks]
            yield lambda report: any([callback(report) for callback in inner])  # all get it

    return around
