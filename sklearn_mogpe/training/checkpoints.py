"""Checkpoints of a fit on disk, from which the same fit goes on after it was killed."""

import io
import os
import re
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import tensorflow as tf

from .. import __version__
from ..descriptions.files import write_tables
from ..engine.program import Program, State

# Time between two checkpoints of a run, so that writing them costs little.
CHECKPOINT_SECONDS = 10.0

STARTS = "starts.npz"
DESCRIPTION = "estimator.toml"


class Checkpoints:
    """The checkpoints of one fit, in a directory of its own.

    Parameters
    ----------
    directory : path-like
        Which fits may share.
    max_to_keep : int
        Checkpoints of each run.
    *identity
        All that the fit depends on; fits that differ in it know nothing of one another.

    Raises
    ------
    ValueError
        If the identity cannot be hashed.
    """

    def __init__(self, directory, max_to_keep: int, *identity):
        try:
            fingerprint = joblib.hash((__version__, identity))
        except Exception as error:
            raise ValueError(
                "Expected a fit with checkpoint_dir to be known by what can be pickled, but its parameters "
                f"cannot: {error}. Define a kernel's callable at the top of a module."
            ) from error
        self.directory, self._max_to_keep = Path(directory) / fingerprint, max_to_keep

    def describe(self, tables: dict) -> None:
        """Write down what is being fitted, as a TOML file."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_tables(self.directory / DESCRIPTION, tables)

    def starts(self, n_experts: int, find: Callable[[], list[State]]) -> list[State]:
        """The starts for some number of experts, which are found once and then read from a file.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        file = self._of(n_experts) / STARTS
        if not file.exists():
            states = find()
            file.parent.mkdir(parents=True, exist_ok=True)
            arrays = {f"{i}{path}": value for i, state in enumerate(states) for path, value in state.items()}
            new = file.with_name(f"{os.getpid()}-{STARTS}")
            np.savez(new, **arrays)
            new.replace(file)  # at once: who is killed while writing leaves no part of a file
            return states
        try:
            with np.load(io.BytesIO(file.read_bytes())) as arrays:
                numbered = [(*re.fullmatch(r"(\d+)(.*)", name).groups(), arrays[name][()]) for name in arrays]
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{file} is damaged ({error}). Delete it to search for starts anew.") from error
        states = [{} for _ in {number for number, _, _ in numbered}]
        for number, path, value in numbered:
            states[int(number)][path] = value
        return states

    def run(self, n_experts: int, name: str, program: Program) -> "RunCheckpoints":
        """The checkpoints of one of the runs that are trained to the end."""
        return RunCheckpoints(self._of(n_experts) / name.replace(" ", "-"), program, self._max_to_keep)

    def _of(self, n_experts):
        return self.directory / f"{n_experts}-experts"


def make_checkpoints(
    directory, max_to_keep: int, scales, problem, settings, structures, start: State | None
) -> Checkpoints:
    """Make the checkpoints of a fit that is known by its data and by everything that decides its result.

    Parameters
    ----------
    directory : path-like
    max_to_keep : int
        Checkpoints of each run.
    scales : Scales
        Of all rows, whatever the scales of the problem: a change in any row changes them.
    problem, settings, structures, start
        As for :func:`~sklearn_mogpe.training.selection.train_best`.

    Raises
    ------
    ValueError
        Within the scope of a ``tf.distribute`` strategy of several replicas, whose processes would write at
        different steps; or if the fit cannot be hashed.
    """
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if n_replicas > 1:
        raise ValueError(
            f"Expected no checkpoint_dir within the scope of a strategy of {n_replicas} replicas, got "
            f"{str(directory)!r}; set checkpoint_dir=None."
        )
    return Checkpoints(
        directory,
        max_to_keep,
        scales,
        problem._replace(draw=None),
        replace(settings, verbose=0, options=settings.options._replace(trace_every=None)),
        [structure.to_dict() for structure in structures],
        start,
    )


class RunCheckpoints:
    """The checkpoints of one run: the model's and the optimiser's variables, and the tracker's history.

    Parameters
    ----------
    directory : Path
    program : Program
    max_to_keep : int
    """

    def __init__(self, directory: Path, program: Program, max_to_keep: int):
        self._directory, self._program, self._max_to_keep = directory, program, max_to_keep

    def restore(self, tracker, variables: Sequence[tf.Variable]) -> bool:
        """Restore the last checkpoint that is whole, if there are any, and return whether the run had ended.

        Parameters
        ----------
        tracker : Tracker
        variables : sequence of tf.Variable
            Of the optimiser.

        Raises
        ------
        ValueError
            If no checkpoint is whole.
        """
        self._history = _History(tracker)
        self._checkpoint = tf.train.Checkpoint(
            model=self._program.model, optimizer=list(variables), history=self._history
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(self._directory), max_to_keep=self._max_to_keep
        )
        self._saved = time.monotonic()
        # Not as the manager's own list says: that may be damaged, too.
        paths = sorted((path.with_suffix("") for path in self._directory.glob("ckpt-*.index")), key=_number)
        damaged = None
        for path in reversed(paths):
            try:
                self._checkpoint.restore(str(path)).assert_consumed()
            except (tf.errors.OpError, AssertionError, LookupError, RuntimeError, ValueError) as error:
                damaged = error  # TensorFlow's readers raise all of these
                continue
            if damaged:
                warnings.warn(
                    f"The last checkpoint in {self._directory} is damaged; going on from {path.name}.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return self._history.finished
        if damaged:
            raise ValueError(
                f"All checkpoints in {self._directory} are damaged. Delete them to begin the run anew."
            ) from damaged
        return False

    def save(self, *, finished: bool = False) -> None:
        """Write a checkpoint of the run as it is, if the last is old enough or the run has ended."""
        if finished or time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            self._history.finished = finished
            self._manager.save()
            self._saved = time.monotonic()


def _number(path):
    return int(path.name.rpartition("-")[2])


class _History(tf.train.experimental.PythonState):
    """What a tracker remembers, as one of the values in a checkpoint."""

    def __init__(self, tracker):
        self._tracker = tracker
        self.finished = False

    def serialize(self):
        file = io.BytesIO()
        np.savez(file, finished=self.finished, **self._tracker.history)
        return file.getvalue()

    def deserialize(self, string_value):
        with np.load(io.BytesIO(string_value)) as arrays:
            history = {name: arrays[name][()] for name in arrays}  # numbers are not arrays in a State
        self.finished = bool(history.pop("finished"))
        self._tracker.recall(history)
