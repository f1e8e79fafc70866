"""The four pictures that people ask for first, in one figure."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from textwrap import fill
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .answers import ask, select_output
from .calibration import CalibrationDisplay
from .canvas import DASHES, LEGEND_WIDTH, Keywords, add_legend, make_axes
from .experts import ExpertsDisplay
from .grid import make_grid, varying_features
from .mixing_probabilities import MixingProbabilitiesDisplay
from .predictive_density import PredictiveDensityDisplay

# Points along each feature where it is asked how far the prediction changes.
N_TRIED = 25

# How many held features the caption names, and the characters of a line of it for each inch of the figure.
N_NAMED = 24
CHARACTERS_PER_INCH = 13

# Height of a line of it, in inches.
LINE_HEIGHT = 0.18

# Characters in a line of a label, so that it is no longer than its panel.
LABEL_WIDTH = 36
PLANE_LABEL_WIDTH = 28

# Opacity of the rows over a cut.
CUT_ALPHA = 0.4

# Characters side by side in the legend of a small panel.
PLANE_LEGEND_WIDTH = 30


class OverviewDisplay:
    """Density with the data, experts, gate and calibration, over one feature or two, in one figure.

    Over one feature there are four panels. Over two there are three rows of panels: means, standard
    deviations and mixing probabilities, with the mixture in the first column, the calibration below it, and
    the experts in the others.

    Experts differ by colour and by line style: they can be told apart in black and white.

    Parameters
    ----------
    density : PredictiveDensityDisplay
    experts : ExpertsDisplay
        At the same coordinates.
    gate : MixingProbabilitiesDisplay
        At the same coordinates.
    calibration : CalibrationDisplay, default=None
    held : dict of str to value, default=None
        Other features, by name, and what they are held at, for the caption.

    Attributes
    ----------
    density, experts, gate, calibration
        The displays, with the artists that they have drawn.
    held : dict of str to value
    caption : str
        What is held, and what that means for the rows; empty if nothing is.
    axes_ : array of matplotlib Axes
        Of shape (2, 2) over one feature: density and experts, gate and calibration. Of shape
        (3, 1 + n_experts) over two.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_step
    >>> from sklearn_mogpe.plotting import (
    ...     ExpertsDisplay, MixingProbabilitiesDisplay, OverviewDisplay, PredictiveDensityDisplay,
    ... )
    >>> X, y, truth = make_step(100, random_state=0, return_truth=True)
    >>> x = np.linspace(-3, 3, 200)
    >>> mixture = truth.density(x[:, None])
    >>> parts = PredictiveDensityDisplay((x,), *mixture, X=X, y=y), ExpertsDisplay((x,), *mixture)
    >>> OverviewDisplay(*parts, MixingProbabilitiesDisplay((x,), mixture[0])).plot().axes_.shape
    (2, 2)
    """

    def __init__(
        self,
        density: PredictiveDensityDisplay,
        experts: ExpertsDisplay,
        gate: MixingProbabilitiesDisplay,
        calibration: CalibrationDisplay | None = None,
        *,
        held: Mapping[str, Any] | None = None,
    ):
        self.density, self.experts, self.gate, self.calibration = density, experts, gate, calibration
        self.held = dict(held or {})

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        features: Any = None,
        fixed: Mapping[Any, Any] | None = None,
        output: int = 0,
        grid_resolution: int | None = None,
        margin: float = 0.05,
        ax: Any = None,
        **plot_kw: Any,
    ) -> Self:
        """Predict on a grid over the range of X and at the rows, and draw.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted. The axes are in the units of a pipeline's inputs.
        X : array-like of shape (m, n_features)
            Gives the range of the grid, and the rows. The calibration tells most with rows that the
            estimator was not fitted on.
        y : array-like of shape (m,) or (m, n_outputs), default=None
            If given, the rows are drawn too, and the calibration of their predictions.
        features : int, str or sequence of one or two of these, default=None
            Features to draw over, by number or name. None is all that are numbers, vary in X and are not held
            by ``fixed``, if there are one or two; of more, the one along which the predicted mean changes
            most over the range of X while the others are held.
        fixed : dict of feature to value, default=None
            Values at which other features are held. Those not named are held at their median in X, or at
            their most frequent value if they are not numbers.
        output : int, default=0
            Which output to draw, if there are several.
        grid_resolution : int, default=None
            Points along each drawn feature. None is 200 for one feature, 60 for two.
        margin : float, default=0.05
            How far the grid reaches beyond X on each side, as a part of the range of X.
        ax : array-like of matplotlib Axes, default=None
            Where to draw: four Axes over one feature, 3 (1 + n_experts) over two. None makes a figure.
        **plot_kw
            Further arguments of :meth:`plot`.

        Returns
        -------
        display

        Raises
        ------
        TypeError
            If the estimator is no mixture.
        ValueError
            If the features cannot be drawn over, or there is no such output.
        """
        if features is None:
            features = _features_to_draw(estimator, X, fixed, output)
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        density = PredictiveDensityDisplay._from_grid(estimator, grid, y, output)
        experts = ExpertsDisplay._from_grid(estimator, grid, y, output)
        gate = MixingProbabilitiesDisplay(grid.coordinates, experts.weights, feature_names=grid.names)
        calibration = None if y is None else CalibrationDisplay._from_rows(estimator, X, y, output)
        return cls(density, experts, gate, calibration, held=grid.held).plot(ax, **plot_kw)

    @property
    def caption(self) -> str:
        """What is held, and what that means for the rows."""
        if not self.held:
            return ""
        named = [f"{name} = {_short(value)}" for name, value in list(self.held.items())[:N_NAMED]]
        more = len(self.held) - len(named)
        held = ", ".join(named) + (f" and {more} more" if more else "")
        rows = "" if self.density.y is None else "\nPoints: all rows, also those far from these values."
        return f"Other features held at {held}.{rows}"

    def plot(
        self,
        ax: Any = None,
        *,
        density_kw: Keywords = None,
        experts_kw: Keywords = None,
        gate_kw: Keywords = None,
        calibration_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw: four Axes over one feature, 3 (1 + n_experts) over two. None makes a figure, with
            the caption below.
        density_kw, experts_kw, gate_kw, calibration_kw : dict, default=None
            Arguments of the displays' own ``plot``.

        Returns
        -------
        self
        """
        is_plane = len(self.gate.coordinates) == 2
        K = self.gate.weights.shape[-1]
        options: dict[str, Any] = {"legend": False}
        if is_plane:
            self.axes_ = make_axes(ax, 3, 1 + K, (3.6, 2.9))
            panels: Any = self.axes_[:2, 0], self.axes_[:2, 1:], self.axes_[2, 1:], self.axes_[2, 0]
            dashes = options
        else:
            self.axes_ = make_axes(ax, 2, 2, (5.6, 3.8))
            panels = self.axes_.ravel()
            dashes = {"linestyles": [DASHES[k % len(DASHES)] for k in range(K)], **options}
        self.figure_ = self.axes_[0, 0].figure
        # Rows that do not belong to the cut must not hide it.
        rows = {"scatter_kw": {"alpha": CUT_ALPHA}} if self.held and not is_plane else {}
        self.density.plot(panels[0], **{**options, **rows, **(density_kw or {})})
        self.experts.plot(panels[1], **{**dashes, **rows, **(experts_kw or {})})
        if K > 1:
            self.gate.plot(panels[2], **{**dashes, **(gate_kw or {})})
        else:
            _say(np.ravel(panels[2])[0], "There is one expert,\nand so no gate.")
        if self.calibration is not None:
            self.calibration.plot(panels[3], **{"kind": "coverage", **options, **(calibration_kw or {})})
        else:
            _say(panels[3], "The calibration needs y.")
        self._set_titles_of_plane(K) if is_plane else self._set_titles()
        if ax is None:
            self._wrap(PLANE_LABEL_WIDTH if is_plane else LABEL_WIDTH)
        return self

    def _wrap(self, label_width: int) -> None:
        """Break long names into lines, and add the caption, in a figure of its own."""
        for each in self.figure_.axes:
            each.set(xlabel=fill(each.get_xlabel(), label_width), ylabel=fill(each.get_ylabel(), label_width))
        if self.held:
            width = int(CHARACTERS_PER_INCH * self.figure_.get_figwidth())
            # A line does not end between a name and its value.
            lines = [fill(line.replace(" = ", "\xa0=\xa0"), width) for line in self.caption.splitlines()]
            caption = self.figure_.supxlabel("\n".join(lines), fontsize="medium").get_text()
            height = LINE_HEIGHT * (1 + caption.count("\n"))
            self.figure_.set_figheight(self.figure_.get_figheight() + height)

    def _set_titles(self) -> None:
        """Say above each panel over one feature what it shows."""
        for each, title in zip(self.axes_.flat, ("density", "experts", "gate", self._counted), strict=True):
            _set_title(each, title)

    def _set_titles_of_plane(self, K: int) -> None:
        """Say above each panel over two features what it shows; name features once."""
        titles = "density: mean", "density: spread", self._counted
        for each, title in zip(self.axes_[:, 0], titles, strict=True):
            _set_title(each, title, width=PLANE_LEGEND_WIDTH)
        for k, each in enumerate(self.axes_[2, 1:]):
            each.set_title(f"gate: expert {k + 1}" if K > 1 else "gate")
            if K > 1:
                self.axes_[1, 1 + k].set_xlabel("")  # it is below the gate
        self.axes_[0, 0].set_xlabel("")
        self.axes_[1, 0].set_ylabel(self.gate.feature_names[1])

    @property
    def _counted(self) -> str:
        """Title of the calibration."""
        return "calibration" + (f" on {len(self.calibration.pit)} rows" if self.calibration else "")


