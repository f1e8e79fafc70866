"""The generators draw from the density that they call the truth."""

import pickle

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.utils import Bunch

from sklearn_mogpe.datasets import make_step, make_two_branches, make_two_regimes

N = 20_000
every_generator = pytest.mark.parametrize("make", [make_step, make_two_branches, make_two_regimes])


def as_outputs(y, truth):
    """Give targets, means and stds an axis of outputs: (n, P), (n, K, P), (n, K, P)."""
    shape = truth.weights.shape
    return y.reshape(len(y), -1), truth.means.reshape(*shape, -1), truth.stds.reshape(*shape, -1)


def mean_log_density(y, truth):
    """Mean of log p(y given x) under the true mixture."""
    y, means, stds = as_outputs(y, truth)
    given_component = norm.logpdf(y[:, None, :], means, stds).sum(axis=-1)
    return logsumexp(np.log(truth.weights) + given_component, axis=1).mean()


@pytest.mark.parametrize(
    ("make", "half_width", "n_features", "targets", "mixture"),
    [
        (make_step, 3, 1, (N,), (N, 1)),
        (make_two_branches, 3, 1, (N,), (N, 2)),
        (make_two_regimes, 2, 2, (N, 2), (N, 2, 2)),
    ],
)
def test_shapes_and_range(make, half_width, n_features, targets, mixture):
    X, y, truth = make(N, random_state=0, return_truth=True)
    assert X.shape == (N, n_features)
    assert y.shape == targets
    assert truth.means.shape == truth.stds.shape == mixture
    assert truth.weights.shape == mixture[:2]
    assert truth.labels.shape == (N,)
    np.testing.assert_allclose(truth.weights.sum(axis=1), 1.0, rtol=1e-12)
    assert -half_width <= X.min() < -0.99 * half_width
    assert 0.99 * half_width < X.max() <= half_width
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=4 * half_width / np.sqrt(3 * N))


@every_generator
def test_targets_given_their_component_are_standard_normal(make):
    _, y, truth = make(N, random_state=1, return_truth=True)
    y, means, stds = as_outputs(y, truth)
    rows = np.arange(N)
    errors = (y - means[rows, truth.labels]) / stds[rows, truth.labels]
    for component in np.unique(truth.labels):
        drawn = errors[truth.labels == component].ravel()
        assert drawn.mean() == pytest.approx(0.0, abs=4 / np.sqrt(drawn.size))
        assert (drawn**2).mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / drawn.size))


@every_generator
def test_labels_follow_the_weights(make):
    """Among rows where the first component is unlikely, open or likely, it is drawn as often as it says."""
    _, _, truth = make(N, random_state=2, return_truth=True)
    weight = truth.weights[:, 0]
    for low, high in [(0.0, 0.2), (0.2, 0.8), (0.8, 1.0)]:
        inside = (weight >= low) & (weight <= high)
        drawn = np.sum(truth.labels[inside] == 0)
        spread = np.sqrt(np.sum((weight * (1 - weight))[inside]))
        assert drawn == pytest.approx(weight[inside].sum(), abs=4 * spread)


@every_generator
def test_moments_agree_with_the_truth(make):
    """The mixture's mean and variance, averaged over the inputs, are those of the sample."""
    _, y, truth = make(N, random_state=3, return_truth=True)
    y, means, stds = as_outputs(y, truth)
    weights = truth.weights[..., None]
    mean = (weights * means).sum(axis=1)
    variance = (weights * (stds**2 + means**2)).sum(axis=1) - mean**2
    np.testing.assert_allclose((y - mean).mean(axis=0), 0.0, atol=4 * np.sqrt(variance.mean() / N))
    squares = (y - mean) ** 2
    np.testing.assert_allclose(
        squares.mean(axis=0), variance.mean(axis=0), atol=4 * squares.std() / np.sqrt(N)
    )


@every_generator
def test_truth_is_likelier_than_its_rivals(make):
    """Shuffled targets, wrong noise and means that are off all have a lower log density."""
    _, y, truth = make(2_000, random_state=4, return_truth=True)
    best = mean_log_density(y, truth)
    assert best > mean_log_density(np.random.default_rng(0).permutation(y), truth) + 1.0
    assert best > mean_log_density(y, Bunch(**{**truth, "stds": 0.8 * truth.stds}))
    assert best > mean_log_density(y, Bunch(**{**truth, "stds": 1.25 * truth.stds}))
    assert best > mean_log_density(y, Bunch(**{**truth, "means": truth.means + 0.2 * truth.stds}))


