"""Ways to raise the bound: natural gradients, of the whole data or of mini-batches, L-BFGS, and Adam.

Each is a :class:`Solver`. Within the scope of a ``tf.distribute`` strategy, those of mini-batches divide the
rows of a step among its replicas; the variables that a step then moves are each process's own.
"""

from .adam import ADAM
from .base import Feed, Options, Solver
from .batch_natgrad import BATCH_NATGRAD
from .lbfgs import LBFGS
from .natgrad import NATGRAD

__all__ = ["ADAM", "BATCH_NATGRAD", "LBFGS", "NATGRAD", "Feed", "Options", "Solver"]
