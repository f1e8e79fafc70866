"""When a fit has to end."""

import time


class Deadline:
    """The end of the time that a fit may take.

    Parameters
    ----------
    seconds : float, default=None
        From now on. None is any time.
    """

    def __init__(self, seconds: float | None = None):
        self._end = float("inf") if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left; negative after the end."""
        return self._end - time.monotonic()

    def has_passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0.0
