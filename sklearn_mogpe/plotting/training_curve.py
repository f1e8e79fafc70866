"""How training went."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..predictive.unwrap import last_step
from .canvas import COLORS, MIXED, Keywords, add_legend, line_style, make_axes


class TrainingCurveDisplay:
    """The loss, and the held-out rows' negative log density, as training went: smaller is better.

    Parameters
    ----------
    loss_curve : sequence of n_reports floats
        Negative bound and log priors per row, in nats.
    validation_scores : sequence of n_reports floats, default=()
        Mean log density of the held-out rows, in nats; drawn with the opposite sign.
    iterations : sequence of n_reports floats, default=None
        When the reports were made. None is 1, 2, ...

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
    loss_line_ : Line2D
    validation_line_ : Line2D
        If there are validation scores.

    Examples
    --------
    >>> from sklearn_mogpe.plotting import TrainingCurveDisplay
    >>> display = TrainingCurveDisplay([1.0, 0.5, 0.4], iterations=[25, 50, 75]).plot()
    >>> display.ax_.get_xlabel()
    'iteration'
    """

    def __init__(
        self,
        loss_curve: Sequence[float],
        validation_scores: Sequence[float] = (),
        *,
        iterations: Any = None,
    ):
        self.loss_curve = loss_curve
        self.validation_scores = validation_scores
        self.iterations = np.arange(1, len(loss_curve) + 1) if iterations is None else iterations

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **plot_kw: Any) -> Self:
        """Draw the curves of the last fit.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **plot_kw
            Further arguments of :meth:`plot`.

        Returns
        -------
        display

        Raises
        ------
        ValueError
            If training ended before its first report.
        """
        regressor = last_step(estimator)
        check_is_fitted(regressor)
        if not regressor.loss_curve_:
            raise ValueError(
                "Expected at least one report in loss_curve_, got none: was the fit interrupted?"
            )
        iterations = regressor.loss_iterations_
        display = cls(regressor.loss_curve_, regressor.validation_scores_, iterations=iterations)
        return display.plot(ax, **plot_kw)

    def plot(
        self, ax: Any = None, *, legend: bool = True, loss_kw: Keywords = None, validation_kw: Keywords = None
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        legend : bool, default=True
        loss_kw, validation_kw : dict, default=None
            Styles of the curves, for ``Axes.plot``.

        Returns
        -------
        self
        """
        ax = make_axes(ax, panel_size=(6.4, 3.4))[0, 0]
        # A single report is a point, which a line would not show.
        marker = "o" if len(self.loss_curve) <= 50 else "none"
        options = line_style(loss_kw, color=MIXED, marker=marker, markersize=4, label="loss")
        (self.loss_line_,) = ax.plot(self.iterations, self.loss_curve, **options)
        if len(self.validation_scores):
            label = "held-out rows, -log p(y | x)"
            options = line_style(validation_kw, color=COLORS[1], marker=marker, markersize=4, label=label)
            (self.validation_line_,) = ax.plot(
                self.iterations, -np.asarray(self.validation_scores), **options
            )
        ax.set(xlabel="iteration", ylabel="nats per row")
        if legend:
            add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self
