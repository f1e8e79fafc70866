"""Event files for TensorBoard of a model that is being trained, on GPflow's monitor.

:func:`make_monitor` makes a ``gpflow.monitor.Monitor`` for a loop of one's own, :class:`EventLog` goes around
the runs of an estimator.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.monitor import Monitor, MonitorTask, MonitorTaskGroup
from scipy.special import entr

from ..data.problem import Problem
from ..data.rows import Rows
from ..engine.curves import Curves
from ..engine.program import Program, State, log_prior_function, mixture_function
from ..engine.structure import Structure
from ..mixture_of_experts import MixtureOfExpertsBase
from ..plotting import close_figures, make_figures
from ..predictive import gaussian_mixture
from ..training.held_out import mean_log_density
from ..training.reports import Callback
from .events import EventFile, histogram, picture, scalar
from .model_predictor import ModelPredictor

__all__ = ["WriteEvents", "make_monitor"]

# Curves get this many points between two histograms, which cost more and change slowly.
HISTOGRAM_PERIODS = 10


def make_monitor(
    model: MixtureOfExpertsBase,
    log_dir,
    *,
    data=None,
    test_data=None,
    period: int = 10,
    image_period: int | None = None,
) -> Monitor:
    """Make a monitor that writes an event file for TensorBoard while a model is trained.

    Its parameters are always written: as curves where they have few elements, and as histograms.

    Parameters
    ----------
    model : MixtureOfExpertsBase
    log_dir : path-like
        Where to put the file. TensorBoard shows all files of one directory as one run.
    data : tuple of arrays (X, Y), (X, Y, weight) or (X, Y, weight, error), default=None
        Of shapes (N, D), (N, P), (N,) and (N, P), the last for standard deviations of known errors of Y.
        Training data, or some of it, for the bound (scaled to ``model.num_data`` rows, if that is set), the
        log prior and the experts' shares.
    test_data : tuple of arrays, of the same shapes, default=None
        Rows for the negative log predictive density, the root mean squared and the mean absolute error.
    period : int, default=10
        Steps between two points of a curve. Histograms are written every ten times as many.
    image_period : int, default=None
        Steps between two pictures of the model with the data. None draws none. They need Matplotlib.

    Returns
    -------
    gpflow.monitor.Monitor
        To be called with the number of a step and, by name, further numbers to write, such as ``loss=``.

    Raises
    ------
    ValueError
        If there are to be pictures but no data, or Y is no matrix.

    Examples
    --------
    >>> monitor = make_monitor(model, "logs/by_hand", data=data)  # doctest: +SKIP
    >>> for step in range(1, 1001):  # doctest: +SKIP
    ...     optimizer.minimize(loss, model.trainable_variables)
    ...     monitor(step)
    """
    if image_period is not None and data is None:
        raise ValueError("Expected data to draw with image_period, got None.")
    compiled = partial(tf.function, autograph=False)
    file, predictor, curves = EventFile(log_dir), ModelPredictor(model), Curves(model)
    names, pack, histograms = curves.names(), compiled(curves.pack), Histograms(model, compiled)
    rows = data and _own_rows(*data)
    test_rows = test_data and _own_rows(*test_data)
    objective = compiled(lambda: (model.elbo(tuple(rows)), model.log_prior_density()))

    def points(**numbers):
        values = [*_scalars(numbers), *_curves(names, pack())]
        if rows:
            bound, log_prior = objective()
            values += _scalars({"bound": bound, "log_prior": log_prior})
            values += _shares(predictor.mixture, rows, model.experts.num_experts)
        return values + (_errors(predictor.mixture, test_rows) if test_rows else [])

    tasks: list[tuple[Callable, int]] = [(points, period), (histograms, period * HISTOGRAM_PERIODS)]
    if image_period is not None:
        tasks.append((lambda **_: _drawn(make_figures(predictor, rows.X, rows.Y)), image_period))
    return Monitor(*(MonitorTaskGroup(WriteEvents(file, values), every) for values, every in tasks))


@dataclass(frozen=True)
class EventLog:
    """Writes event files of an estimator's runs, each to a directory of its own.

    Attributes
    ----------
    directory : path-like
        In it, a run gets a directory such as ``2_experts/natgrad_1``. If there is one already, of another
        fit, it gets ``2_experts/natgrad_1-2``, and so on.
    period : int
        Least number of steps between two points of a curve, which come with the run's reports. Those of the
        bound come with each.
    image_period : int or None
        Steps between two pictures.
    problem : Problem
        What the estimator is fitted to.
    steps_per_iter : int
        Of the solver.
    draw : callable ``(structure, state) -> dict of matplotlib Figures``
        Makes the pictures.
    """

    directory: str | os.PathLike
    period: int
    image_period: int | None
    problem: Problem
    steps_per_iter: int
    draw: Callable[[Structure, State], dict]

    @contextmanager
    def run(self, name: str, max_reports: int, program: Program) -> Iterator[Callback]:
        """Go around a run, see :mod:`sklearn_mogpe.training.reports`; never stops it."""
        place = Path(self.directory) / f"{program.structure.n_experts}_experts" / name.replace(" ", "_")
        file, names, pack = EventFile(_new(place)), program.curves.names(), program.get(_pack)

        def losses(report):
            # loss = -(bound + log prior) / N
            bound = -report.loss * self.problem.num_data - float(program.get(log_prior_function)())
            return _scalars({"loss": report.loss, "bound": bound})

        def curves(report):
            return _curves(names, pack()) + self._predictions(program)

        def pictures(report):
            return _drawn(self.draw(program.structure, program.read()))

        tasks = [(curves, self.period), (program.get(_histograms), self.period * HISTOGRAM_PERIODS)]
        if self.image_period is not None:
            tasks.append((pictures, self.image_period))
        write = Monitor(
            MonitorTaskGroup(WriteEvents(file, losses)),
            *(WhenDue(WriteEvents(file, values), every) for values, every in tasks),
        )

        def on_report(report):
            write(round(report.n_iter * self.steps_per_iter), report=report)
            return False

        try:
            yield on_report
        finally:
            file.close()

    def _predictions(self, program):
        def predict(X):
            return program.get(mixture_function)(program.tensor(X))

        held_out = self.problem.held_out
        values = _shares(predict, self.problem.sample, program.structure.n_experts)
        return values + (_errors(predict, held_out, self.problem.scales.Y.scale) if held_out else [])


class WhenDue(MonitorTaskGroup):
    """A group of tasks that is run at the first call at or after each multiple of its period."""

    _done = 0

    def __call__(self, step: int, **kwargs) -> None:
        """Call each task, if it is time."""
        if step // self._period > self._done:
            self._done = step // self._period
            for task in self.tasks:
                task(step, **kwargs)


class WriteEvents(MonitorTask):
    """A task for GPflow's monitor: write what a function gives to an event file.

    Parameters
    ----------
    file : EventFile
    values : callable ``(**numbers) -> list``
        Gets what the monitor is called with, and gives values of :mod:`~sklearn_mogpe.monitoring.events`.
    """

    def __init__(self, file: EventFile, values: Callable[..., list]):
        super().__init__()
        self.file, self.values = file, values

    def __call__(self, step: int, **numbers) -> None:
        """Write the values of a step."""
        self.current_step = step  # as it is: GPflow makes a tensor of it, which takes longer than the writing
        self.run(**numbers)

    def run(self, **numbers) -> None:
        """Write the values that the function gives for ``numbers``, at the present step."""
        self.file.write(self.current_step, self.values(**numbers))


class Histograms:
    """Histograms of all parameters of a model that are not a number.

    Parameters
    ----------
    model : gpflow.Module
    compiled : callable
        Compiles a function without arguments.
    """

    def __init__(self, model: gpflow.Module, compiled: Callable):
        self._parameters = {
            path[1:]: p
            for path, p in gpflow.utilities.parameter_dict(model).items()
            if isinstance(p, gpflow.Parameter) and p.shape.num_elements() != 1
        }
        self._read = compiled(self._values)

    def _values(self):
        return [
            # Of triangular matrices only what is not zero.
            p.unconstrained_variable.read_value()
            if isinstance(p.transform, tfp.bijectors.FillTriangular)
            else tf.convert_to_tensor(p)
            for p in self._parameters.values()
        ]

    def __call__(self, **_) -> list:
        """Make the histograms of the present values."""
        pairs = zip(self._parameters, (value.numpy().ravel() for value in self._read()), strict=True)
        return [histogram(f"histograms/{path}", value) for path, value in pairs if value.size > 1]


def _histograms(program):
    return Histograms(program.model, program.compile)


def _pack(program):
    return program.compile(program.curves.pack)


def _new(directory):
    """The directory, or one whose name has a number more, that is not there yet; it is made."""
    for number in itertools.count(1):
        new = directory if number == 1 else directory.with_name(f"{directory.name}-{number}")
        try:
            new.mkdir(parents=True)
        except FileExistsError:  # of another fit, perhaps of another process
            continue
        return new


def _own_rows(X, Y, weight=None, error=None):
    if np.ndim(Y) != 2:
        raise ValueError(f"Expected Y of shape (N, P), got {np.shape(Y)}; reshape it by Y[:, None].")
    parts = Rows(X, Y, np.ones(len(X)) if weight is None else weight, error)
    return Rows(*(np.asarray(part, gpflow.default_float()) for part in parts))


def _scalars(numbers):
    return [scalar(name, float(value)) for name, value in numbers.items()]


def _curves(names, values):
    pairs = zip(names, np.asarray(values).tolist(), strict=True)
    return [scalar(f"parameters/{name}", value) for name, value in pairs if name is not None]


def _shares(predict, rows, n_experts):
    """How much of the rows each expert has, and how undecided the gate is, in nats."""
    weights = gaussian_mixture.of_experts(predict(rows.X)[0].numpy(), n_experts)
    shares = np.average(weights, axis=0, weights=rows.weight)
    # H = -sum_k w_k log w_k
    entropy = np.average(np.sum(entr(weights), axis=1), weights=rows.weight)
    shares = {f"share/expert_{k}": share for k, share in enumerate(shares, 1)}
    return _scalars({**shares, "share/entropy": entropy})


def _errors(predict, rows, scale=1.0):
    """Scores of the predictions for some rows, in units ``1 / scale`` of theirs."""
    weights, means, variances = (part.numpy() for part in predict(rows.X))
    scale = np.broadcast_to(scale, rows.Y.shape[1])
    errors = (gaussian_mixture.mean(weights, means) - rows.Y) * scale
    scores = {
        "nlpd": np.log(scale).sum() - mean_log_density(rows, weights, means, variances),
        "rmse": np.sqrt(np.average(np.mean(errors**2, axis=1), weights=rows.weight)),
        "mae": np.average(np.mean(np.abs(errors), axis=1), weights=rows.weight),
    }
    return _scalars({f"held_out/{name}": score for name, score in scores.items()})


def _drawn(named):
    values = [picture(f"pictures/{name}", figure) for name, figure in named.items()]
    close_figures(named.values())
    return values
