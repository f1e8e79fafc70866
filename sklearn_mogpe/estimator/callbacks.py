"""Callbacks of scikit-learn 1.9 and later, around a fit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class FitTasks:
    """One fit and its tasks, as scikit-learn's callbacks see them.

    A fit has a task for each training run, and a run has one for each report.

    Parameters
    ----------
    estimator : estimator
        Without callbacks, or with a scikit-learn that knows none, nothing here does anything.
    attributes : callable ``(structure, parameters) -> dict``
        Makes the attributes of a fitted estimator.
    X, y, sample_weight, y_std
        What it is fitted to, or the first batch of that.
    """

    def __init__(
        self,
        estimator: Any,
        attributes: Callable[..., Any],
        X: Any,
        y: Any,
        sample_weight: Any = None,
        y_std: Any = None,
    ):
        self._attributes = attributes
        self._data = {"estimator": estimator, "X": X, "y": y}
        metadata = {"sample_weight": sample_weight, "y_std": y_std}
        if given := {name: value for name, value in metadata.items() if value is not None}:
            self._data["metadata"] = given
        self._root = None
        if hasattr(estimator, "_skl_callbacks"):
            self._root = estimator._init_callback_context(max_subtasks=None)
            self._root.call_on_fit_task_begin(**self._data)

    @contextmanager
    def run(self, name: str, max_reports: int, program: Any) -> Iterator[Callable[..., bool]]:
        """Go around a training run, see :mod:`sklearn_mogpe.training.reports`.

        The present parameters are read only if a callback asks for them.
        """
        if self._root is None:
            yield lambda report: False
            return
        run = self._root.subcontext(task_name=name, max_subtasks=max_reports)
        run.call_on_fit_task_begin(**self._data)

        def on_report(report: Any) -> bool:
            task = run.subcontext(task_name="iterations")
            task.call_on_fit_task_begin(**self._data)
            return self._end(task, program.structure, program.read)

        yield on_report
        run.call_on_fit_task_end(**self._data)

    def end(self, structure: Any, parameters: Any) -> None:
        """End the fit, with what it resulted in."""
        if self._root is not None:
            self._end(self._root, structure, lambda: parameters)

    def _end(self, task: Any, structure: Any, read: Callable[[], Any]) -> bool:
        return task.call_on_fit_task_end(
            **self._data, reconstruction_attributes=lambda: self._attributes(structure, read())
        )
