"""Training: from arrays to the state of a fitted mixture."""

from .devices import limit_threads

limit_threads()
