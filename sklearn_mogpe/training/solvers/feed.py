"""What a solver is fed with."""

from collections.abc import Callable
from typing import NamedTuple

from ...engine.program import Data


class Feed(NamedTuple):
    """The rows of a fit, as a solver sees them.

    Attributes
    ----------
    evaluation : Data
        Rows that judge the parameters; of the solvers that look at the whole data, all.
    num_data : int
        Number of rows that they stand for.
    draw : callable ``(first, size) -> Data``, default=None
        Gives rows, see :class:`~sklearn_mogpe.data.rows.Problem`; for mini-batches.
    """

    evaluation: Data
    num_data: int
    draw: Callable[[int, int], Data] | None = None
