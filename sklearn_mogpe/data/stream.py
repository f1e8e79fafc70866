"""Rows that come in batches, pass after pass, and are never in memory all at once."""

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar, gen_batches

from .rows import BLOCK_ROWS, WHOLE_DATA_ROWS, Rows


class Stream:
    """The rows of an iterable of batches, one pass after the other.

    No more is kept than the head, and the batches that a draw takes rows of.

    Parameters
    ----------
    batches : iterable of ``(X, y)``, ``(X, y, sample_weight)`` or ``(X, y, sample_weight, y_std)``
        Of any sizes. An iterator can be passed through once, everything else without end.
    n_rows : int or None
        Rows of a pass. None counts them, in a pass of its own.
    check : callable ``(X, y, sample_weight=None, y_std=None, *, is_first) -> Rows``
        Validates a batch.

    Attributes
    ----------
    one_pass : bool
        Whether there is only one pass.
    first_batch : tuple
        As it came.
    head : Rows
        The first 20 000 rows, or all.
    n_rows : int

    Raises
    ------
    ValueError
        If ``n_rows`` is not known of an iterator, if there are less than two rows, or if a batch among those
        that are looked at is bad. Bad batches raise it later, too, with their number.
    """

    def __init__(self, batches: Iterable, n_rows: int | None, check: Callable[..., Rows]):
        self.one_pass = isinstance(batches, Iterator)
        if n_rows is not None:
            check_scalar(n_rows, "n_rows", Integral, min_val=2)
        elif self.one_pass:
            raise ValueError(
                "Expected n_rows, the number of rows of all batches, with an iterator: it cannot be "
                "passed through to count them first. Or hand in what can be iterated again, such as a list, "
                "a tf.data.Dataset or an object with __iter__."
            )
        self.first_batch = None
        self._batches, self._check = batches, check
        some, count = [], 0
        first_pass = self._checked()
        for rows in first_pass:
            if count < WHOLE_DATA_ROWS:
                some.append(rows)
            count += len(rows.X)
            if n_rows is not None and count >= WHOLE_DATA_ROWS:
                break
        if count < 2:
            raise ValueError(f"Expected at least two rows in the stream, got {count}.")
        self.n_rows = count if n_rows is None else n_rows
        self.head = _join(some).part(slice(WHOLE_DATA_ROWS))
        self._coming = self._passes(itertools.chain(some, first_pass) if self.one_pass else self._checked())
        self._rest, self._drawn = self.head.part(slice(0)), 0

    def draw(self, first: int, size: int) -> Rows:
        """The rows that come next, when ``first`` rows have been drawn; at the end of a last pass, fewer.

        Raises
        ------
        StopIteration
            If there are no more.
        """
        if first > self._drawn:  # a resumed fit has seen them in this pass
            for part in gen_batches((first - self._drawn) % self.n_rows, BLOCK_ROWS):
                self._take(part.stop - part.start)
        self._drawn = first + size
        return self._take(size)

    def close(self) -> None:
        """Let go of the batches: an iterator that is left to the garbage collector may end much later."""
        self._coming.close()

    def _take(self, size):
        taken, missing = [self._rest], size - len(self._rest.X)
        while missing > 0 and (rows := next(self._coming, None)) is not None:
            taken.append(rows)
            missing -= len(rows.X)
        border = len(taken[-1].X) + min(missing, 0)
        taken[-1], self._rest = taken[-1].part(slice(border)), taken[-1].part(slice(border, None))
        if not any(len(rows.X) for rows in taken):
            raise StopIteration
        return _join(taken)

    def _passes(self, first_pass):
        yield from self._counted(first_pass)
        while not self.one_pass:
            yield from self._counted(self._checked())

    def _counted(self, batches):
        count = 0
        for rows in batches:
            count += len(rows.X)
            yield rows
        if not count:
            raise ValueError(
                "Expected batches for another pass, got none: what was handed in can be iterated only once. "
                "Hand in an iterator of it, with n_rows, or what can be iterated again."
            )
        if count != self.n_rows:
            warnings.warn(
                f"Expected {self.n_rows} rows in a pass over the stream, got {count}. The bound weighs the "
                f"rows as if they were {self.n_rows}; if all passes are like this one, set n_rows={count}.",
                UserWarning,
                stacklevel=2,
            )

    def _checked(self):
        for number, batch in enumerate(self._batches):
            try:
                rows = self._check_batch(batch)
            except (TypeError, ValueError) as error:
                raise ValueError(f"In batch {number} of the stream, counted from 0: {error}") from error
            yield rows

    def _check_batch(self, batch):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3, 4):
            raise ValueError(
                "Expected (X, y), (X, y, sample_weight) or (X, y, sample_weight, y_std), got "
                f"{type(batch).__name__}."
            )
        is_first = self.first_batch is None
        rows = self._check(*batch, is_first=is_first)
        if is_first:
            self.first_batch, self._n_outputs = tuple(batch), rows.Y.shape[1]
        elif rows.Y.shape[1] != self._n_outputs:
            raise ValueError(
                f"Expected y with {self._n_outputs} outputs, as in the first batch, got {rows.Y.shape[1]}."
            )
        return rows


def _join(batches):
    return Rows(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))
