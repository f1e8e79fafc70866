"""The benchmarks compare like with like, and run."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_mogpe.training.program import Program, bound_function
from sklearn_mogpe.training.structure import Structure

FOLDER = Path(__file__).parent.parent / "benchmarks"


def looped_mixture(*args, **kwargs):
    spec = importlib.util.spec_from_file_location("peers", FOLDER / "peers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LoopedMixture(*args, **kwargs)


def random_parts(K, M, D, N):
    rng = np.random.default_rng(0)
    X, Z = rng.standard_normal((N, D)), rng.standard_normal((M, D))
    gps = K + {1: 0, 2: 1}.get(K, K)
    means = rng.standard_normal((gps, M, 1))
    roots = np.tril(0.3 * rng.standard_normal((gps, 1, M, M)) + 0.5 * np.eye(M))
    return X, np.sin(2 * X[:, :1]), Z, means, roots


def bound_of_program(structure, X, Y, Z, means, roots):
    program = Program(structure)
    program.reset(Z)
    experts = program.model.experts.experts
    for expert, mean, root in zip(experts, means, roots, strict=False):
        expert.gp.q_mu.assign(mean)
        expert.gp.q_sqrt.assign(root)
    (gate,) = program.model.gating_network.gps
    gate.q_mu.assign(np.concatenate(means[len(experts) :], 1))
    gate.q_sqrt.assign(np.concatenate(roots[len(experts) :]))
    loss = program.get(bound_function)(*program.data(X, Y, np.ones(len(X))))
    return -float(loss) - float(program.model.log_prior_density())


@pytest.mark.parametrize("bound", ["tight", "further"])
@pytest.mark.parametrize("K", [2, 3])
def test_the_model_of_gpflow_parts_has_the_same_bound(K, bound):
    X, Y, Z, means, roots = random_parts(K, 6, 2, 15)
    looped = looped_mixture(K, Z, len(X), bound=bound, n_samples=32)
    for gp, mean, root in zip(looped.experts + looped.gates, means, roots, strict=True):
        gp.q_mu.assign(mean)
        gp.q_sqrt.assign(root)
    expected = looped.maximum_log_likelihood_objective((X, Y))
    own = bound_of_program(Structure(("rbf",) * K, "rbf", 1, 32, bound), X, Y, Z, means, roots)
    assert own == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("bound", ["tight", "further"])
def test_single_precision_has_three_digits_of_the_bound(bound):
    parts = random_parts(5, 100, 8, 256)
    structure = Structure(("rbf",) * 5, "rbf", 1, 32, bound)
    single = Structure(("rbf",) * 5, "rbf", 1, 32, bound, "float32")
    assert bound_of_program(single, *parts) == pytest.approx(bound_of_program(structure, *parts), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    {
        "step": "--K 2 --M 5 --B 10 --D 1 --repeats 1",
        "predict": "--K 2 --M 5 --D 2 --rows 2000 --exact_rows 50 --repeats 1",
        "overhead": "--repeats 1",
    }.items(),
)
def test_scripts_run(script, options):
    command = [sys.executable, FOLDER / f"{script}.py", *options.split()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "GFLOP/s" in result.stdout
