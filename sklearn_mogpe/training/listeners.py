"""Who hears of a run while it is trained."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

import numpy as np

from ..engine.program import Program


class Mark(NamedTuple):
    """A point on the way to a report.

    Attributes
    ----------
    step : int
        Of the solver.
    loss : float
        Negative bound and log priors per row, the mean over the steps since the last mark, each before the
        step and as its rows tell it.
    curves : array of shape (n,)
        The small parameters, as :class:`~sklearn_mogpe.engine.curves.Curves` packs them.
    """

    step: int
    loss: float
    curves: np.ndarray


class News(NamedTuple):
    """A report of a run.

    Attributes
    ----------
    n_iter : float
        Iterations so far.
    loss : float
        Negative bound and log priors per row, under the present parameters.
    trace : sequence of Mark
        Since the last report; empty where the solver leaves none.
    """

    n_iter: float
    loss: float
    trace: Sequence[Mark] = ()


Hear = Callable[[News], bool]
"""Is told of each report of a run, and says whether to stop it."""

Listen = Callable[[str, int, Program], AbstractContextManager[Hear]]
"""Goes around a run of some name, with at most so many reports, that trains a program's parameters."""


@contextmanager
def quiet(name: str, max_reports: int, program: Program) -> Iterator[Hear]:
    """Listen to nothing and stop nothing."""
    yield lambda news: False


def together(*listeners: Listen) -> Listen:
    """Let several listen; the run stops if one of them asks for it."""

    @contextmanager
    def listen(name, max_reports, program):
        with ExitStack() as stack:
            hear = [stack.enter_context(each(name, max_reports, program)) for each in listeners]
            yield lambda news: any([each(news) for each in hear])  # all are told

    return listen
