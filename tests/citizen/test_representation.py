"""How an estimator shows itself."""

import re

import pytest
import sklearn
from packaging.version import Version

from sklearn_mogpe import GatingTransformer, MoGPERegressor

PARAMS = {"n_experts": 3, "kernel": ["rbf", "matern32", "rbf"], "bound": "further", "early_stopping": True}


@pytest.mark.parametrize("model", [MoGPERegressor(), MoGPERegressor(**PARAMS, random_state=3)])
def test_representation_makes_the_same_estimator(model):
    with sklearn.config_context(print_changed_only=True):
        assert eval(repr(model)).get_params() == model.get_params()
    with sklearn.config_context(print_changed_only=False):  # of thirty parameters, and no more
        assert repr(model).startswith("MoGPERegressor(batch_size='auto', bound='further',")


@pytest.mark.parametrize("model", [MoGPERegressor(**PARAMS), GatingTransformer(MoGPERegressor(3))])
def test_html_shows_parameters_and_links_to_the_documentation(model):
    html = model._repr_html_()
    assert type(model).__name__ in html
    assert "n_experts" in html
    page = f"https://sklearn-mogpe.github.io/sklearn_mogpe/api/sklearn_mogpe.{type(model).__name__}.html"
    assert f'href="{page}"' in html


@pytest.mark.skipif(
    Version(sklearn.__version__) < Version("1.9"), reason="scikit-learn below 1.9 shows parameters only"
)
def test_html_shows_what_was_fitted(step_model):
    html = step_model._repr_html_()
    assert "lower_bound_" in html
    shown = re.search(r"lower_bound_: float.*?>float</td>\s*<td>([^<]*)</td>", html, re.DOTALL)[1]
    assert float(shown) == pytest.approx(step_model.lower_bound_, rel=1e-3)  # it is shown rounded
    assert "The bound of the (standardised) rows" in html
