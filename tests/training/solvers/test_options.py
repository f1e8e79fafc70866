"""What solvers are told: how many steps, how many rows in each, and how often they report."""

from dataclasses import replace

import pytest

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.descriptions.read import read_descriptions
from sklearn_mogpe.training.settings import make_settings
from sklearn_mogpe.training.solvers import ADAM, BATCH_NATGRAD, LBFGS, NATGRAD


@pytest.mark.parametrize(
    ("solver", "n_rows", "batch_size", "expected"),
    [
        (NATGRAD, 40, 256, 125),
        (NATGRAD, 1999, 256, 125),
        (NATGRAD, 2000, 256, 75),
        (NATGRAD, 20_000, 256, 75),
        (BATCH_NATGRAD, 20_001, 4096, 188),  # of 768 000 rows
        (BATCH_NATGRAD, 384_000, 4096, 188),
        (BATCH_NATGRAD, 500_000, 4096, 245),  # of two passes
        (BATCH_NATGRAD, 1_000_000, 4096, 489),  # of 2 000 000 rows
        (BATCH_NATGRAD, 50_000_000, 4096, 489),
        (BATCH_NATGRAD, 1000, 50, 15_360),
        (ADAM, 40, 256, 10_000),
        (ADAM, 1_000_000, 256, 10_000),
        (LBFGS, 40, 256, 200),
        (LBFGS, 15_000, 256, 200),
    ],
)
def test_steps_unless_the_user_says_how_many(solver, n_rows, batch_size, expected):
    assert solver.options(n_rows, batch_size, 50).n_steps == expected


@pytest.mark.parametrize(
    ("solver", "n_rows", "batch_size", "expected"),
    [
        (NATGRAD, 9000, 256, 7),
        (LBFGS, 9000, 256, 7),
        (BATCH_NATGRAD, 9000, 4096, 7 * 3),
        (ADAM, 9000, 256, 7 * 36),
        (ADAM, 200, 256, 7),
    ],
)
def test_iterations_are_passes_over_the_rows(solver, n_rows, batch_size, expected):
    options = solver.options(n_rows, batch_size, 50, max_iter=7)
    assert options.n_steps == expected == 7 * options.steps_per_iter


@pytest.mark.parametrize(
    ("solver", "batch_size", "patience", "expected"),
    [
        (NATGRAD, 256, 50, 25),
        (NATGRAD, 256, 1, 25),
        (LBFGS, 256, 50, 1),
        (ADAM, 256, 50, 100),  # of 25 600 rows
        (ADAM, 512, 50, 50),
        (ADAM, 64, 50, 100),  # the solver's own, at most
        (BATCH_NATGRAD, 4096, 50, 25),  # at least
        (BATCH_NATGRAD, 4096, 8, 20),  # four times before patience ends: 8 passes of 10 steps
        (BATCH_NATGRAD, 4096, 1, 2),
        (BATCH_NATGRAD, 40_960, 1, 1),
    ],
)
def test_steps_between_two_reports(solver, batch_size, patience, expected):
    assert solver.options(40_960, batch_size, patience).report_every == expected


def test_a_solver_reports_as_often_as_it_says():
    often = replace(BATCH_NATGRAD, report_every=2)
    assert often.options(40_960, 4096, 50).report_every == 2


@pytest.mark.parametrize(
    ("params", "solver", "n_rows", "expected"),
    [
        ({}, BATCH_NATGRAD, 20_001, 4096),
        ({}, BATCH_NATGRAD, 20_000, 256),  # of a stream, say
        ({}, ADAM, 20_001, 256),
        ({"batch_size": 300}, BATCH_NATGRAD, 20_001, 300),
        ({}, BATCH_NATGRAD, 100, 100),
    ],
)
def test_rows_of_a_mini_batch(params, solver, n_rows, expected):
    model = MoGPERegressor(**params)
    settings = make_settings(model, read_descriptions(model), n_rows, solver, None)
    assert settings.options.batch_size == expected


def test_what_the_user_says_is_what_a_solver_is_told():
    model = MoGPERegressor(learning_rate=0.3, batch_size=1000, n_iter_no_change=2)
    options = make_settings(model, read_descriptions(model), 10_000, ADAM, 6).options
    assert options == (60, 0.3, 5, 10, 1000, None)
