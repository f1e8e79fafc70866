"""The single GP against GPflow's collapsed bound, trained to convergence."""

import gpflow
import numpy as np

from sklearn_mogpe.data.rows import Rows
from sklearn_mogpe.engine.structure import Structure
from sklearn_mogpe.training import starts
from sklearn_mogpe.training.starts.single import fit_single

RNG = np.random.default_rng(3)
X = np.sort(RNG.uniform(-2, 2, (60, 1)), axis=0)
Y = np.column_stack([np.sin(3 * X[:, 0]) + 0.1 * RNG.standard_normal(60), X[:, 0] + RNG.standard_normal(60)])


def structure(n_outputs):
    return Structure(("rbf", "rbf"), "rbf", n_outputs, 8, "tight")


def test_reaches_the_bound_of_a_converged_sgpr():
    single = fit_single(structure(1), 15, Rows(X, Y[:, :1], np.ones(60)))
    kernel = structure(1).build(1, 15).experts.experts[0].gp.kernel  # with its priors
    sgpr = gpflow.models.SGPR((X, Y[:, :1]), kernel, np.linspace(-2, 2, 15)[:, None])
    gpflow.optimizers.Scipy().minimize(sgpr.training_loss, sgpr.trainable_variables)
    np.testing.assert_allclose(single.lengthscales, kernel.lengthscales.numpy(), rtol=1e-3)
    mean, _ = sgpr.predict_f(X)
    noise = np.sqrt(sgpr.likelihood.variance.numpy())
    np.testing.assert_allclose(single.residuals, (Y[:, :1] - mean) / noise, atol=0.05)


def test_each_output_has_its_own_noise_and_the_shortest_lengthscale_is_taken():
    both = fit_single(structure(2), 15, Rows(X, Y, np.ones(60)))
    alone = [fit_single(structure(1), 15, Rows(X, Y[:, [p]], np.ones(60))) for p in (0, 1)]
    np.testing.assert_allclose(both.lengthscales, np.min([a.lengthscales for a in alone], axis=0), rtol=0.05)
    np.testing.assert_allclose(both.residuals, np.column_stack([a.residuals for a in alone]), atol=0.1)


def test_a_weight_is_a_repeated_row():
    weight = 1.0 + RNG.integers(3, size=60)
    weighted = fit_single(structure(1), 15, Rows(X, Y[:, :1], weight))
    place = np.repeat(np.arange(60), weight.astype(int))
    repeated = fit_single(structure(1), 15, Rows(X[place], Y[place, :1], np.ones(len(place))))
    np.testing.assert_allclose(weighted.lengthscales, repeated.lengthscales, rtol=1e-3)
    np.testing.assert_allclose(weighted.residuals[place], repeated.residuals, atol=1e-2)


def test_many_features_do_not_hide_those_that_matter():
    X = RNG.uniform(-1.7, 1.7, (150, 30))
    Y = np.sin(2 * X[:, :1]) + X[:, 1:2] + 0.1 * RNG.standard_normal((150, 1))
    single = fit_single(structure(1), 50, Rows(X, Y, np.ones(150)))
    assert np.max(single.lengthscales[:2]) < np.min(single.lengthscales[2:])


def test_a_jump_whose_covariances_are_singular_is_passed_over(monkeypatch):
    collapse, tried = starts.single._collapse, []

    def singular(program, data, max_iter):
        if max_iter == starts.single.TRY_ITER:
            tried.append(max_iter)
            raise np.linalg.LinAlgError("singular")
        return collapse(program, data, max_iter)

    monkeypatch.setattr(starts.single, "_collapse", singular)
    single = fit_single(structure(1), 15, Rows(X, X, np.ones(60)))  # a line: its lengthscale is long
    assert tried
    np.testing.assert_allclose(single.residuals, 0.0, atol=3.0)


def test_a_wave_that_passes_for_noise_under_long_lengthscales():
    """Without jumps the first lengthscale stays long, and the sine is two thirds of the noise."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.7, 1.7, (900, 8))
    wave = np.sin(2.5 * X[:, 0]) * X[:, 1]
    rest = 0.6 * X[:, 2] ** 2 + np.tanh(2.3 * X[:, 3]) + 0.3 * X[:, 4] * X[:, 5]
    Y = (wave + rest + 0.4 * rng.standard_normal(900))[:, None]
    single = fit_single(structure(1), 100, Rows(X, Y, np.ones(900)))
    assert single.noise < 0.25  # the truth is 0.16, and with the wave it is 0.6
    assert single.lengthscales[0] < 1.5
    assert np.min(single.lengthscales[1:]) > 3.0
