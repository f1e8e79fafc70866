"""What the estimator's ways to be fitted have in common: rows in, fitted attributes out."""

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from copy import copy
from functools import partial, wraps
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from ..data import fitted_state
from ..data.checks import check_sample_weight, check_y_std, warn_of_weights
from ..data.isolation import isolated
from ..data.numeric import check_numeric
from ..data.problem import FEW, Problem, make_problem, number_of_points
from ..data.rows import WHOLE_DATA_ROWS, Rows, distinct_rows
from ..data.stream import Stream
from ..descriptions.errors import ConfigurationError
from ..descriptions.files import describe_estimator
from ..descriptions.read import Descriptions, read_descriptions
from ..plotting import make_figures
from ..plotting.canvas import load_pyplot
from ..plotting.grid import table_like
from .callbacks import FitTasks

State = dict[str, Any]

# Of a structure and parameters.
Attributes = Callable[[Any, Any], dict[str, Any]]


def _all_or_nothing(fit: Callable[..., None]) -> Callable[..., None]:
    """Let a fit that fails leave the estimator as it was, fitted or not."""

    @wraps(fit)
    def whole(estimator: Any, *args: Any, **options: Any) -> None:
        before = dict(vars(estimator))
        try:
            fit(estimator, *args, **options)
        except BaseException:
            for name in vars(estimator).keys() - before:
                delattr(estimator, name)
            vars(estimator).update(before)
            raise

    return whole


@isolated
@_all_or_nothing
def fit_rows(estimator: Any, data: tuple[Any, ...], last: State | None, *, one_pass: bool = False) -> None:
    """Fit an estimator to arrays.

    Parameters
    ----------
    estimator : MoGPERegressor
        Gets the fitted attributes.
    data : tuple (X, y, sample_weight, y_std)
        As for ``fit``.
    last : dict or None
        State of the fit to go on from.
    one_pass : bool, default=False
        Pass once over the rows, in mini-batches; they add to those that the last fit has seen.
    """
    if not one_pass:
        _check_checkpoints(estimator)
    descriptions = read_descriptions(estimator)
    if one_pass and last is None:
        descriptions = descriptions.settled()
    min_rows = 2 if last is None else 1
    rows = _check_rows(estimator, *data, reset=last is None, min_rows=min_rows)
    warn_of_weights(rows.weight)
    few = len(rows.X) <= WHOLE_DATA_ROWS
    if few:
        rows = distinct_rows(rows)
    from ..training.settings import choose_solver, make_settings  # import TensorFlow, which takes seconds

    solver = choose_solver(estimator, descriptions, *rows.X.shape, in_batches=one_pass)
    problem = _make_problem(
        estimator,
        descriptions,
        rows,
        last,
        whole=few or not solver.in_batches,
        held_out_fraction=estimator.validation_fraction if estimator.early_stopping else 0.0,
        n_before=last["n_rows"] if one_pass and last is not None else 0,
    )
    max_iter = 1 if one_pass else estimator.max_iter
    settings = make_settings(estimator, descriptions, problem.n_rows, solver, max_iter)
    checkpoint_dir = None if one_pass else estimator.checkpoint_dir
    _train(estimator, descriptions, problem, settings, data, last, checkpoint_dir)


@isolated
@_all_or_nothing
def fit_batches(estimator: Any, batches: Iterable[Any], n_rows: int | None, last: State | None) -> None:
    """Fit an estimator to a stream of batches; see :func:`fit_rows` and its ``fit_stream``."""
    _check_checkpoints(estimator)
    if estimator.solver == "lbfgs":
        raise ValueError(
            'Expected a solver that takes mini-batches for a stream, "natgrad" or "adam", got "lbfgs".'
        )
    if estimator.early_stopping:
        raise ValueError(
            "Expected early_stopping=False for a stream: rows that are held out cannot be told from "
            "others when they come again. Keep rows aside, and compare by score_samples."
        )

    def check(*batch: Any, is_first: bool) -> Rows:
        return _check_rows(estimator, *batch, reset=is_first and last is None)

    with closing(Stream(batches, n_rows, check)) as stream:
        warn_of_weights(stream.head.weight)
        descriptions, head = read_descriptions(estimator), stream.head
        if stream.one_pass and last is None:
            descriptions = descriptions.settled()
        from ..training.settings import choose_solver, make_settings

        n_features = head.X.shape[1]
        solver = choose_solver(estimator, descriptions, stream.n_rows, n_features, in_batches=True)
        problem = _make_problem(estimator, descriptions, head, last, whole=False, stream=stream)
        max_iter = 1 if stream.one_pass else estimator.max_iter
        settings = make_settings(estimator, descriptions, problem.n_rows, solver, max_iter)
        data = stream.first_batch
        _train(estimator, descriptions, problem, settings, data, last, estimator.checkpoint_dir)


def _check_checkpoints(estimator: Any) -> None:
    if estimator.checkpoint_dir is not None and not isinstance(estimator.random_state, Integral):
        raise ValueError(
            "Expected an integer as random_state with checkpoint_dir, since a fit that draws other random "
            f"numbers is another fit, got {estimator.random_state!r}; set random_state=0, say."
        )


def _check_pictures(estimator: Any) -> None:
    if estimator.image_period is None:
        return
    if estimator.log_dir is None:
        raise ValueError(
            f"Expected log_dir with image_period={estimator.image_period}, got None; name a directory for "
            "the pictures."
        )
    load_pyplot()  # if it is missing, now is the time to say so


