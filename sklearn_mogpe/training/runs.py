"""The training runs of one fit."""

from operator import attrgetter

from ..engine.program import Candidate, Program
from .deadline import Deadline
from .progress import Progress
from .reports import Callback
from .tracking import Tracker


class Runs:
    """The runs of a fit on one program, each with a tracker and a line of the progress.

    Parameters
    ----------
    program : Program
    progress : Progress
    deadline : Deadline

    Attributes
    ----------
    deadline : Deadline
    trackers : list of Tracker
        Of the runs that count.
    """

    def __init__(self, program: Program, progress: Progress, deadline: Deadline):
        self._program, self._progress, self.deadline = program, progress, deadline
        self.trackers: list[Tracker] = []

    def track(
        self,
        name: str,
        candidate: Candidate,
        max_iter: int,
        callback: Callback | None = None,
        rival: Tracker | None = None,
        **stopping,
    ) -> Tracker:
        """Begin a run: give the program a candidate's parameters, and make its tracker.

        Parameters
        ----------
        name : str
        candidate : Candidate
        max_iter : int
        callback : callable, default=None
            Gets each report, and says whether to stop.
        rival : Tracker, default=None
            Of the best run so far; the new one stops when it is clearly behind.
        **stopping
            For the tracker.
        """
        self._program.assign(candidate.state)
        show = self._progress.start(name, max_iter)

        def on_report(report):
            asked_to_stop = callback is not None and callback(report)
            show(report.n_iter, report.loss)
            return asked_to_stop or (rival is not None and rival.has_beaten(report.n_iter, report.loss))

        tracker = Tracker(self._program, candidate, callback=on_report, deadline=self.deadline, **stopping)
        self.trackers.append(tracker)
        return tracker

    @property
    def leader(self) -> Tracker | None:
        """The tracker with the lowest loss, if there is any."""
        return min(self.trackers, key=attrgetter("best_loss"), default=None)
