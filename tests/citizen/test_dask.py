"""Searches on a cluster of Dask give what they give here."""

import joblib
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_mogpe.metrics import neg_nlpd


@pytest.fixture(scope="module")
def cluster():
    """Two processes of one thread each, as on two machines."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
def test_searches_on_two_workers(make_steady, motorcycle, cluster):
    X, y = motorcycle
    search = GridSearchCV(
        make_steady(), {"n_inducing": [6, 12]}, scoring=neg_nlpd, cv=KFold(2), error_score="raise"
    )

    def results():
        search.fit(X, y)
        scores = cross_val_score(make_steady(), X, y, cv=KFold(2), error_score="raise")
        return [search.cv_results_["mean_test_score"], scores, search.predict(X)]

    expected = results()
    with joblib.parallel_config(backend="dask"):
        found = results()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    # Both workers took part: each has imported TensorFlow.
    used = cluster.run(lambda: "tensorflow" in __import__("sys").modules)
    assert list(used.values()) == [True, True]
