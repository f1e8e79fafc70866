"""Known errors of y, from `fit` to predictions: against Gaussian processes, rows left out, and the truth."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

ALONE = {"n_experts": 1, "n_inducing": 40}

DTYPES = "float64", "float32"

SOLVERS = {
    "natgrad": {},
    "batch_natgrad": {"batch_size": 20, "max_iter": 40},
    "lbfgs": {"solver": "lbfgs"},
    "adam": {"solver": "adam", "batch_size": 20, "max_iter": 40, "learning_rate": 0.05},
}


@pytest.fixture(scope="module")
def noisy():
    """Rows of a sine with a noise of 0.1, and errors of other sizes that are known."""
    rng = np.random.default_rng(1)
    X, y_std = rng.uniform(-3, 3, (40, 1)), rng.choice([0.0, 0.1, 1.0], 40)
    return X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=40) + y_std * rng.normal(size=40), y_std


@pytest.fixture(scope="module")
def wild():
    """Rows of a sine, six of which are far off, and what is known of that."""
    rng = np.random.default_rng(2)
    X, y_std = rng.uniform(-3, 3, (60, 1)), np.zeros(60)
    y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=60)
    far = np.argsort(X[:, 0])[10:40:5]
    y[far], y_std[far] = 30.0, 1e5
    return X, y, y_std


def assert_same_fit(first, second):
    assert first.lower_bound_ == second.lower_bound_
    for path, value in first._state["parameters"].items():
        np.testing.assert_array_equal(value, second._state["parameters"][path])


# Values


def test_one_expert_is_scikit_learns_process_with_an_alpha_for_each_row(make_regressor, noisy):
    X, y, y_std = noisy
    # The start has the q that is best for its parameters; such steps leave these as they are.
    model = make_regressor(**ALONE, learning_rate=1e-9, max_iter=5).fit(X, y, y_std=y_std)
    (expert,) = model.experts_
    noise = expert["noise_std"][0]
    kernel = ConstantKernel(expert["signal_std"][0] ** 2) * RBF(expert["lengthscales"][0])
    process = GaussianProcessRegressor(kernel, alpha=noise**2 + y_std**2, optimizer=None)
    mean_of_y = model._state["y_mean"]
    process.fit(X, y - mean_of_y)
    X_new = np.linspace(-2.9, 2.9, 30)[:, None]
    mean, std = model.predict(X_new, return_std=True)
    expected_mean, expected_std = process.predict(X_new, return_std=True)
    np.testing.assert_allclose(mean - mean_of_y, expected_mean, atol=1e-4)
    np.testing.assert_allclose(std, np.sqrt(expected_std**2 + noise**2), rtol=1e-4)  # without the known error
    scale = model._state["y_scale"][0]
    evidence = process.log_marginal_likelihood_value_ + len(y) * np.log(scale)
    assert model.lower_bound_ == pytest.approx(evidence, abs=1e-2)


@pytest.mark.parametrize("noise", ["constant", "varying"])
def test_what_is_known_is_not_learnt_as_noise(make_regressor, noise):
    """Alternately of no error and of a large one."""
    rng = np.random.default_rng(3)
    X, y_std = rng.uniform(-3, 3, (200, 1)), np.tile([0.0, 1.0], 100)
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=200) + y_std * rng.normal(size=200)
    model = make_regressor(1, noise=noise, n_inducing=20, max_iter=100)
    X_new = np.linspace(-2.8, 2.8, 50)[:, None]
    mean, std = model.fit(X, y, y_std=y_std).predict(X_new, return_std=True)
    assert np.abs(mean - np.sin(2 * X_new[:, 0])).max() < 0.12
    assert 0.07 < std.min() < std.max() < 0.2
    assert model.fit(X, y).predict(X_new, return_std=True)[1].mean() > 0.5


def test_no_errors_are_errors_of_zero(make_regressor, short_search, step):
    X, y, _ = step
    model = make_regressor().fit(X, y)
    for nothing in (0, np.zeros(150), np.zeros((150, 1))):
        assert_same_fit(model, make_regressor().fit(X, y, y_std=nothing))


@pytest.mark.parametrize("noise", ["constant", "varying"])
@pytest.mark.parametrize("params", [*SOLVERS.values(), {"dtype": "float32"}], ids=[*SOLVERS, "float32"])
def test_rows_of_huge_errors_are_as_good_as_left_out(make_regressor, short_search, wild, params, noise):
    """But for priors, which are in units of the spread of y, and such rows widen it."""
    X, y, y_std = wild
    model = make_regressor(noise=noise, **params).fit(X, y, y_std=y_std)
    known = make_regressor(noise=noise, **params).fit(X[y_std == 0], y[y_std == 0])
    X_new = np.linspace(-2.8, 2.8, 50)[:, None]
    (mean, std), (expected, expected_std) = (m.predict(X_new, return_std=True) for m in (model, known))
    np.testing.assert_allclose(mean, expected, atol=0.06)
    np.testing.assert_allclose(std, expected_std, atol=0.08)
    assert (
        np.abs(make_regressor(noise=noise, **params).fit(X, y).predict(X_new) - model.predict(X_new)).max()
        > 1
    )


@pytest.mark.parametrize("name", ["batch_natgrad", "adam"])
def test_mini_batches_do_not_lead_away_from_what_is_known(make_regressor, short_search, wild, name):
    """The last of the parameters, and not only the best, which might be the start."""
    X, y, y_std = wild
    model = make_regressor(1, **SOLVERS[name]).fit(X, y, y_std=y_std)
    assert model.loss_curve_[-1] < min(model.loss_curve_) + 0.1
    assert model.loss_curve_[-1] < make_regressor(1).fit(X, y, y_std=y_std).loss_curve_[-1] + 0.1


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS)
def test_the_bound_is_the_models_with_the_errors(make_regressor, short_search, noisy, params):
    X, y, y_std = noisy
    weight = np.random.default_rng(0).integers(1, 4, 40).astype(float)
    model = make_regressor(**{**params, "max_iter": 5}).fit(X, y, weight, y_std)
    state = model._state
    rows = (X - state["x_mean"]) / state["x_scale"], (y[:, None] - state["y_mean"]) / state["y_scale"]
    data = *rows, weight, y_std[:, None] / state["y_scale"]
    assert model.lower_bound_ == pytest.approx(model.model_.elbo(data).numpy(), rel=1e-9)


def test_weights_count_rows_with_their_errors_in_any_order(make_regressor, short_search, noisy):
    times = np.random.default_rng(0).integers(0, 3, 40)
    model = make_regressor().fit(*noisy[:2], times, noisy[2])
    order = np.random.default_rng(1).permutation(times.sum())
    X, y, y_std = (np.repeat(part, times, axis=0)[order] for part in noisy)
    assert_same_fit(model, make_regressor().fit(X, y, y_std=y_std))
    assert model.lower_bound_ != make_regressor().fit(X, y, y_std=y_std[::-1]).lower_bound_


def test_each_output_has_its_own_errors(make_regressor, short_search, noisy):
    X, y, y_std = noisy
    Y = np.column_stack([y, np.cos(X[:, 0])])
    model = make_regressor().fit(X, Y, y_std=np.column_stack([y_std, y_std]))
    assert_same_fit(model, make_regressor().fit(X, Y, y_std=y_std))
    assert_same_fit(
        make_regressor().fit(X, Y, y_std=0.3), make_regressor().fit(X, Y, y_std=np.full((40, 2), 0.3))
    )
    own = make_regressor(1, max_iter=50).fit(X, Y, y_std=np.column_stack([y_std, 0.0 * y_std]))
    both = make_regressor(1, max_iter=50).fit(X, Y, y_std=y_std)
    errors = [np.abs(fitted.predict(X)[:, 1] - Y[:, 1]).mean() for fitted in (own, both)]
    assert errors[0] < 0.2 * errors[1]


def test_errors_are_in_units_of_y(make_regressor, short_search, noisy):
    X, y, y_std = noisy
    model = make_regressor().fit(X, y, y_std=y_std)
    for unit in (1024.0, 1e-200):
        other = make_regressor().fit(X, unit * y, y_std=unit * y_std)
        np.testing.assert_allclose(other.predict(X) / unit, model.predict(X), rtol=1e-6, atol=1e-9)


def test_in_single_precision_the_same(make_regressor, short_search, noisy):
    fits = [make_regressor(1, dtype=dtype, max_iter=50).fit(*noisy[:2], y_std=noisy[2]) for dtype in DTYPES]
    np.testing.assert_allclose(*(fit.predict(noisy[0]) for fit in fits), atol=0.02)


# Part by part, batch by batch


def test_partial_fit_leaves_out_what_is_hardly_known(make_regressor, short_search, wild):
    X, y, y_std = wild
    model = make_regressor(batch_size=20)
    for _ in range(3):
        model.partial_fit(X, y, y_std=y_std)
    known = y_std == 0
    assert np.abs(model.predict(X) - np.sin(X[:, 0])).max() < 0.3
    assert model.score(X[known], y[known]) > 0.95


def test_batches_of_a_stream_may_have_errors(make_regressor, short_search, noisy):
    def fit(batches):
        return make_regressor(batch_size=16, max_iter=3).fit_stream(batches)

    X, y, y_std = noisy
    some = np.where(np.arange(40) < 30, y_std, 0.0)
    model = fit([(X, y, None, some)])
    assert_same_fit(model, fit([(X[:30], y[:30], np.ones(30), y_std[:30]), (X[30:], y[30:])]))
    assert model.lower_bound_ != fit([(X, y)]).lower_bound_
    # The same rows judge the bound of arrays, the same scales are theirs.
    drawn = make_regressor(batch_size=16, max_iter=3).fit(X, y, y_std=some)
    np.testing.assert_allclose(drawn._state["y_scale"], model._state["y_scale"], rtol=1e-12)
    np.testing.assert_allclose(drawn.predict(X), model.predict(X), atol=0.3)


def test_held_out_rows_are_judged_with_their_errors(make_regressor, short_search, noisy):
    """By the density of what was measured; those of huge errors then hardly matter."""
    X, y, y_std = noisy
    far = y + np.where(y_std == 1.0, 100.0, 0.0)
    model = make_regressor(1, early_stopping=True, validation_fraction=0.5, normalize_y=False)
    scores = model.fit(X, far, y_std=np.where(y_std == 1.0, 1e4, y_std)).validation_scores_
    assert -6.0 < max(scores) < -1.0  # log N(100; 0, 1e4) is about -10, of a third of the rows


# What is wrong


def test_errors_of_another_number_of_rows(make_regressor, noisy):
    X, y, y_std = noisy
    with pytest.raises(ValueError, match=r"Expected y_std.*of shape \(40,\) or \(40, 1\).*got shape \(39,\)"):
        make_regressor().fit(X, y, y_std=y_std[1:])
    with pytest.raises(ValueError, match=r"In batch 1 of the stream.*Negative values in y_std"):
        make_regressor().fit_stream([(X, y), (X, y, None, y_std - 0.5)])
    with pytest.raises(
        ValueError, match=r"Expected \(X, y\), .* or \(X, y, sample_weight, y_std\), got tuple"
    ):
        make_regressor().fit_stream([(X, y, None, y_std, 0)])


@pytest.mark.parametrize("weight", [1 / 40, 25.0, 1e4])
def test_weights_that_are_no_counts(make_regressor, short_search, wave, weight):
    weight = np.full(40, weight)
    with pytest.warns(UserWarning, match="Expected sample_weight to count rows"):
        make_regressor(max_iter=1).fit(*wave, weight)
    with pytest.warns(UserWarning, match="Expected sample_weight to count rows"):
        make_regressor(max_iter=1).partial_fit(*wave, weight)
    with pytest.warns(UserWarning, match="Expected sample_weight to count rows"):
        make_regressor(max_iter=1).fit_stream([(*wave, weight)])
