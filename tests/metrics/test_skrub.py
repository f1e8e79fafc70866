"""Scorers of skrub's learners and searches, which take a dict of variables in place of X."""

import numpy as np
import pandas as pd
import pytest
import skrub
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import BayesianRidge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mogpe.metrics import neg_crps, neg_interval_score, neg_nlpd, observed_coverage

SCORERS = [neg_nlpd, neg_crps, neg_interval_score, observed_coverage]
every_scorer = pytest.mark.parametrize("scorer", SCORERS)


@pytest.fixture
def data(lognormal):
    """A table with a category, and y."""
    X, y, _ = lognormal
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(["u", "v"])[np.arange(60) % 2]})
    return {"X": table, "y": pd.Series(y, name="y")}


@pytest.fixture
def end(two_bands):
    """A target around a pipeline."""
    inner = make_pipeline(StandardScaler(), two_bands)
    return TransformedTargetRegressor(inner, func=np.log, inverse_func=np.exp)


def predictions(end):
    return skrub.X().skb.apply(skrub.TableVectorizer()).skb.apply(end, y=skrub.y())


@every_scorer
def test_a_learner(scorer, data, end):
    learner = predictions(end).skb.make_learner().fit(data)
    rows = skrub.TableVectorizer().fit_transform(data["X"])
    expected = scorer(end.fit(rows, data["y"]), rows, data["y"])
    assert scorer(learner, data, data["y"]) == pytest.approx(expected, rel=1e-12)
    assert scorer(learner, {"X": data["X"]}, data["y"]) == pytest.approx(expected, rel=1e-12)


@every_scorer
def test_cross_validation(scorer, data, end):
    learner = predictions(end).skb.make_learner()
    found = skrub.cross_validate(learner, data, scoring=scorer, cv=2, error_score="raise")["test_score"]
    pipeline = make_pipeline(skrub.TableVectorizer(), end)
    expected = cross_val_score(pipeline, data["X"], data["y"], scoring=scorer, cv=2)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_search_and_its_cross_validation(data, end):
    """Which has the score of the best alone, and the worst that of the worst."""
    ends = {"one": BayesianRidge(), "mixture": end}
    search = predictions(skrub.choose_from(ends, name="end")).skb.make_grid_search(
        scoring=neg_nlpd, cv=2, error_score="raise"
    )
    results = search.fit(data).results_.set_index("end")["mean_test_score"]
    for name, each in ends.items():
        pipeline = make_pipeline(skrub.TableVectorizer(), each)
        expected = cross_val_score(pipeline, data["X"], data["y"], scoring=neg_nlpd, cv=2)
        assert results[name] == pytest.approx(expected.mean(), rel=1e-10)
    alone = predictions(ends[results.idxmax()]).skb.make_learner()
    expected = neg_nlpd(alone.fit(data), data, data["y"])
    assert neg_nlpd(search, data, data["y"]) == pytest.approx(expected, rel=1e-10)
    found, expected = (
        skrub.cross_validate(each, data, scoring=neg_nlpd, cv=2, error_score="raise")["test_score"]
        for each in (search, alone)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_scores_of_the_learner_itself(data, end):
    scored = predictions(end).skb.with_scoring(neg_nlpd).skb.with_scoring(neg_crps, name="crps")
    learner = scored.skb.make_learner().fit(data)
    expected = {"neg_nlpd": neg_nlpd(learner, data, data["y"]), "crps": neg_crps(learner, data, data["y"])}
    assert learner.score(data) == pytest.approx(expected, rel=1e-12)


def test_a_table_beside_the_rows(data, two_bands):
    """Rows of one table that are looked up in another, under other names."""
    rows = skrub.var("rows")
    joined = rows[["a", "kind"]].skb.mark_as_X().merge(skrub.var("kinds"), on="kind")[["a", "size"]]
    learner = joined.skb.apply(two_bands, y=rows["y"].skb.mark_as_y()).skb.make_learner()
    kinds = pd.DataFrame({"kind": ["u", "v"], "size": [1.0, 3.0]})
    environment = {"rows": data["X"].assign(y=data["y"]), "kinds": kinds}
    X = np.column_stack([data["X"]["a"], np.where(data["X"]["kind"] == "u", 1.0, 3.0)])
    expected = neg_nlpd(two_bands.fit(X, data["y"]), X, data["y"])
    assert neg_nlpd(learner.fit(environment), environment, data["y"]) == pytest.approx(expected, rel=1e-12)


def test_a_tabular_pipeline(data, two_bands):
    X, y = data.values()
    pipeline = skrub.tabular_pipeline(two_bands).fit(X, y)
    expected = neg_nlpd(pipeline[-1], pipeline[:-1].transform(X), y)
    assert neg_nlpd(pipeline, X, y) == pytest.approx(expected, rel=1e-12)


@every_scorer
def test_what_a_learner_does_after_the_mixture(scorer, data, end):
    """It is not known what becomes of the density."""

    def double(prediction, mode):
        return 2 * prediction if mode == "predict" else prediction

    learner = predictions(end).skb.apply_func(double, skrub.eval_mode()).skb.make_learner().fit(data)
    with pytest.raises(TypeError, match=r"SkrubLearner, which changes the predictions of the Trans.*Try"):
        scorer(learner, data, data["y"])
    transformer = skrub.X().skb.apply(skrub.TableVectorizer()).skb.make_learner().fit(data)
    with pytest.raises(TypeError, match="SkrubLearner, which does not predict"):
        scorer(transformer, data, data["y"])
    with pytest.raises(NotFittedError):
        scorer(predictions(end).skb.make_learner(), data, data["y"])


def test_a_learner_of_a_skrub_that_is_too_old(data, end, monkeypatch):
    learner = predictions(end).skb.make_learner().fit(data)
    monkeypatch.delattr(type(learner.data_op.skb), "id")
    with pytest.raises(TypeError, match=r"SkrubLearner, of a skrub below 0\.10"):
        neg_nlpd(learner, data, data["y"])
