"""Types of arrays, for annotations.

Modules that use these or ``ArrayLike`` import ``annotations`` from ``__future__``, so that ``help`` shows the
names and not what they stand for, which is long.
"""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

# Weights (n, K), and means and standard deviations (n, K, P).
Mixture = tuple[Array, Array, Array]
