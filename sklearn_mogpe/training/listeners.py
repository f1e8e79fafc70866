"""Who hears of a run while it is trained."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from .program import Program


class News(NamedTuple):
    """How far a run is.

    Attributes
    ----------
    n_iter : float
        Iterations so far.
    loss : float or None
        Negative bound and log priors per row, under the present parameters, if the bound was looked at.
    batch_loss : float or None
        The same as the mini-batches since the last news tell it, each before its step. None without such.
    is_report : bool
        Whether the run's end is decided by this loss. Otherwise somebody only watches.
    """

    n_iter: float
    loss: float | None
    batch_loss: float | None
    is_report: bool


Hear = Callable[[News], bool]
"""Is told of a run's news, and says whether to stop it, of which it is asked at reports."""

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
