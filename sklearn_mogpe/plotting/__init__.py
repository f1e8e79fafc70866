"""Displays in scikit-learn's manner: what a fitted mixture predicts, why, how it was trained, and how well.

Matplotlib, which the extra ``plot`` adds, is imported when something is drawn.
"""

from .calibration import CalibrationDisplay
from .experts import ExpertsDisplay
from .figures import close_figures, make_figures
from .functions_display import GatingFunctionsDisplay, LatentFunctionsDisplay
from .mixing_probabilities import MixingProbabilitiesDisplay
from .noise import NoiseDisplay
from .overview import OverviewDisplay
from .predictive_density import MomentsDisplay, PredictiveDensityDisplay
from .training_curve import TrainingCurveDisplay

__all__ = [
    "CalibrationDisplay",
    "ExpertsDisplay",
    "GatingFunctionsDisplay",
    "LatentFunctionsDisplay",
    "MixingProbabilitiesDisplay",
    "MomentsDisplay",
    "NoiseDisplay",
    "OverviewDisplay",
    "PredictiveDensityDisplay",
    "TrainingCurveDisplay",
    "close_figures",
    "make_figures",
]
