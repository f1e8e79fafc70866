"""Transformed targets whose density is not known, and what the errors say of them."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from sklearn_mogpe.metrics import neg_crps, neg_interval_score, neg_nlpd, observed_coverage

every_scorer = pytest.mark.parametrize("scorer", [neg_nlpd, neg_crps, neg_interval_score, observed_coverage])


def functions(func, inverse_func):
    return {"func": func, "inverse_func": inverse_func}


WRONG = {
    "not one-to-one": (functions(np.square, np.sqrt), lambda y: y - 1.0, "one-to-one.*try"),
    "no inverse": ({"transformer": FunctionTransformer(np.log)}, lambda y: y, "undone by its inverse.*try"),
    "another inverse": (functions(np.log, np.exp2), lambda y: y, "undone by its inverse"),
    "rises and falls": (functions(np.reciprocal, np.reciprocal), lambda y: y - 1.0, "that rises and falls"),
    "steps": (functions(np.round, np.round), lambda y: y, "one-to-one"),
}


@every_scorer
@pytest.mark.parametrize(("how", "of", "why"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_no_change_of_variables(scorer, how, of, why, two_bands, lognormal):
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, **how, check_inverse=False).fit(X, y)
    with pytest.raises(ValueError, match=why):
        scorer(model, X, of(y))


@every_scorer
def test_values_beyond_the_transformation(scorer, two_bands, lognormal):
    """Which are new: the logarithm was fitted on positive ones; and a range that is clipped has ends."""
    X, y, _ = lognormal
    model = TransformedTargetRegressor(two_bands, func=np.log, inverse_func=np.exp).fit(X, y)
    with pytest.raises(ValueError, match=r"one that takes 0 to -inf; try.*log1p"):
        scorer(model, X, np.append(y[1:], 0.0))
    clipped = TransformedTargetRegressor(two_bands, transformer=MinMaxScaler(clip=True)).fit(X, y)
    with pytest.raises(ValueError, match="one-to-one"):
        scorer(clipped, X, np.append(y[1:], 2 * y.max()))


@every_scorer
def test_outputs_are_not_mixed(scorer, two_bands, lognormal):
    X, _, both = lognormal
    model = TransformedTargetRegressor(two_bands, transformer=PCA(random_state=0)).fit(X, both)
    with pytest.raises(ValueError, match="each output by itself, got a mix; try PowerTransformer"):
        scorer(model, X, both)
    fewer = TransformedTargetRegressor(two_bands, transformer=PCA(1), check_inverse=False).fit(X, both)
    with pytest.raises(ValueError, match=r"of shape \(60, 2\), got \(60, 1\)"):
        scorer(fewer, X, both)


@every_scorer
def test_rows_and_outputs_of_y_are_checked(scorer, two_bands, lognormal):
    X, y, both = lognormal
    model = TransformedTargetRegressor(two_bands, func=np.log, inverse_func=np.exp).fit(X, y)
    for wrong in (y[:-1], both):
        with pytest.raises(ValueError, match=r"one shape, got|Expected y_true of shape \(n, P\)"):
            scorer(model, X, wrong)
    with pytest.raises(ValueError, match="Input y_true contains NaN"):
        scorer(model, X, np.append(y[1:], np.nan))
