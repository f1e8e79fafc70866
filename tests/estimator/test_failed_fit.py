"""A fit that fails leaves the estimator as it was: the model, and the names that go with it."""

from copy import copy

import numpy as np
import pandas as pd
import pytest

from sklearn_mogpe import GatingTransformer

rng = np.random.default_rng(0)
TABLE = pd.DataFrame(rng.uniform(-1, 1, (30, 2)), columns=["a", "b"])
Y = TABLE["a"].to_numpy() ** 2
DATES = pd.DataFrame({"b": pd.date_range("2024-01-01", periods=30)})


@pytest.fixture(scope="module")
def fitted(make_regressor):
    return make_regressor(max_iter=2).fit(TABLE, Y)


@pytest.fixture
def model(fitted):
    return copy(fitted)


def batches():
    yield TABLE[["b", "a"]], Y
    raise OSError("the disk is gone")


def negative_weights(model):
    model.fit(TABLE[["b", "a"]], Y, sample_weight=-np.ones(30))


def too_many_experts(model):
    model.set_params(n_experts=5).fit(TABLE[["b"]][:3], Y[:3])


FAILURES = {
    "weights": negative_weights,
    "experts": too_many_experts,
    "missing values": lambda model: model.fit(TABLE[["b"]], np.full(30, np.nan)),
    "masked values": lambda model: model.fit(TABLE[["b"]], np.ma.masked_less(Y, 0.1)),
    "dates": lambda model: model.fit(DATES, Y),
    "dates of y": lambda model: model.partial_fit(TABLE, DATES["b"]),
    "known errors": lambda model: model.fit(TABLE[["b"]], Y, y_std=np.ones(3)),
    "two outputs": lambda model: model.partial_fit(TABLE, np.column_stack([Y, Y])),
    "no names": lambda model: model.set_params(max_time=-1.0).fit(TABLE.to_numpy(), Y),
    "stream": lambda model: model.fit_stream(batches(), n_rows=60),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
@pytest.mark.usefixtures("short_search")
def test_bad_data(model, fail):
    before, predictions = dict(vars(model)), model.predict(TABLE)
    with pytest.raises((ValueError, OSError)):
        fail(model)
    assert_the_same(model, before, predictions)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MemoryError, np.linalg.LinAlgError, RuntimeError])
def test_trouble_while_it_trains(model, monkeypatch, trouble):
    def fail(*_):
        assert list(model.feature_names_in_) == ["b"]  # so far have we come
        raise trouble("in the middle")

    before, predictions = dict(vars(model)), model.predict(TABLE)
    monkeypatch.setattr("sklearn_mogpe.training.selection.train_best", fail)
    with pytest.raises(trouble, match="in the middle"):
        model.fit(TABLE[["b"]], Y)
    assert_the_same(model, before, predictions)


def assert_the_same(model, before, predictions):
    parameters = model.get_params(deep=False)
    now = {name: value for name, value in vars(model).items() if name not in parameters}
    assert now.keys() == before.keys() - parameters
    assert all(value is before[name] for name, value in now.items())
    np.testing.assert_array_equal(model.predict(TABLE), predictions)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(TABLE[["b", "a"]])


def test_what_was_not_fitted_stays_so(make_regressor):
    model = make_regressor()
    before = dict(vars(model))
    with pytest.raises(ValueError, match="Negative values"):
        negative_weights(model)
    assert vars(model) == before


def test_a_transformer_keeps_its_mixture(make_regressor):
    transformer = GatingTransformer(make_regressor(max_iter=2)).fit(TABLE, Y)
    mixture = transformer.regressor_
    with pytest.raises(ValueError, match="got dates"):
        transformer.fit(DATES, Y)
    assert transformer.regressor_ is mixture
    assert list(transformer.feature_names_in_) == ["a", "b"]


@pytest.mark.parametrize("method", ["predict", "predict_mixture", "predict_mixing_proba", "predict_noise"])
def test_predictions_are_of_numbers(model, method):
    table = TABLE.assign(b=DATES["b"])
    with pytest.raises(ValueError, match=r"in X, column 'b', got dates such as 2024-01-01"):
        getattr(model, method)(table)
    with pytest.raises(ValueError, match="Input X contains 3 masked values"):
        getattr(model, method)(np.ma.array(TABLE, mask=np.arange(60).reshape(30, 2) > 56))


def test_scores_are_of_numbers(model):
    with pytest.raises(ValueError, match="Input y contains 1 masked values"):
        model.score_samples(TABLE, np.ma.array(Y, mask=np.arange(30) == 3))
    with pytest.raises(ValueError, match="in y, got dates"):
        model.score_samples(TABLE, DATES["b"])
