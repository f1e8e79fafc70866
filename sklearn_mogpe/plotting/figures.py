"""All figures of a fitted mixture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import ArrayLike

from ..predictive.unwrap import last_step, unwrap
from .answers import ask
from .calibration import CalibrationDisplay
from .canvas import load_pyplot
from .experts import ExpertsDisplay
from .functions_display import GatingFunctionsDisplay, LatentFunctionsDisplay
from .grid import varying_features
from .mixing_probabilities import MixingProbabilitiesDisplay
from .noise import NoiseDisplay
from .predictive_density import MomentsDisplay, PredictiveDensityDisplay
from .training_curve import TrainingCurveDisplay


def make_figures(
    estimator: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    features: Any = None,
    fixed: Mapping[Any, Any] | None = None,
    output: int = 0,
    grid_resolution: int | None = None,
) -> dict[str, Any]:
    """Draw what a mixture predicts, why, how well, and how it was trained.

    Parameters
    ----------
    estimator : MoGPERegressor, Pipeline or search
        Fitted.
    X : array-like of shape (m, n_features)
        Gives the ranges of the figures.
    y : array-like of shape (m,) or (m, n_outputs), default=None
        If given, the rows are drawn too, and the calibration of their predictions.
    features : int, str or sequence of one or two of these, default=None
        Features to draw over, by number or name. None is the first one or two that are numbers, vary in X
        and are not held by ``fixed``.
    fixed : dict of feature to value, default=None
        Values at which other features are held. Those not named are held at their median in X, or at their
        most frequent value if they are not numbers.
    output : int, default=0
        Which output to draw, if there are several.
    grid_resolution : int, default=None
        Points along each drawn feature. None is 200 for one feature, 60 for two.

    Returns
    -------
    dict of matplotlib Figures
        By the names ``"density"``, ``"moments"``, ``"experts"``, ``"latent_functions"``, ``"noise"``,
        ``"mixing_probabilities"``, ``"gating_functions"`` (if there are any), ``"calibration"`` (with y)
        and ``"training_curve"`` (if training was reported).

    Raises
    ------
    TypeError
        If the estimator is no mixture.
    ValueError
        If the features cannot be drawn over, or there is no such output.
    """
    if features is None:
        features = varying_features(estimator, X, fixed) or 0  # of which an error says that it does not vary
    grid: dict[str, Any] = {"features": features, "fixed": fixed, "grid_resolution": grid_resolution}
    # Inducing inputs are in the units of X unless something has transformed X.
    inducing: dict[str, Any] = {"inducing_points": unwrap(estimator, X)[1] is X}
    targets = {"output": output, **grid}
    displays: dict[str, Any] = {
        "density": PredictiveDensityDisplay.from_estimator(estimator, X, y, **targets),
        "moments": MomentsDisplay.from_estimator(estimator, X, y, **targets),
        "experts": ExpertsDisplay.from_estimator(estimator, X, y, **targets),
        "latent_functions": LatentFunctionsDisplay.from_estimator(estimator, X, y, **targets, **inducing),
        "noise": NoiseDisplay.from_estimator(estimator, X, **targets),
        "mixing_probabilities": MixingProbabilitiesDisplay.from_estimator(estimator, X, **grid),
    }
    regressor = last_step(estimator)
    has_functions = regressor.n_experts_ > 1 and ask(estimator, "predict_gating_functions", X[:1]).size
    if has_functions:
        displays["gating_functions"] = GatingFunctionsDisplay.from_estimator(estimator, X, **grid, **inducing)
    if y is not None:
        displays["calibration"] = CalibrationDisplay.from_estimator(estimator, X, y, output=output)
    if getattr(regressor, "loss_curve_", None):
        displays["training_curve"] = TrainingCurveDisplay.from_estimator(estimator)
    return {name: display.figure_ for name, display in displays.items()}


def close_figures(figures: Iterable[Any]) -> None:
    """Let Matplotlib forget the ``figures``, an iterable of them, which it would keep otherwise."""
    plt = load_pyplot()
    for figure in figures:
        plt.close(figure)
