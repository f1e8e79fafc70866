"""Progress of a fit on the terminal."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from ..engine.devices import describe_device

Show = Callable[[float, float], None]

# An expert with less than this share of the rows is one that the mixture does without.
SMALL_SHARE = 1e-3


class Progress:
    """Shows the device and one line for each training run: its name, how far it is, and the bound per row.

    Parameters
    ----------
    verbose : int
        0 shows nothing.
    device : str
        Where the training runs.
    """

    def __init__(self, verbose: int, device: str):
        self._device = device
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("bound {task.fields[bound]:.4f} per row"),
            TimeElapsedColumn(),
            TextColumn("to go"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=verbose <= 0,
        )

    def __enter__(self) -> "Progress":
        if not self._bars.disable:
            self._bars.console.print(f"training on {describe_device(self._device)}", highlight=False)
        self._bars.start()
        return self

    def __exit__(self, *exception) -> None:
        self._bars.stop()

    def start(self, name: str, max_iter: int) -> Show:
        """Add a line; call the result with the iteration and the loss per row."""
        task = self._bars.add_task(name, total=max_iter, bound=float("nan"))
        return lambda n_iter, loss: self._bars.update(task, completed=n_iter, bound=-loss)

    def tell_shares(self, shares: Sequence[float]) -> None:
        """Say what part of the rows each expert speaks for, and which experts are not needed."""
        self._bars.console.print("shares of the rows: " + ", ".join(f"{share:.1%}" for share in shares))
        for number, share in enumerate(shares, 1):
            if share < SMALL_SHARE:
                self._bars.console.print(f"expert {number} speaks nowhere: fewer experts say the same")
