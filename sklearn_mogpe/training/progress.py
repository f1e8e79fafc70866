"""Progress of a fit: on a terminal, in a notebook, or as plain lines in a file."""

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from importlib import import_module

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from ..engine.devices import describe_device

Show = Callable[[float, float], None]

# An expert with less than this share of the rows is one that the mixture does without.
SMALL_SHARE = 1e-3

# Seconds between two looks at a run: on a terminal and in a notebook, and in a file, which keeps all of them.
LIVE_PAUSE, LINE_PAUSE = 0.25, 10.0

# Columns of a bar, if there is room beside the line.
MIN_BAR, MAX_BAR = 5, 20


class Progress:
    """Shows the device, the run that is on, and one line for each run that has ended.

    Parameters
    ----------
    verbose : int
        0 shows nothing.
    device : str
        Where the training runs.
    """

    def __init__(self, verbose: int, device: str):
        self._device = device
        self._view = _view() if verbose > 0 else _View()
        self._run: _Run | None = None

    def __enter__(self) -> "Progress":
        self._view.open()
        self._view.say(f"training on {describe_device(self._device)}")
        return self

    def __exit__(self, *exception) -> None:
        self._end_run()
        self._view.close()

    def start(self, name: str, max_iter: int) -> Show:
        """End the run before and show a new one; call the result with the iteration and the loss per row."""
        self._end_run()
        run = self._run = _Run(name, max_iter)
        self._view.show(run)

        def show(n_iter, loss):
            run.look(n_iter, loss)
            self._view.show(run)

        return show

    def tell_shares(self, shares: Sequence[float]) -> None:
        """Say what part of the rows each expert speaks for, and which experts are not needed."""
        self._end_run()
        self._view.say("shares of the rows: " + ", ".join(f"{share:.1%}" for share in shares))
        for number, share in enumerate(shares, 1):
            if share < SMALL_SHARE:
                self._view.say(f"expert {number} speaks nowhere: fewer experts say the same")

    def _end_run(self):
        if self._run is not None:
            self._view.end(self._run)
            self._run = None


class _Run:
    """A run's name, how far it is, its bound per row once there is one, and its times."""

    def __init__(self, name, max_iter):
        self.name, self.max_iter = name, max_iter
        self.n_iter, self.bound = 0.0, None
        self._start = self._last = time.monotonic()
        self._first_look = None

    def look(self, n_iter, loss):
        """Note how far it is."""
        self.n_iter, self.bound, self._last = n_iter, -loss, time.monotonic()
        if self._first_look is None:
            self._first_look = n_iter, self._last

    def line(self, is_on=True):
        """All in one line; for a run that is on with the time until now and that to go."""
        bound = "starting" if self.bound is None else f"bound {self.bound:.4f} per row"
        elapsed = _clock((time.monotonic() if is_on else self._last) - self._start)
        to_go = self._to_go() if is_on else None
        end = "" if to_go is None else f", {_clock(to_go)} to go"
        count = f"{int(self.n_iter)}/{self.max_iter}"
        return f"{self.name:<18} {count:>7}  {bound}  {elapsed}{end}"

    def _to_go(self):
        """Seconds, at the pace since the first look: before it, graphs are traced. None if not known yet."""
        n_first, first = self._first_look or (self.n_iter, self._last)
        if self.n_iter <= n_first:
            return None
        ends = self._last + (self.max_iter - self.n_iter) * (self._last - first) / (self.n_iter - n_first)
        return max(0.0, ends - time.monotonic())


def _clock(seconds):
    return str(timedelta(seconds=round(seconds)))


class _View:
    """Where progress is seen; this one is for silence."""

    def open(self):
        """Begin."""

    def close(self):
        """Leave what was said, and nothing else."""

    def say(self, line):
        """Add a line that stays."""

    def show(self, run):
        """Show a run that is on, in place of what was shown of it before."""

    def end(self, run):
        """Say how far a run has come, unless nobody has looked at it."""
        if run.bound is not None:
            self.say(run.line(is_on=False))


class _Lines(_View):
    """Plain lines on the standard error, for files, pipes and all that cannot go back to an earlier line."""

    def __init__(self):
        self._last = 0.0

    def say(self, line):
        self._last = time.monotonic()
        # No fit is lost for want of somebody to tell: the stream may be closed, or the disk full.
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    def show(self, run):
        if time.monotonic() - self._last >= LINE_PAUSE:
            self.say(run.line())


class _Terminal(_View):
    """Lines, and below them the run that is on."""

    def __init__(self, console):
        self._run = None
        self._live = Live(
            console=console,
            get_renderable=self._renderable,
            refresh_per_second=1.0 / LIVE_PAUSE,
            transient=True,
            redirect_stdout=_is_terminal(sys.stdout),  # what is printed into a file stays there
        )

    def open(self):
        self._live.start()

    def close(self):
        self._live.stop()

    def say(self, line):
        self._live.console.print(self._squeezed(line), markup=False, highlight=False, emoji=False)

    def show(self, run):
        self._run = run

    def end(self, run):
        self._run = None
        self._live.refresh()
        super().end(run)

    def _renderable(self):
        run = self._run  # once: this runs in a thread of its own
        if run is None:
            return ""
        line = self._squeezed(run.line())
        cells, room = [line], self._live.console.width - len(line) - 1
        if room >= MIN_BAR:
            cells.append(ProgressBar(total=run.max_iter, completed=run.n_iter, width=min(room, MAX_BAR)))
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_row(*cells)
        return grid

    def _squeezed(self, line):
        """A line without its alignment where the terminal is too narrow for that."""
        return line if len(line) <= self._live.console.width else " ".join(line.split())


class _Notebook(_View):
    """One output of a cell, as plain text that is updated in place, which takes no widgets."""

    def __init__(self):
        self._lines, self._run, self._handle, self._last = [], None, None, 0.0

    def say(self, line):
        self._lines.append(line)
        self._publish()

    def show(self, run):
        if run is not self._run or time.monotonic() - self._last >= LIVE_PAUSE:
            self._run = run
            self._publish()

    def end(self, run):
        self._run = None
        super().end(run)

    def close(self):
        self._publish()

    def _publish(self):
        self._last = time.monotonic()
        lines = [*self._lines, self._run.line()] if self._run else self._lines
        text = {"text/plain": "\n".join(lines)}
        if self._handle is None:
            display = import_module("IPython.display").display
            self._handle = display(text, raw=True, display_id=True)
        else:
            self._handle.update(text, raw=True)


def _view():
    """The view that is right where this process and thread write to.

    Whether that is a terminal is asked of the stream itself: rich would also believe FORCE_COLOR, which
    ipykernel sets for all processes below it, and many servers for all their logs. Workers and other threads
    may share a terminal, on which only one can have a live line.
    """
    is_alone = (
        multiprocessing.parent_process() is None and threading.current_thread() is threading.main_thread()
    )
    if not is_alone:
        return _Lines()
    if _is_in_kernel():
        # Spyder's console says that it is a terminal, but it neither goes back nor updates an output.
        return _Lines() if "spyder_kernels" in sys.modules else _Notebook()
    console = Console(stderr=True, force_jupyter=False)
    # Behind rich's proxy, somebody else's live line is on already.
    if _is_terminal(sys.stderr) and console.is_interactive and not isinstance(sys.stderr, FileProxy):
        return _Terminal(console)
    return _Lines()


def _is_in_kernel():
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _is_terminal(stream):
    with suppress(AttributeError, ValueError):  # there may be no stream, or a closed one
        return stream.isatty()
    return False