def _check_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    y_std: Any = None,
    *,
    reset: bool,
    min_rows: int = 1,
) -> Rows:
    check_numeric(X, "X")
    check_numeric(y, "y")
    X, y = validate_data(
        estimator,
        X,
        y,
        reset=reset,
        multi_output=True,
        y_numeric=True,
        dtype=(np.float64, np.float32),
        ensure_min_samples=min_rows,
    )
    y = check_array(y, ensure_2d=False, dtype=(np.float64, np.float32), input_name="y")
    Y = y[:, None] if y.ndim == 1 else y
    return Rows(X, Y, check_sample_weight(sample_weight, X), check_y_std(y_std, Y))


def _make_problem(
    estimator: Any, descriptions: Descriptions, rows: Rows, last: State | None, **options: Any
) -> Problem:
    if last is not None and rows.Y.shape[1] != estimator.n_outputs_:
        raise ValueError(
            f"Expected y with {estimator.n_outputs_} outputs, as in the last fit, got {rows.Y.shape[1]}."
        )
    n_rows = FEW if descriptions.are_given else len(rows.X)
    n_inducing = number_of_points(estimator.n_inducing, n_rows, rows.X.shape[1])
    if descriptions.are_given:
        n_inducing = descriptions.n_inducing(n_inducing)
    if last is not None:  # its inducing points stay as many as they are, however many rows there are now
        used = estimator.n_inducing_
        is_open = estimator.n_inducing == "auto" and not descriptions.are_given
        n_inducing = used if is_open else min(n_inducing, used)
    return make_problem(
        rows,
        normalize_y=estimator.normalize_y,
        scales=None if last is None else fitted_state.scales(last),
        n_inducing=n_inducing,
        random_state=check_random_state(estimator.random_state),
        **options,
    )


def _train(
    estimator: Any,
    descriptions: Descriptions,
    problem: Problem,
    settings: Any,
    data: Any,
    last: State | None,
    checkpoint_dir: Any,
) -> None:
    from ..training.deadline import Deadline
    from ..training.selection import train_best
    from ..training.settings import make_structures

    deadline = Deadline(estimator.max_time)

    _check_pictures(estimator)
    structures = make_structures(estimator, descriptions, problem, last)
    start = last and last["parameters"]
    y = data[1] if hasattr(data[1], "shape") else np.asarray(data[1])
    attributes = partial(_attributes, problem, len(y.shape) == 1)
    checkpoints = None
    if checkpoint_dir is not None:
        checkpoints = _make_checkpoints(estimator, problem, settings, structures, start)
    tasks = FitTasks(estimator, attributes, *data)
    callback = _with_log(estimator, tasks.run, attributes, problem, settings, data[0])
    best = train_best(structures, problem, settings, deadline, start, callback, checkpoints)
    fit = best.fit
    tasks.end(best.structure, fit.state)
    vars(estimator).update(
        attributes(best.structure, fit.state),
        n_experts_scores_=best.scores,
        n_iter_=fit.n_iter,
        converged_=fit.converged,
        lower_bound_=fit.lower_bound,
        loss_curve_=fit.loss_curve,
        loss_iterations_=fit.iterations,
        validation_scores_=fit.validation_scores,
    )


def _make_checkpoints(estimator: Any, *known_by: Any) -> Any:
    from ..training.checkpoints import make_checkpoints

    checkpoints = make_checkpoints(estimator.checkpoint_dir, estimator.n_checkpoints, *known_by)
    with suppress(ConfigurationError):  # what no file can hold, such as a function, is not described
        checkpoints.describe({"estimator": describe_estimator(estimator)})
    return checkpoints


def _with_log(
    estimator: Any, callback: Any, attributes: Attributes, problem: Problem, settings: Any, X: Any
) -> Any:
    """A callback, together with that which writes event files, if these are asked for."""
    if estimator.log_dir is None:
        return callback
    from ..monitoring.event_log import EventLog
    from ..training.reports import together

    log = EventLog(
        estimator.log_dir,
        estimator.log_period,
        estimator.image_period,
        problem,
        settings.options.steps_per_iter,
        _drawing(estimator, attributes, problem, X),
    )
    return together(callback, log.run)


def _drawing(estimator: Any, attributes: Attributes, problem: Problem, X: Any) -> Callable[..., Any]:
    """What draws an estimator with given parameters, and some of the rows that it is fitted to."""
    inputs = problem.scales.X.inverse_transform(problem.sample.X)
    if hasattr(estimator, "feature_names_in_"):
        inputs = table_like(X, inputs.T, estimator.feature_names_in_)
    targets = problem.scales.Y.inverse_transform(problem.sample.Y)

    def draw(structure: Any, parameters: Any) -> dict[str, Any]:
        fitted = copy(estimator)
        vars(fitted).update(attributes(structure, parameters), loss_curve_=[])
        return make_figures(fitted, inputs, targets)

    return draw


def _attributes(problem: Problem, flat_output: bool, structure: Any, parameters: Any) -> dict[str, Any]:
    """What makes an estimator one that is fitted."""
    return {
        "_state": fitted_state.make(
            structure.to_dict(), parameters, problem.num_data, problem.scales, flat_output
        ),
        "n_outputs_": structure.n_outputs,
        "n_experts_": structure.n_experts,
        "n_inducing_": problem.n_inducing,
    }
