"""What a solver is, what it is told, and what it is fed with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from ...data.rows import Rows
from ...descriptions.read import Descriptions

# Rows of mini-batches between two reports, unless these are fewer steps.
REPORT_ROWS, MIN_REPORT_STEPS = 25_600, 25


class Options(NamedTuple):
    """What a solver is told.

    Attributes
    ----------
    n_steps : int
        Mini-batches, or iterations on the whole data.
    learning_rate : float
        First step size of Adam; it decays to a tenth.
    report_every : int
        Steps between two reports, for each of which the bound is evaluated.
    steps_per_iter : int
        Steps that make one iteration: of mini-batches, as many as make a pass over the data.
    batch_size : int
        Rows of a mini-batch, where the solver takes such.
    dtype : str, default=None
        Precision of what natural gradients compute of the size of the rows. None is decided by the rows and
        their noise.
    """

    n_steps: int
    learning_rate: float
    report_every: int = 25
    steps_per_iter: int = 1
    batch_size: int = 256
    dtype: str | None = None


class Feed(NamedTuple):
    """The rows of a fit, as a solver sees them.

    Attributes
    ----------
    evaluation : Rows
        On the device, rows that judge the parameters; of the solvers that look at the whole data, all.
    num_data : int
        Number of rows that they stand for.
    draw : callable ``(first, size) -> Rows``, default=None
        Gives rows on the device, see :class:`~sklearn_mogpe.data.problem.Problem`; for mini-batches.
    """

    evaluation: Rows
    num_data: int
    draw: Callable[[int, int], Rows] | None = None


@dataclass(frozen=True)
class Solver:
    """A way to raise the bound.

    Attributes
    ----------
    name : str
        Of its runs.
    run : callable ``(program, feed, tracker, options)``
        Starts from the program's present parameters and reports to the tracker, which keeps the best and says
        when to stop.
    in_batches : bool
        Whether a step takes some of the rows, in place of all.
    is_natural : bool
        Whether it follows natural gradients.
    n_steps : callable ``(n_rows, batch_size) -> int``
        Unless the user says how many iterations.
    learning_rate : float
        Unless the user gives one.
    report_every : int
        Steps between two reports, to hide what a report costs.
    """

    name: str
    run: Callable
    in_batches: bool
    is_natural: bool
    n_steps: Callable[[int, int], int]
    learning_rate: float
    report_every: int

    def can_train(self, descriptions: Descriptions, n_inducing: int) -> bool:
        """Whether natural gradients can train what is described, of M inducing points if it does not say."""
        return descriptions.are_natural and (not self.in_batches or descriptions.are_equal(n_inducing))

    def options(
        self,
        n_rows: int,
        batch_size: int,
        n_iter_no_change: int,
        max_iter: int | None = None,
        learning_rate: float | None = None,
    ) -> Options:
        """What it is told when it trains a model of N rows.

        Parameters
        ----------
        n_rows : int
            N.
        batch_size : int
            Rows of a mini-batch, at most.
        n_iter_no_change : int
            Iterations without improvement after which training ends.
        max_iter : int, default=None
            Iterations. None takes as many steps as usual.
        learning_rate : float, default=None
            None is the usual one.
        """
        batch_size = min(n_rows, batch_size)
        steps_per_iter = -(-n_rows // batch_size) if self.in_batches else 1
        report_every = self.report_every
        if self.in_batches:  # several times before patience ends
            report_every = min(report_every, max(MIN_REPORT_STEPS, REPORT_ROWS // batch_size))
            report_every = min(report_every, max(1, n_iter_no_change * steps_per_iter // 4))
        return Options(
            n_steps=self.n_steps(n_rows, batch_size) if max_iter is None else max_iter * steps_per_iter,
            learning_rate=self.learning_rate if learning_rate is None else learning_rate,
            report_every=report_every,
            steps_per_iter=steps_per_iter,
            batch_size=batch_size,
        )

    def check_replicas(self, batch_size: int) -> None:
        """Look whether the replicas of the present ``tf.distribute`` strategy can share its steps.

        Parameters
        ----------
        batch_size : int
            Rows of a mini-batch.

        Raises
        ------
        ValueError
            If they cannot share mini-batches evenly.
        """
        n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if n_replicas > 1 and not self.in_batches:
            raise ValueError(
                f"Expected mini-batches, for the {n_replicas} replicas of the present strategy to share, "
                f'got solver={self.name!r} on the whole data; try solver="adam" or a smaller batch_size.'
            )
        if n_replicas > 1 and batch_size % n_replicas:
            raise ValueError(
                f"Expected a batch_size that {n_replicas} replicas can share evenly, got {batch_size}; try "
                f"{batch_size - batch_size % n_replicas or n_replicas}."
            )
