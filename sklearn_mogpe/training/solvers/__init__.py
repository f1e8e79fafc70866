"""Ways to raise the bound: natural gradients, of the whole data or of mini-batches, L-BFGS, and Adam.

Each solver is a function ``(program, feed, tracker, options)`` that starts from the program's present
parameters and reports to the tracker, which keeps the best and says when to stop. Within the scope of a
``tf.distribute`` strategy, those that take mini-batches divide the rows of a step among its replicas; the
variables that a step then moves are each process's own.
"""

from .adam import adam
from .batch_natgrad import batch_natgrad
from .feed import Feed
from .lbfgs import lbfgs
from .natgrad import natgrad
from .options import Options

SOLVERS = {"natgrad": natgrad, "batch_natgrad": batch_natgrad, "lbfgs": lbfgs, "adam": adam}

__all__ = ["SOLVERS", "Feed", "Options", "adam", "batch_natgrad", "lbfgs", "natgrad"]
