"""Types of arrays, for annotations."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

# Weights (n, K), and means and standard deviations (n, K, P).
Mixture = tuple[Array, Array, Array]