@every_generator
def test_density_is_the_truth_at_any_inputs(make):
    X, _, truth = make(50, random_state=5, return_truth=True)
    for found, expected in zip(truth.density(X), (truth.weights, truth.means, truth.stds), strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(truth.density(X[:3].tolist()), truth.density(X), strict=True):
        np.testing.assert_array_equal(found, expected[:3])


@every_generator
def test_density_rejects_other_widths(make):
    _, _, truth = make(5, random_state=0, return_truth=True)
    with pytest.raises(ValueError, match=r"column\(s\).*got shape \(5, 3\)"):
        truth.density(np.zeros((5, 3)))


@every_generator
def test_random_state_decides_the_draw(make):
    for first, second in zip(make(30, random_state=7), make(30, random_state=7), strict=True):
        np.testing.assert_array_equal(first, second)
    X, y = make(30, random_state=7)
    other_X, other_y = make(30, random_state=8)
    assert np.all(other_X != X)
    assert np.all(other_y != y)
    X_again, y_again, _ = make(30, random_state=np.random.RandomState(7), return_truth=True)
    np.testing.assert_array_equal(X_again, X)
    np.testing.assert_array_equal(y_again, y)


@every_generator
def test_global_random_state_is_untouched(make):
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002 - the global state is what is watched
    make(30, random_state=0)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@every_generator
def test_truth_pickles(make):
    X, _, truth = make(10, random_state=0, return_truth=True)
    copy = pickle.loads(pickle.dumps(truth))
    np.testing.assert_array_equal(copy.density(X)[1], truth.means)


def test_step_is_quiet_then_noisy():
    X, _, truth = make_step(N, noise=(0.1, 0.5), random_state=0, return_truth=True)
    left = X[:, 0] < 0
    assert np.all(truth.stds[left] == 0.1)
    assert np.all(truth.stds[~left] == 0.5)
    _, means, _ = truth.density([[-1e-9], [0.0], [np.pi / 10]])
    np.testing.assert_allclose(means, [[-1.0], [1.0], [1.6]], atol=1e-8)


def test_two_branches_known_values():
    _, _, truth = make_two_branches(noise=(0.1, 0.3), random_state=0, return_truth=True)
    weights, means, stds = truth.density([[-1.0], [0.0], [1.0]])
    low = 1 / (1 + np.exp(3.0))
    np.testing.assert_allclose(weights, [[1 - low, low], [0.5, 0.5], [low, 1 - low]])
    np.testing.assert_allclose(means[:, 1], [-1.3, -1.0, -0.7])
    np.testing.assert_allclose(means[:, 0], 1 + 0.4 * np.sin([-2.0, 0.0, 2.0]))
    np.testing.assert_array_equal(stds, [[0.1, 0.3]] * 3)


def test_two_branches_are_bimodal_in_the_middle():
    """Between the branches, where the pooled mean lies, there are next to no targets."""
    X, y = make_two_branches(N, random_state=0)
    middle = y[np.abs(X[:, 0]) < 0.2]
    assert np.mean(middle > 0.5) > 0.4
    assert np.mean(middle < -0.5) > 0.4
    assert np.mean(np.abs(middle) < 0.25) < 0.01


def test_two_regimes_known_values():
    _, _, truth = make_two_regimes(noise=(0.1, 0.3), random_state=0, return_truth=True)
    x1 = 1.2
    boundary = 0.7 * np.sin(1.5 * x1)
    weights, means, stds = truth.density([[x1, boundary - 1], [x1, boundary], [x1, boundary + 1]])
    low = 1 / (1 + np.exp(10.0))
    np.testing.assert_allclose(weights, [[1 - low, low], [0.5, 0.5], [low, 1 - low]])
    np.testing.assert_allclose(
        means[1],
        [
            [0.5 * x1 + 0.5 * np.sin(boundary), 0.5 * x1 * np.cos(1) + 0.5 * np.sin(boundary + 1)],
            [np.sin(4 * x1) * np.cos(3 * boundary), np.sin(4 * x1 + 1) * np.cos(3 * boundary - 1)],
        ],
    )
    np.testing.assert_array_equal(stds[0], [[0.1, 0.1], [0.3, 0.3]])


def test_two_regimes_with_one_and_with_three_outputs():
    X, y, one = make_two_regimes(40, n_outputs=1, random_state=0, return_truth=True)
    assert y.shape == (40,)
    assert one.means.shape == one.stds.shape == one.weights.shape == (40, 2)
    _, y, three = make_two_regimes(40, n_outputs=3, random_state=0, return_truth=True)
    assert y.shape == (40, 3)
    assert three.means.shape == three.stds.shape == (40, 2, 3)
    np.testing.assert_array_equal(three.density(X)[1][..., 0], one.means)


@every_generator
@pytest.mark.parametrize("noise", [0.1, (0.1,), (0.1, 0.0), (0.1, -1.0), (0.1, np.nan), (0.1, np.inf)])
def test_noise_must_be_two_positive_numbers(make, noise):
    with pytest.raises(ValueError, match=r"two positive, finite standard deviations; got .* Try"):
        make(10, noise=noise)


@every_generator
def test_counts_are_checked(make):
    with pytest.raises(ValueError, match="n_samples == 0, must be >= 1"):
        make(0)
    with pytest.raises(TypeError, match="n_samples must be an instance of int"):
        make(10.5)


def test_n_outputs_is_checked():
    with pytest.raises(ValueError, match="n_outputs == 0, must be >= 1"):
        make_two_regimes(10, n_outputs=0)
