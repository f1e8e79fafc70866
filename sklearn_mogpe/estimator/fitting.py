"""What the estimator's ways to be fitted have in common: rows in, fitted attributes out."""

from collections.abc import Iterable
from contextlib import closing, suppress
from copy import copy
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from ..data import fitted_state
from ..data.rows import (
    WHOLE_DATA_ROWS,
    Rows,
    check_sample_weight,
    distinct_rows,
    fit_scales,
    make_problem,
    number_of_points,
)
from ..data.stream import Stream
from ..descriptions.errors import ConfigurationError
from ..descriptions.files import describe_estimator
from ..descriptions.read import read_descriptions
from ..plotting import make_figures
from ..plotting.canvas import load_pyplot
from ..plotting.grid import table_like
from .callbacks import FitTasks


def fit_rows(estimator, X, y, sample_weight, last: dict | None, *, one_pass: bool = False) -> None:
    """Fit an estimator to arrays.

    Parameters
    ----------
    estimator : MoGPERegressor
        Gets the fitted attributes.
    X, y, sample_weight
        As for ``fit``.
    last : dict or None
        State of the fit to go on from.
    one_pass : bool, default=False
        Pass once over the rows, in mini-batches; they add to those that the last fit has seen.
    """
    if not one_pass:
        _check_checkpoints(estimator)
    descriptions = read_descriptions(estimator)
    min_rows = 2 if last is None else 1
    rows = _check_rows(estimator, X, y, sample_weight, reset=last is None, min_rows=min_rows)
    whole = len(rows.X) <= WHOLE_DATA_ROWS
    if whole:
        rows = distinct_rows(rows)
    solver = _solver(estimator, descriptions, *rows.X.shape, in_batches=one_pass)
    whole |= solver in ("natgrad", "lbfgs")
    n_before = last["n_rows"] if one_pass and last is not None else 0
    problem = _make_problem(estimator, descriptions, rows, last, whole=whole, n_before=n_before)
    checkpoint_dir = None if one_pass else estimator.checkpoint_dir
    data = X, y, sample_weight
    _train(estimator, descriptions, rows, problem, data, last, solver, one_pass, checkpoint_dir)


def fit_batches(estimator, batches: Iterable, n_rows: int | None, last: dict | None) -> None:
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

    def check(*batch, is_first):
        return _check_rows(estimator, *batch, reset=is_first and last is None)

    with closing(Stream(batches, n_rows, check)) as stream:
        descriptions = read_descriptions(estimator)
        problem = stream.feed(_make_problem(estimator, descriptions, stream.head, last, whole=False))
        solver = _solver(estimator, descriptions, problem.n_rows, stream.head.X.shape[1], in_batches=True)
        run = solver, stream.one_pass, estimator.checkpoint_dir
        _train(estimator, descriptions, stream.head, problem, stream.first_batch, last, *run)


def _solver(estimator, descriptions, n_rows, n_features, *, in_batches):
    """Name of the solver, for mini-batches where they are asked for or rows are many."""
    if estimator.solver == "adam" or (estimator.solver == "lbfgs" and not in_batches):
        return estimator.solver
    many = WHOLE_DATA_ROWS if estimator.batch_size == "auto" else estimator.batch_size
    in_batches |= n_rows > many
    are_equal = descriptions.are_equal(number_of_points(estimator.n_inducing, n_features))
    if descriptions.are_natural and (are_equal or not in_batches):
        return "batch_natgrad" if in_batches else "natgrad"
    if estimator.solver == "natgrad":
        raise ValueError(
            'Expected sparse GPs with a full and trainable q for solver="natgrad", and in mini-batches '
            'equally many inducing points, got others; try solver="auto", "adam" or "lbfgs".'
        )
    return "adam"


def _check_checkpoints(estimator):
    if estimator.checkpoint_dir is not None and not isinstance(estimator.random_state, Integral):
        raise ValueError(
            "Expected an integer as random_state with checkpoint_dir, since a fit that draws other random "
            f"numbers is another fit, got {estimator.random_state!r}; set random_state=0, say."
        )


