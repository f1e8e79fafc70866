"""The benchmarks compare like with like, and run."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import gpflow
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestRegressor

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.program import JITTER, Program, bound_function
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.metrics import crps, nlpd, pit
from sklearn_mogpe.predictive import gaussian_mixture

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
    loss = program.get(bound_function)(program.data(Rows(X, Y, np.ones(len(X)))))
    return -float(loss) - float(program.model.log_prior_density())


@pytest.mark.parametrize("bound", ["tight", "further"])
@pytest.mark.parametrize("K", [2, 3])
def test_the_model_of_gpflow_parts_has_the_same_bound(K, bound):
    X, Y, Z, means, roots = random_parts(K, 6, 2, 15)
    looped = looped_mixture(K, Z, len(X), bound=bound, n_samples=32)
    for gp, mean, root in zip(looped.experts + looped.gates, means, roots, strict=True):
        gp.q_mu.assign(mean)
        gp.q_sqrt.assign(root)
    with gpflow.config.as_context(gpflow.config.Config(jitter=JITTER["float64"])):
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
def test_a_script_runs():
    options = "--K 2 --M 5 --B 10 --D 1 --repeats 1"
    command = [sys.executable, FOLDER / "step.py", *options.split()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "GFLOP/s" in result.stdout


@pytest.fixture
def benchmark(monkeypatch):
    """Import a script by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.fixture
def league(benchmark):
    return benchmark("league")


@pytest.fixture
def league_peers(benchmark):
    return benchmark("league_peers")


def columns(mixture):
    """The parts (n, K) of a mixture as those of one with a single output."""
    weights, means, stds = mixture
    return weights, means[:, :, None], stds[:, :, None]


@pytest.mark.parametrize(
    "name", ["step", "two_branches", "two_regimes", "friedman1", "friedman2", "friedman3"]
)
def test_generated_rows_are_drawn_from_the_truth(league, name):
    """The probability integral transform of the truth is uniform; of any other density it is not."""
    X, y, X_test, y_test, truth = league.standardised(name, 0)
    np.testing.assert_allclose([X.mean(0), X.std(0) - 1], 0, atol=1e-12)
    np.testing.assert_allclose([y.mean(), y.std() - 1], 0, atol=1e-12)
    assert len(X_test) == len(y_test) == 1000
    below = np.mean(pit(y_test, *truth)[:, None] < np.linspace(0.1, 0.9, 9), axis=0)
    np.testing.assert_allclose(below, np.linspace(0.1, 0.9, 9), atol=0.05)


def test_scores_of_the_league(league):
    """Of a standard normal: quantiles at 1.645, and the mean at 0."""
    y = np.array([-2.0, 0.0, 1.6, 1.7])
    mixture = np.ones((4, 1)), np.zeros((4, 1)), np.ones((4, 1))
    assert league.scores(y, mixture) == pytest.approx(
        {
            "nlpd": 0.5 * np.log(2 * np.pi) + 0.5 * np.mean(y**2),
            "crps": crps(y, *mixture),
            "rmse": np.sqrt(np.mean(y**2)),
            "coverage": 0.5,
            "width": 2 * 1.6448536,
        }
    )


def test_summary_of_the_league(league):
    """Ranks are of means over splits, and ratios of fits to the same rows."""
    values = {
        ("a", 0): {"svgp": (1.0, 2.0), "forest": (0.0, 4.0)},
        ("a", 1): {"svgp": (1.0, 1.0), "forest": (3.0, 9.0)},
        ("b", 0): {"svgp": (5.0, 1.0), "forest": (4.0, 1.0)},
        ("b", 1): {"svgp": (5.0, 1.0), "forest": (4.0, 3.0)},
    }
    rows = [
        {"set": name, "split": seed, "method": method, "nlpd": value, "fit_s": seconds}
        | dict.fromkeys(["coverage", "crps", "rmse"], 0.0)
        for (name, seed), results in values.items()
        for method, (value, seconds) in results.items()
    ]
    svgp, forest = league.summary(rows, ["a", "b"], ["svgp", "forest"])
    assert svgp == ["svgp", 1.5, 3.0, 0.0, 0.0, 0.0, 1.25, 1.0]
    assert forest == ["forest", 1.5, 2.75, 0.0, 0.0, 0.0, 4.25, 2.5]


