"""The fixed points of a standard normal: exact where promised, accurate elsewhere, the same for everybody."""

import numpy as np
import pytest

from sklearn_mogpe.predictive.quadrature import normal_points

sizes = pytest.mark.parametrize(("num_points", "dim"), [(2, 1), (6, 3), (32, 5), (100, 2), (128, 9)])


@sizes
def test_points_come_with_their_mirror_images(num_points, dim):
    points = normal_points(num_points, dim)
    assert points.shape == (num_points, dim)
    np.testing.assert_array_equal(points[: num_points // 2], -points[num_points // 2 :])


@sizes
def test_second_moments_are_exactly_one(num_points, dim):
    np.testing.assert_allclose(np.mean(normal_points(num_points, dim) ** 2, axis=0), 1.0, rtol=1e-14)


def test_sums_of_one_dimensional_quadratics_are_exact():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 4))
    points = normal_points(8, 4)
    average = np.mean(np.sum(a + b * points + c * points**2, axis=1))
    assert average == pytest.approx(np.sum(a + c), rel=1e-13)


def test_every_call_gives_the_same_points():
    np.testing.assert_array_equal(normal_points(32, 4), normal_points(32, 4))


def test_global_random_state_is_left_alone():
    before = np.random.get_state()  # noqa: NPY002 - the legacy state is what must not move
    normal_points(32, 3)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_smooth_functions_are_integrated_far_better_than_by_random_points():
    a = np.array([0.5, 0.4, -0.3, 0.2])
    truth = np.exp(0.5 * a @ a)  # E[exp(a.x)]
    error = abs(np.mean(np.exp(normal_points(1024, 4) @ a)) - truth)
    random_error = truth * np.sqrt(np.expm1(a @ a) / 1024)  # standard error of 1024 independent points
    assert error < 0.1 * random_error


def test_coordinates_are_uncorrelated_and_normal():
    points = normal_points(4096, 3)
    np.testing.assert_allclose(points.T @ points / 4096, np.eye(3), atol=5e-3)
    np.testing.assert_allclose(np.mean(points**4, axis=0), 3.0, rtol=0.02)


def test_no_coordinates_give_empty_points():
    assert normal_points(4, 0).shape == (4, 0)


@pytest.mark.parametrize("num_points", [-2, 0, 1, 7])
def test_odd_or_too_few_points_are_refused(num_points):
    with pytest.raises(ValueError, match=f"even number of sample points, at least 2, got {num_points}"):
        normal_points(num_points, 2)
