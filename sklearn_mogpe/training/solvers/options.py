"""What a solver can be told."""

from typing import NamedTuple


class Options(NamedTuple):
    """What a solver can be told.

    Attributes
    ----------
    n_steps : int
        Mini-batches, or iterations on the whole data.
    learning_rate : float
        First step size of Adam; it decays to a tenth.
    report_every : int
        Steps between two looks at the bound.
    steps_per_iter : int
        Steps that make one iteration: of mini-batches, as many as make a pass over the data.
    batch_size : int
        Rows of a mini-batch, where the solver takes such.
    trace_every : int, default=None
        Steps between two entries of the trace of those solvers that take steps in the graph. None leaves one
        entry at each look. The steps are the same.
    """

    n_steps: int
    learning_rate: float
    report_every: int = 25
    steps_per_iter: int = 1
    batch_size: int = 256
    trace_every: int | None = None
