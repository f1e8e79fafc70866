"""Starts and inducing inputs against what they are meant to find."""

import numpy as np
import pytest

from sklearn_mogpe.training.starts.divisions import spread_points, starts

RNG = np.random.default_rng(0)


def propose(X, Y, residuals, n_experts=2):
    return starts(X, Y, residuals, n_experts, np.random.RandomState(0))


def agreement(responsibilities, truth):
    """Share of rows that the most responsible expert divides as the truth does, up to the experts' order."""
    found = np.argmax(responsibilities, axis=0)
    share = np.mean(found == truth)
    return max(share, 1 - share)


def test_kmeans_finds_regions_of_the_input():
    truth = RNG.integers(2, size=100)
    X = 10.0 * truth[:, None] + RNG.standard_normal((100, 1))
    start = propose(X, X, RNG.standard_normal((100, 1)))["kmeans"]
    assert agreement(start.responsibilities, truth) == 1.0


def test_noise_finds_the_quiet_region_and_its_level():
    X = np.linspace(0, 10, 300)[:, None]
    truth = (X[:, 0] > 5).astype(int)
    residuals = RNG.standard_normal((300, 1)) * np.where(truth, 2.0, 0.1)[:, None]
    start = propose(X, residuals, residuals)["noise"]
    assert agreement(start.responsibilities, truth) > 0.95
    quiet, loud = sorted(start.noise_factor)
    assert quiet < 0.5
    assert loud == pytest.approx(4.0, rel=0.4)


def test_residual_finds_the_branch():
    X = np.linspace(0, 1, 200)[:, None]
    truth = RNG.integers(2, size=200)
    residuals = np.where(truth, 1.0, -1.0)[:, None] + 0.1 * RNG.standard_normal((200, 1))
    assert agreement(propose(X, residuals, residuals)["residual"].responsibilities, truth) > 0.9


def test_mixture_finds_clusters_of_inputs_and_outputs():
    truth = RNG.integers(2, size=200)
    X = RNG.standard_normal((200, 1))
    Y = np.where(truth, 5.0, -5.0)[:, None] + RNG.standard_normal((200, 1))
    assert agreement(propose(X, Y, Y)["mixture"].responsibilities, truth) == 1.0


def test_ladders_span_their_ratios_and_share_the_rows():
    start = propose(
        RNG.standard_normal((40, 2)), RNG.standard_normal((40, 1)), RNG.standard_normal((40, 1)), 3
    )
    ladder = start["ladder"]
    np.testing.assert_allclose(ladder.noise_factor, [0.01, 0.1, 1.0])
    np.testing.assert_allclose(ladder.lengthscale_factor, [2.0, 1.0, 0.5])
    np.testing.assert_allclose(ladder.responsibilities, 1 / 3)


@pytest.mark.parametrize("n_experts", [2, 3, 5])
def test_every_start_leaves_each_expert_some_of_each_row(n_experts):
    data = [RNG.standard_normal((60, columns)) for columns in (2, 1, 1)]
    for start in propose(*data, n_experts).values():
        assert start.responsibilities.shape == (n_experts, 60)
        np.testing.assert_allclose(start.responsibilities.sum(axis=0), 1.0)
        assert start.responsibilities.min() > 0.01


def test_spread_points_are_distinct_whatever_repeats():
    X = RNG.standard_normal((30, 2))
    once = X[spread_points(X, 10)]
    assert len(np.unique(once, axis=0)) == 10
    repeated = np.repeat(X, 3, axis=0)
    np.testing.assert_array_equal(repeated[spread_points(repeated, 10)], once)


def test_spread_points_cover_better_than_chance():
    X = RNG.standard_normal((500, 2))

    def farthest(chosen):
        return np.linalg.norm(X[:, None] - X[chosen][None], axis=2).min(axis=1).max()

    by_chance = [farthest(RNG.choice(500, 30, replace=False)) for _ in range(20)]
    assert farthest(spread_points(X, 30)) < min(by_chance)


def test_each_point_has_the_largest_conditional_variance():
    X = RNG.standard_normal((50, 1))
    chosen = spread_points(X, 6)
    covariance = np.exp(-np.abs(X - X.T))
    for m in range(1, 6):
        some = chosen[:m]
        solved = np.linalg.solve(covariance[np.ix_(some, some)], covariance[some])
        conditional = np.diag(covariance) - np.sum(covariance[some] * solved, axis=0)
        assert chosen[m] == np.argmax(conditional)


def test_given_points_come_first_and_the_others_go_where_they_leave_most_open():
    X = np.concatenate([[[0.0], [0.2], [0.1]], RNG.uniform(0.0, 10.0, (40, 1))])
    chosen = spread_points(X, 8, n_given=3)
    np.testing.assert_array_equal(chosen[:3], [0, 1, 2])
    assert len(set(chosen)) == 8
    # By brute force: each next one has the largest variance given those before.
    covariance = np.exp(-np.abs(X - X.T))
    for m in range(3, 8):
        known = chosen[:m]
        to_known = covariance[:, known]
        explained = to_known @ np.linalg.solve(covariance[np.ix_(known, known)], to_known.T)
        assert chosen[m] == np.argmax(np.diag(covariance - explained))
    np.testing.assert_array_equal(spread_points(X, 3, n_given=3), [0, 1, 2])


def test_equal_points_that_are_given_are_kept_and_say_nothing_twice():
    X = np.concatenate([[[1.0], [5.0], [1.0]], RNG.uniform(0.0, 10.0, (40, 1))])
    chosen = spread_points(X, 9, n_given=3)
    np.testing.assert_array_equal(chosen[:3], [0, 1, 2])
    alone = spread_points(np.delete(X, 2, axis=0), 8, n_given=2)
    np.testing.assert_array_equal(np.delete(chosen, 2), np.where(alone < 2, alone, alone + 1))
    assert not set(chosen[3:]) & {0, 1, 2}