def test_intervals_of_the_boosted_peer_cover(league_peers):
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (1400, 1))
    y = np.sin(X[:, 0]) + 0.3 * rng.standard_normal(len(X))
    weights, means, stds = columns(league_peers.boosting(X[:400], y[:400], 0)(X[400:]))
    values = pit(y[400:], weights, means, stds)
    assert np.mean(np.abs(values - 0.5) < 0.45) == pytest.approx(0.9, abs=0.03)
    assert np.ptp(stds) == 0


def test_forest_mixes_the_leaves_of_its_trees(league_peers):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    y = X[:, 0] + rng.standard_normal(60)
    forest = RandomForestRegressor(3, max_features=1, bootstrap=False, min_samples_leaf=5, random_state=0)
    leaves = forest.fit(X, y).apply(X)
    neighbours = [[y[leaves[:, t] == leaves[n, t]] for t in range(3)] for n in range(60)]
    weights = np.full((60, 3), 1 / 3)
    means = np.array([[rows.mean() for rows in trees] for trees in neighbours])[:, :, None]
    stds = np.array([[rows.std() for rows in trees] for trees in neighbours])[:, :, None]
    mean, std = league_peers.forest_moments(forest, X)
    np.testing.assert_allclose(mean, gaussian_mixture.mean(weights, means)[:, 0])
    np.testing.assert_allclose(std, gaussian_mixture.std(weights, means, stds)[:, 0])


def test_moments_of_the_heteroscedastic_peer(league_peers):
    """E exp(2 g) = exp(2 m + 2 v) of g ~ N(m, v)."""
    f_mean, f_variance = np.array([1.0, -2.0]), np.array([0.5, 0.1])
    g_mean, g_variance = np.array([-1.0, 0.3]), np.array([0.2, 0.05])
    mixture = columns(league_peers.noise_mixture(f_mean, f_variance, g_mean, g_variance))
    np.testing.assert_allclose(gaussian_mixture.mean(*mixture[:2])[:, 0], f_mean)
    variance = f_variance + np.exp(2 * g_mean + 2 * g_variance)
    np.testing.assert_allclose(gaussian_mixture.std(*mixture)[:, 0], np.sqrt(variance))


def test_loss_of_the_density_network_is_its_nlpd(league_peers):
    rng = np.random.default_rng(0)
    outputs, y = 2 * rng.standard_normal((7, 9)), rng.standard_normal((7, 1))
    log_weights, means, stds = (part.numpy() for part in league_peers.density_network_mixture(outputs))
    np.testing.assert_allclose(stds, 0.01 + np.log1p(np.exp(outputs[:, 6:])))
    loss = np.mean(league_peers.density_network_loss(y, outputs))
    assert loss == pytest.approx(nlpd(y, np.exp(log_weights), means, stds))


@pytest.mark.slow
def test_league_runs(tmp_path):
    file = tmp_path / "rows.csv"
    options = f"--sets motorcycle two_regimes --methods boosting forest --splits 1 --out {file}"
    command = [sys.executable, FOLDER / "league.py", *options.split()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with open(file, newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["set"], row["method"]) for row in rows] == [
        ("motorcycle", "boosting"),
        ("motorcycle", "forest"),
        ("two_regimes", "truth"),
        ("two_regimes", "boosting"),
        ("two_regimes", "forest"),
    ]
    scores = [float(row["nlpd"]) for row in rows]
    assert scores[2] < min(scores[3:])
    for score in scores:
        assert f"{score:.2f}" in result.stdout


def test_league_refuses_unknown_names(league, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["league.py", "--sets", "moon"])
    with pytest.raises(SystemExit, match=r"Expected names among motorcycle, .*, got moon"):
        league.main()


class MeanOfTraining(BaseEstimator):
    """Predicts the mean of the rows that it has seen, with a standard deviation of 2."""

    def fit(self, X, y):
        self.mean_ = y.mean()
        return self

    def predict_mixing_proba(self, X):
        return np.ones((len(X), 1))

    def predict_experts(self, X, return_std):
        return np.full((len(X), 1), self.mean_), np.full((len(X), 1), 2.0)


def test_pit_is_of_rows_that_the_fit_has_not_seen(benchmark):
    y = np.random.default_rng(0).standard_normal(6)
    values = benchmark("pit").held_out_pit(MeanOfTraining(), np.zeros((6, 1)), y, 6)
    np.testing.assert_allclose(values, norm.cdf(y, (y.sum() - y) / 5, 2.0))
