"""Checkpoints of a fit on disk, from which the same fit goes on after it was killed."""

import io
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import tensorflow as tf

from .. import __version__
from ..data.problem import Problem
from ..descriptions.files import write_arrays, write_tables
from ..engine.program import Program, State

# Time between two checkpoints of a run, so that writing them costs little.
CHECKPOINT_SECONDS = 10.0

STARTS = "starts.npz"
DESCRIPTION = "estimator.toml"

Arrays = dict[str, np.ndarray]


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

    def starts(
        self, n_experts: int, find: Callable[[], list[State]], is_whole: Callable[[], bool]
    ) -> list[State]:
        """The starts for some number of experts, which are found once and then read from a file.

        Those of a search that is not whole are found anew.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        file = self._of(n_experts) / STARTS
        if not file.exists():
            found = find()
            if not is_whole():
                return found
            arrays = {f"{i}/{path}": value for i, state in enumerate(found) for path, value in state.items()}
            _try_to_write(file, arrays)
            return found
        try:
            arrays = _read(file)
        except DAMAGES as error:
            raise ValueError(f"{file} is damaged ({error}). Delete it to search for starts anew.") from error
        states: list[State] = []
        while own := _within(str(len(states)), arrays):
            states.append(own)
        return states

    def run(self, n_experts: int, name: str, program: Program) -> "RunCheckpoints":
        """The checkpoints of one of the runs that are trained to the end."""
        return RunCheckpoints(self._of(n_experts) / name.replace(" ", "-"), program, self._max_to_keep)

    def _of(self, n_experts):
        return self.directory / f"{n_experts}-experts"


def make_checkpoints(
    directory, max_to_keep: int, problem: Problem, settings, structures, start: State | None
) -> Checkpoints:
    """Make the checkpoints of a fit that is known by its data and by everything that decides its result.

    Parameters
    ----------
    directory : path-like
    max_to_keep : int
        Checkpoints of each run.
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
    data = {name: value for name, value in vars(problem).items() if name != "draw"}
    kept = [structure.to_dict() for structure in structures]
    return Checkpoints(directory, max_to_keep, data, replace(settings, verbose=0), kept, start)


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
        self._tracker, self._variables, self._saved = tracker, variables, time.monotonic()
        files = self._files()
        for file in reversed(files):
            try:
                arrays = _read(file)
            except DAMAGES:
                continue
            if file != files[-1]:
                warnings.warn(
                    f"The last checkpoint in {self._directory} is damaged; going on from {file.name}.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            self._program.assign(_within("model", arrays))
            for variable, value in zip(variables, _within("optimizer", arrays).values(), strict=True):
                variable.assign(value)
            tracker.recall(_within("history", arrays))
            return bool(arrays["finished"])
        if files:
            raise ValueError(
                f"All checkpoints in {self._directory} are damaged. Delete them to begin the run anew."
            )
        return False

    def save(self, *, finished: bool = False) -> None:
        """Write a checkpoint of the run as it is, if the last is old enough or the run has ended."""
        if not finished and time.monotonic() - self._saved < CHECKPOINT_SECONDS:
            return
        arrays = {f"model/{path}": value for path, value in self._program.read().items()}
        arrays |= {f"optimizer/{i}": variable.numpy() for i, variable in enumerate(self._variables)}
        arrays |= {f"history/{name}": value for name, value in self._tracker.history.items()}
        files = self._files()
        number = _number(files[-1]) + 1 if files else 1
        file = self._directory / f"checkpoint-{number}.npz"
        if _try_to_write(file, {**arrays, "finished": np.asarray(finished)}):
            for old in files[: max(0, len(files) + 1 - self._max_to_keep)]:
                old.unlink()
        self._saved = time.monotonic()

    def _files(self):
        return sorted(self._directory.glob("checkpoint-*.npz"), key=_number)


def _number(file):
    return int(file.stem.rpartition("-")[2])


# Raised of files that are not as they were written: the reader takes some for encrypted, or for newer ones.
DAMAGES = OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error

# Under which name a file has the names of all its arrays: sums of the archive's own protect each array only.
NAMES = "names"


def _try_to_write(file: Path, arrays: Arrays) -> bool:
    """Write arrays into a file; a disk that is full does not end a fit."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(file, **arrays, **{NAMES: np.array(sorted(arrays))})
    except OSError as error:
        message = f"Could not write {file} ({error}); the fit goes on without. Make room on the disk."
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return False
    return True


def _read(file: Path) -> Arrays:
    with np.load(io.BytesIO(file.read_bytes())) as archive:
        arrays = {name: archive[name][()] for name in archive}  # numbers are not arrays in a State
    names = arrays.pop(NAMES).tolist()
    if sorted(arrays) != names:
        raise ValueError(f"expected the arrays {names}, got {sorted(arrays)}")
    return arrays


def _within(group: str, arrays: Arrays) -> Arrays:
    """The arrays of a group, by their names in it."""
    start = f"{group}/"
    return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}