def _check_pictures(estimator):
    if estimator.image_period is None:
        return
    if estimator.log_dir is None:
        raise ValueError(
            f"Expected log_dir with image_period={estimator.image_period}, got None; name a directory for "
            "the pictures."
        )
    load_pyplot()  # if it is missing, now is the time to say so


def _check_rows(estimator, X, y, sample_weight=None, *, reset, min_rows=1):
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
    return Rows(X, y[:, None] if y.ndim == 1 else y, check_sample_weight(sample_weight, X))


def _make_problem(estimator, descriptions, rows, last, *, whole, n_before=0):
    if last is not None and rows.Y.shape[1] != estimator.n_outputs_:
        raise ValueError(
            f"Expected y with {estimator.n_outputs_} outputs, as in the last fit, got {rows.Y.shape[1]}."
        )
    n_inducing = estimator.n_inducing
    if descriptions.are_given:
        n_inducing = descriptions.n_inducing(number_of_points(n_inducing, rows.X.shape[1]))
    if last is not None:  # its inducing points stay as many as they are, however many rows there are now
        used = estimator.n_inducing_
        n_inducing = used if n_inducing == "auto" else min(n_inducing, used)
    problem = make_problem(
        rows,
        fit_scales(rows, estimator.normalize_y) if last is None else fitted_state.scales(last),
        whole=whole,
        n_inducing=n_inducing,
        held_out_fraction=estimator.validation_fraction if estimator.early_stopping else 0.0,
        n_before=n_before,
        random_state=check_random_state(estimator.random_state),
    )
    return problem if last is None else problem._replace(n_inducing=n_inducing)


def _train(estimator, descriptions, rows, problem, data, last, solver, one_pass, checkpoint_dir):
    from ..monitoring.event_log import EventLog
    from ..training.checkpoints import make_checkpoints
    from ..training.listeners import together
    from ..training.selection import train_best
    from ..training.settings import make_settings, make_structures  # import TensorFlow, which takes seconds

    _check_pictures(estimator)
    max_iter = 1 if one_pass else estimator.max_iter
    settings = make_settings(estimator, descriptions, problem.n_rows, solver=solver, max_iter=max_iter)
    structures = make_structures(estimator, descriptions, problem, last)
    start = last and last["parameters"]
    checkpoints = None
    if checkpoint_dir is not None:
        scales = fit_scales(rows, normalize_y=True)
        keep = checkpoint_dir, estimator.n_checkpoints
        checkpoints = make_checkpoints(*keep, scales, problem, settings, structures, start)
        with suppress(ConfigurationError):  # what no file can hold, such as a function, is not described
            checkpoints.describe({"estimator": describe_estimator(estimator)})
    y = data[1] if hasattr(data[1], "shape") else np.asarray(data[1])
    attributes = partial(_attributes, problem, len(y.shape) == 1)
    tasks = FitTasks(estimator, attributes, *data)
    listen = tasks.run
    if estimator.log_dir is not None:
        draw = _drawing(estimator, attributes, problem, data[0])
        periods = estimator.log_period, estimator.image_period
        log = EventLog(estimator.log_dir, *periods, problem, settings.options.steps_per_iter, draw)
        listen = together(listen, log.run)
    best = train_best(structures, problem, settings, start, listen, checkpoints)
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


def _drawing(estimator, attributes, problem, X):
    """What draws an estimator with given parameters, and some of the rows that it is fitted to."""
    inputs = problem.scales.X.inverse_transform(problem.sample.X)
    if hasattr(estimator, "feature_names_in_"):
        inputs = table_like(X, inputs.T, estimator.feature_names_in_)
    targets = problem.scales.Y.inverse_transform(problem.sample.Y)

    def draw(structure, parameters):
        fitted = copy(estimator)
        vars(fitted).update(attributes(structure, parameters), loss_curve_=[])
        return make_figures(fitted, inputs, targets)

    return draw


def _attributes(problem, flat_output, structure, parameters):
    """What makes an estimator one that is fitted."""
    return {
        "_state": fitted_state.make(
            structure.to_dict(), parameters, problem.num_data, problem.scales, flat_output
        ),
        "n_outputs_": structure.n_outputs,
        "n_experts_": structure.n_experts,
        "n_inducing_": problem.n_inducing,
    }
