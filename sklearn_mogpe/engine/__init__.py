"""What is compiled: models of a structure, their graphs and devices, and predictions by them."""

from ..gps import tensorflow_start
from .devices import let_memory_grow, limit_threads

with tensorflow_start.without_start_lines():
    limit_threads()
    let_memory_grow()
