"""What a solver can be told."""

from typing import NamedTuple


class Options(NamedTuple):
    """What a solver can be told.

    Attributes
    ----------
    max_iter : int
        Passes over the data, or iterations of L-BFGS.
    learning_rate : float
        First step size of Adam; it decays to a tenth.
    batch_size : int
        Rows of a mini-batch; Adam only.
    seed : int
        Of the search for a start and of the choice of batches.
    report_every : int
        Iterations between two looks at the whole data's bound; L-BFGS takes one after each.
    """

    max_iter: int
    learning_rate: float
    batch_size: int = 256
    seed: int = 0
    report_every: int = 25
