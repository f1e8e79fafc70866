"""Programs: one trace for many uses, values in and out, one thread at a time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import gpflow
import joblib
import numpy as np
import pytest

from sklearn_mogpe.data.rows import Rows, Scaler, Scales
from sklearn_mogpe.engine import program as pool
from sklearn_mogpe.engine.predictions import build_model, predict_mixture
from sklearn_mogpe.engine.program import Program, bound_function, checkout, mixture_function
from sklearn_mogpe.engine.structure import Structure

STRUCTURE = Structure(("rbf", "matern32"), "rbf", 1, 8, "tight")
Z = np.linspace([-1.0, 0.0], [1.0, 0.5], 4)
AS_THEY_ARE = Scales(Scaler(np.zeros(2), np.ones(2)), Scaler(np.zeros(1), np.ones(1)))


def random_state_of(structure, seed):
    rng = np.random.default_rng(seed)
    program = Program(structure)
    program.reset(Z)
    initial = program.read()
    jitter = initial.pop(".jitter")
    moved = {path: value + 0.1 * rng.standard_normal(np.shape(value)) for path, value in initial.items()}
    return {**moved, ".jitter": jitter}


def test_state_goes_in_and_out_unchanged():
    program = Program(STRUCTURE)
    state = random_state_of(STRUCTURE, 0)
    program.assign(state)
    assert program.read().keys() == state.keys()
    for path, value in program.read().items():
        np.testing.assert_array_equal(value, state[path])


def test_a_function_is_traced_once_whatever_the_numbers_of_rows_features_and_inducing_points():
    program = Program(STRUCTURE)
    function = program.get(mixture_function)
    rng = np.random.default_rng(0)
    for n, D, M in ((1, 2, 4), (5, 1, 3), (2, 3, 7)):
        program.reset(rng.standard_normal((M, D)))
        X = rng.standard_normal((n, D))
        _, means, variances = function(program.tensor(X))
        np.testing.assert_allclose(means, np.zeros((n, 2, 1)), atol=1e-12)  # every q is its prior
        np.testing.assert_allclose(variances, np.full((n, 2, 1), 1.1), rtol=1e-6)
    assert program.get(mixture_function) is function


def test_a_kernel_made_by_a_callable_fixes_the_number_of_features():
    structure = replace(STRUCTURE, kernels=(gpflow.kernels.Linear,) * 2, n_features=3)
    assert structure != replace(structure, n_features=2)
    program = Program(structure)
    program.reset(np.ones((5, 3)))
    assert program.get(mixture_function)(program.tensor(np.zeros((4, 3))))[0].shape == (4, 2)


def test_the_bound_function_is_the_models_training_loss():
    program = Program(STRUCTURE)
    program.assign(random_state_of(STRUCTURE, 1))
    rng = np.random.default_rng(2)
    rows = Rows(rng.standard_normal((7, 2)), rng.standard_normal((7, 1)), rng.uniform(1, 2, 7))
    data = program.data(rows)
    compiled = program.get(bound_function)(data)
    expected = -program.model.elbo(tuple(data)) - program.model.log_prior_density()
    np.testing.assert_allclose(compiled, expected, rtol=1e-12)


def test_float32_and_float64_agree():
    X = np.random.default_rng(0).standard_normal((9, 2))
    state = random_state_of(STRUCTURE, 3)
    double = predict_mixture(STRUCTURE, state, AS_THEY_ARE, X)
    single = predict_mixture(replace(STRUCTURE, dtype="float32"), state, AS_THEY_ARE, X)
    for a, b in zip(double, single, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_threads_that_share_a_program_get_their_own_answers():
    X = np.random.default_rng(0).standard_normal((50, 2))
    states = [random_state_of(STRUCTURE, seed) for seed in range(8)]
    expected = [predict_mixture(STRUCTURE, state, AS_THEY_ARE, X) for state in states]
    with ThreadPoolExecutor(8) as executor:
        got = list(executor.map(lambda state: predict_mixture(STRUCTURE, state, AS_THEY_ARE, X), states * 4))
    for result, reference in zip(got, expected * 4, strict=True):
        for a, b in zip(result, reference, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture
def empty_pool(monkeypatch):
    monkeypatch.setattr(pool, "_programs", type(pool._programs)())


def test_the_pool_is_bounded_and_keeps_what_was_used_last(empty_pool, monkeypatch):
    monkeypatch.setattr(pool, "MAX_STRUCTURES", 2)
    structures = [Structure(("rbf",), "rbf", 1, s, "further") for s in (2, 4, 6)]
    for structure in (*structures[:2], structures[0], structures[2]):
        with checkout(structure):
            pass
    assert list(pool._programs) == [structures[0], structures[2]]


def test_what_is_lent_is_not_lent_again_and_taken_back_for_the_next(empty_pool):
    with checkout(STRUCTURE) as outer:
        outer.get(mixture_function)
        with checkout(STRUCTURE) as inner, ThreadPoolExecutor(1) as thread:
            assert outer is not inner
            elsewhere = checkout(STRUCTURE)
            assert thread.submit(elsewhere.__enter__).result(timeout=60) not in (outer, inner)
            elsewhere.__exit__(None, None, None)
    with checkout(STRUCTURE) as program:  # the one that can do most already
        assert program is outer
    assert len(pool._programs[STRUCTURE]) == 3


def test_a_program_is_given_back_after_an_error(empty_pool):
    with pytest.raises(ZeroDivisionError), checkout(STRUCTURE) as lent:
        raise ZeroDivisionError
    with checkout(STRUCTURE) as program:
        assert program is lent


def test_nothing_is_handed_to_workers_while_a_program_is_lent():
    """They might be busy with fits that wait for it."""
    with joblib.parallel_config("threading", n_jobs=2):
        assert joblib.effective_n_jobs() == 2
        with checkout(STRUCTURE):
            assert joblib.effective_n_jobs() == joblib.effective_n_jobs(-1) == 1
        assert joblib.effective_n_jobs() == 2


def test_a_built_model_has_the_state_and_is_nobody_elses():
    state = random_state_of(STRUCTURE, 4)
    X = np.random.default_rng(0).standard_normal((6, 2))
    model = build_model(STRUCTURE, state, *Z.shape[::-1])
    expected = predict_mixture(STRUCTURE, state, AS_THEY_ARE, X)
    weights, means, variances = model.predict_mixture(X)
    for a, b in zip((weights, means, np.sqrt(variances)), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    model.experts.experts[0].likelihood.variance.assign([9.0])
    np.testing.assert_array_equal(predict_mixture(STRUCTURE, state, AS_THEY_ARE, X)[2], expected[2])


def test_noise_is_not_less_than_what_jitter_makes_of_the_functions():
    with checkout(Structure(("rbf",), "rbf", 2, 8, "further")) as program:
        program.reset(np.zeros((1, 1)), [0.0, 0.5])
        np.testing.assert_allclose(program.model.experts.noise_floor, [1e-14, 0.5])
        program.set_jitter(1e-3)
        assert float(program.jitter) == 1e-3
        np.testing.assert_allclose(program.model.experts.noise_floor, [1e-5, 0.5])
