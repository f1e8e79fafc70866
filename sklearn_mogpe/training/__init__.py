"""Training: from arrays to the state of a fitted mixture."""

from .. import tensorflow_start  # before any other import
from .devices import let_memory_grow, limit_threads

with tensorflow_start.without_start_lines():
    limit_threads()
    let_memory_grow()
