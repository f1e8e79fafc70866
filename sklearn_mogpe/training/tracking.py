"""What a solver reports to: it keeps the best parameters and decides when to stop."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ..engine.program import JITTER, Candidate, Program
from .checkpoints import RunCheckpoints
from .deadline import Deadline
from .reports import Callback, Report

# Beyond this share of a kernel's variance, jitter is no longer numerical repair but another model.
MAX_JITTER = 1e-2

# Where there is no jitter to add, a run may go back to its best parameters so many times.
MAX_RECOVERIES = 4

# How much shorter the steps are after each time that a run has gone back.
SHORTENING = 0.5

# A run that lags behind another one has to gain no more than this many times what that one still gained.
MAX_CATCH_UP = 3.0

# What a tracker remembers, besides the best parameters.
HISTORY = (
    "best_loss",
    "best_criterion",
    "iterations",
    "loss_curve",
    "validation_scores",
    "n_iter",
    "converged",
    "step_scale",
    "_reference",
    "_reference_iter",
)


class Tracker:
    """The best parameters of a run, its history and its end.

    Parameters
    ----------
    program : Program
        Whose parameters are trained.
    start : Candidate
        The program's present parameters and their loss per row, infinite if not known.
    tol : float, default=0.0
        Smallest change per row that counts as an improvement, in nats.
    n_iter_no_change : int, default=None
        Iterations without improvement after which the run has converged. None runs to the end.
    validate : callable returning float, default=None
        Mean log density of held-out rows under the present parameters. If given, it decides what is best
        and when to stop, in place of the loss.
    callback : callable ``Report -> bool``, default=None
        Gets each report, and may ask to stop.
    checkpoints : RunCheckpoints, default=None
        Where the run is kept, so that it can be resumed.
    deadline : Deadline, default=None
        The run stops when the time that is left would not suffice to the next report.

    Attributes
    ----------
    best_state : State
    best_loss : float
        Per row, at the best state.
    best_criterion : float
        What was minimised: the loss, or the negative validation score.
    iterations : list of float
        At which reports came.
    loss_curve, validation_scores : list of float
        One value for each report.
    n_iter : float
    converged : bool
    step_scale : float
        What part of its step size a solver should take: 1 until a step was not finite.
    is_late : bool
        Whether the deadline has ended it.
    """

    def __init__(
        self,
        program: Program,
        start: Candidate,
        *,
        tol: float = 0.0,
        n_iter_no_change: int | None = None,
        validate: Callable[[], float] | None = None,
        callback: Callback | None = None,
        checkpoints: RunCheckpoints | None = None,
        deadline: Deadline | None = None,
    ):
        self.program = program
        self.tol = tol
        self.n_iter_no_change = np.inf if n_iter_no_change is None else n_iter_no_change
        self.validate, self.callback, self.checkpoints = validate, callback, checkpoints
        self.best_loss, self.best_state = start
        self.best_criterion = np.inf if validate else start.loss
        self.iterations: list[float] = []
        self.loss_curve: list[float] = []
        self.validation_scores: list[float] = []
        self.n_iter = 0.0
        self.converged = False
        self.step_scale = 1.0
        # Patience counts from the first report: Adam's first steps may well lead below the start.
        self._reference, self._reference_iter = np.inf, 0.0
        self._recoveries = 0
        self.is_late = False
        self._deadline = deadline or Deadline()
        self._last_report = time.monotonic()

    def resume(self, variables: Sequence[tf.Variable] = ()) -> bool:
        """Go on from the last checkpoint of the run, if there are any; return whether it is of the run's end.

        Parameters
        ----------
        variables : sequence of tf.Variable
            What the solver remembers; checkpoints keep it with the program's parameters.
        """
        return self.checkpoints is not None and self.checkpoints.restore(self, variables)

    def finish(self) -> None:
        """Record that the run has ended."""
        if self.checkpoints is not None:
            self.checkpoints.save(finished=True)

    @property
    def history(self) -> dict[str, np.ndarray]:
        """All that the tracker remembers, as arrays by name."""
        best = {f"best_state{path}": value for path, value in self.best_state.items()}
        return best | {name: np.asarray(getattr(self, name)) for name in HISTORY}

    def recall(self, arrays: dict[str, np.ndarray]) -> None:
        """Remember what the :attr:`history` of a tracker was."""
        best = "best_state"
        self.best_state = {n.removeprefix(best): value for n, value in arrays.items() if n.startswith(best)}
        for name in HISTORY:
            setattr(self, name, arrays[name].tolist())

    def update(self, n_iter: float, loss: float) -> bool:
        """Record the loss per row of the program's present parameters; return whether to stop."""
        self.n_iter = n_iter
        self.iterations.append(n_iter)
        self.loss_curve.append(loss)
        criterion = loss
        if self.validate is not None:
            self.validation_scores.append(self.validate())
            criterion = -self.validation_scores[-1]
        if criterion < self.best_criterion:
            self.best_criterion = criterion
            self.best_state, self.best_loss = self.program.read(), loss
        if criterion < self._reference - self.tol:
            self._reference, self._reference_iter = criterion, n_iter
        self.converged = n_iter - self._reference_iter >= self.n_iter_no_change
        if self.checkpoints is not None:
            self.checkpoints.save()
        asked_to_stop = self.callback is not None and self.callback(Report(n_iter, loss))
        now = time.monotonic()
        pace, self._last_report = now - self._last_report, now
        self.is_late = self._deadline.remaining() < pace
        return self.converged or asked_to_stop or self.is_late

    def has_beaten(self, n_iter: float, loss: float) -> bool:
        """Whether another run that has this loss after ``n_iter`` is behind for good.

        It would have to gain from there on more than ``MAX_CATCH_UP`` times what this run has gained.
        """
        later = [own for i, own in zip(self.iterations, self.loss_curve, strict=True) if i >= n_iter]
        gain = max(0.0, later[0] - self.best_loss) if later else 0.0
        return loss - self.best_loss > MAX_CATCH_UP * gain + self.tol

    def recover(self) -> None:
        """Go back to the best parameters after a step that was not finite: with shorter steps from there on.

        If there is jitter, it grows as well: a covariance may be too near to singular, or steps too long
        (inducing inputs that move where there is next to no noise); which of the two it was is not known.

        Raises
        ------
        numpy.linalg.LinAlgError
            If there is more jitter already than can be excused, or it has gone back too often.
        """
        self.program.assign(self.best_state)
        self.step_scale *= SHORTENING
        if self.program.jitter is None:
            self._recoveries += 1
            if self._recoveries > MAX_RECOVERIES:
                raise np.linalg.LinAlgError(
                    f"The bound or its gradient was not finite {self._recoveries} times. Try a smaller "
                    "learning_rate, other starts of the parameters, or priors that hold them back."
                )
            return
        jitter = 10.0 * float(self.program.jitter)
        if jitter > MAX_JITTER:
            raise np.linalg.LinAlgError(
                "A covariance matrix of the experts or the gate is not positive definite, even with "
                f"{jitter / 10:g} added to its diagonal (at first {JITTER[self.program.structure.dtype]:g}). "
                'Try fewer inducing points (n_inducing), dtype="float64", a smaller learning_rate, a rougher '
                'kernel such as "matern32", or remove inputs that repeat one another.'
            )
        self.program.set_jitter(jitter)
        self.best_state = self.program.read()
