"""Training: from arrays to the state of a fitted mixture."""

from .devices import let_memory_grow, limit_threads

limit_threads()
let_memory_grow()
