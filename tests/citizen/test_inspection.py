"""What scikit-learn's inspection says of a fit: noise does not matter, curves are those of predict."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance


@pytest.fixture(scope="module")
def model(make_regressor, table):
    return make_regressor(max_iter=50).fit(*table)


def test_noise_is_unimportant(model, table):
    result = permutation_importance(model, *table, n_repeats=5, random_state=0)
    time, noise = result.importances_mean
    assert time > 0.8
    assert abs(noise) < 0.1 * time


def averaged(model, X, name, values):
    return np.array([np.mean(model.predict(X.assign(**{name: value}))) for value in values])


def test_partial_dependence_is_the_average_prediction(model, table):
    X, _ = table
    found = partial_dependence(model, X, ["time"], grid_resolution=6, kind="both")
    (times,) = found["grid_values"]
    np.testing.assert_allclose(found["average"][0], averaged(model, X, "time", times), rtol=1e-9)
    np.testing.assert_allclose(
        found["individual"][0][:, 2], model.predict(X.assign(time=times[2])), rtol=1e-9
    )


def test_partial_dependence_is_drawn(model, table):
    X, _ = table
    plt.switch_backend("agg")
    display = PartialDependenceDisplay.from_estimator(model, X, ["time", "noise"], grid_resolution=6)
    for line, name in zip(display.lines_.ravel(), ("time", "noise"), strict=True):
        x, height = line.get_data()
        np.testing.assert_allclose(height, averaged(model, X, name, x), rtol=1e-9)
    swing, flat = (np.ptp(line.get_ydata()) for line in display.lines_.ravel())
    assert flat < 0.2 * swing
    plt.close(display.figure_)


def test_forward_selection_takes_the_time(make_regressor, short_search, table):
    selector = SequentialFeatureSelector(make_regressor(), n_features_to_select=1, cv=2).fit(*table)
    assert list(selector.get_feature_names_out()) == ["time"]


def test_has_no_weights_of_features(make_regressor, short_search, table):
    with pytest.raises(ValueError, match=r"feature_importances_"):
        RFE(make_regressor()).fit(*table)