def _features_to_draw(estimator: Any, X: Any, fixed: Mapping[Any, Any] | None, output: int) -> Any:
    """All features that can be drawn, if they are one or two, else that along which the mean changes most."""
    candidates = varying_features(estimator, X, fixed, at_most=None)
    if len(candidates) <= 2:
        return candidates or 0  # of which an error says that it does not vary
    changes = []
    for feature in candidates:
        rows = make_grid(estimator, X, feature, fixed, N_TRIED, margin=0.0).rows
        changes.append(np.ptp(select_output(ask(estimator, "predict", rows), 1, output)))
    return candidates[int(np.argmax(changes))]


def _short(value: Any) -> str:
    """A number in four digits, and other values as they are."""
    return f"{value:.4g}" if isinstance(value, Number) and not isinstance(value, bool) else str(value)


def _say(ax: Any, text: str) -> None:
    """Write into a panel in which there is nothing to draw."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
    ax.set_axis_off()


def _set_title(ax: Any, title: str, width: int = LEGEND_WIDTH) -> None:
    """Title of a panel: that of its legend if it has one, which stands where the panel's own would."""
    if ax.get_legend_handles_labels()[1]:
        add_legend(ax, width, fontsize="small", title=title, title_fontsize="large", alignment="left")
    else:
        ax.set_title(title)
