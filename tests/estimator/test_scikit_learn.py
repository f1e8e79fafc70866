"""What scikit-learn does not promise: where it is gone, the error says which versions have it."""

import importlib
import sys

import pytest
import sklearn.base

from sklearn_mogpe.estimator import scikit_learn


@pytest.fixture
def reload(monkeypatch):
    """Import the module anew, under its name, and put back the one that all others have."""
    monkeypatch.setitem(sys.modules, scikit_learn.__name__, scikit_learn)

    def reload():
        del sys.modules[scikit_learn.__name__]
        return importlib.import_module(scikit_learn.__name__)

    return reload


def test_versions_are_named(monkeypatch, reload):
    monkeypatch.delattr(sklearn.base, "_fit_context")
    with pytest.raises(ImportError, match=r"Expected scikit-learn 1\.6 to 1\.9, got .*_fit_context"):
        reload()


def test_without_callbacks(monkeypatch, reload):
    class Empty:
        """As a class that has nothing has it."""

    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    assert vars(reload().CallbackSupportMixin).keys() == vars(Empty).keys()
