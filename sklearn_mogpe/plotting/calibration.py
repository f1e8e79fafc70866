"""Whether the predictive density is as wide as the data say."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from ..predictive import gaussian_mixture
from .answers import predict_mixture, select_output
from .canvas import INK, MIXED, SHADE, Keywords, add_legend, area_style, line_style, make_axes

KINDS = {"both": 2, "histogram": 1, "coverage": 1}

# Nominal coverages at which the band is drawn: enough for upright steps.
N_LEVELS = 501


class CalibrationDisplay:
    """Histogram of the probability integral transform (PIT), and coverage of the central intervals.

    The PIT of a row is the predicted probability of a y below the observed one. If the predictions are
    calibrated, it is uniform on [0, 1] [1]_. A histogram that is high at both ends tells of densities that
    are too narrow, one that is high in the middle of densities that are too wide. The bands hold what a
    calibrated model would show with the probability ``confidence``, at each place by itself.

    Parameters
    ----------
    pit : array of shape (n,)
        Values between 0 and 1.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : array of matplotlib Axes
        Of the histogram, of the coverage, or of both.
    counts_ : array of shape (n_bins,)
        Rows in each bin of the histogram.
    bars_ : BarContainer
        The histogram.
    histogram_band_ : PolyCollection
        Expected of a calibrated model.
    coverage_line_ : Line2D
        Part of the rows in the central interval, against the interval's probability.
    coverage_band_ : PolyCollection
        Expected of a calibrated model.

    References
    ----------
    .. [1] T. Gneiting, F. Balabdaoui, A. E. Raftery (2007). Probabilistic forecasts, calibration and
       sharpness. Journal of the Royal Statistical Society, series B, 69(2), 243-268.

    Examples
    --------
    >>> from sklearn_mogpe.plotting import CalibrationDisplay
    >>> pit = np.random.default_rng(0).uniform(size=200)
    >>> int(CalibrationDisplay(pit).plot(n_bins=5).counts_.sum())
    200
    """

    def __init__(self, pit: ArrayLike):
        self.pit = np.asarray(pit, dtype=float)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: ArrayLike, y: ArrayLike, *, output: int = 0, ax: Any = None, **plot_kw: Any
    ) -> Self:
        """Predict at X, compare with y, and draw.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted.
        X : array-like of shape (n, n_features)
            Rows, preferably such as the estimator was not fitted on.
        y : array-like of shape (n,) or (n, n_outputs)
        output : int, default=0
            Which output to draw, if there are several.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw. None makes a figure.
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
            If there is no such output.
        """
        return cls._from_rows(estimator, X, y, output).plot(ax, **plot_kw)

    @classmethod
    def _from_rows(cls, estimator: Any, X: Any, y: Any, output: int) -> Self:
        """Compare one output with y, and draw nothing yet."""
        weights, means, stds = predict_mixture(estimator, X, output)
        observed = select_output(y, 1, output)[:, None]
        return cls(gaussian_mixture.cdf(observed, weights, means[..., None], stds[..., None])[:, 0])

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "both",
        n_bins: int = 10,
        confidence: float = 0.95,
        legend: bool = True,
        bar_kw: Keywords = None,
        line_kw: Keywords = None,
        band_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them for both kinds, default=None
            Where to draw. None makes a figure.
        kind : {"both", "histogram", "coverage"}, default="both"
        n_bins : int, default=10
            Of the histogram.
        confidence : float, default=0.95
            Probability that a calibrated model stays within the band, at each place by itself.
        legend : bool, default=True
        bar_kw, line_kw, band_kw : dict, default=None
            Styles of the histogram, the coverage and the bands, for ``Axes.bar``, ``Axes.plot`` and
            ``Axes.fill_between``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the kind is another.
        """
        if kind not in KINDS:
            raise ValueError(f"Expected one of {list(KINDS)} as kind, got {kind!r}.")
        axes = make_axes(ax, 1, KINDS[kind], (4.2, 3.6))[0]
        tails = 0.5 - confidence / 2, 0.5 + confidence / 2
        band_style = area_style(band_kw, color=INK, alpha=0.15, label=f"{confidence:.0%} if calibrated")
        if kind != "coverage":
            self._plot_histogram(axes[0], n_bins, tails, bar_kw, band_style)
        if kind != "histogram":
            self._plot_coverage(axes[-1], tails, line_kw, band_style)
        if legend:
            for each in axes:
                add_legend(each)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _plot_histogram(
        self, ax: Any, n_bins: int, tails: tuple[float, float], bar_kw: Keywords, band_style: dict[str, Any]
    ) -> None:
        self.counts_, edges = np.histogram(self.pit, n_bins, range=(0, 1))
        options = area_style(bar_kw, color=SHADE, edgecolor="white", linewidth=0.8)
        self.bars_ = ax.bar(edges[:-1], self.counts_, 1 / n_bins, align="edge", **options)
        band = binom.ppf(tails, len(self.pit), 1 / n_bins)
        self.histogram_band_ = ax.fill_between([0, 1], *band, **{"zorder": 2, **band_style})
        ax.axhline(len(self.pit) / n_bins, color=INK, linewidth=0.8, linestyle=":")
        ax.set(xlabel="probability integral transform", ylabel="rows", xlim=(0, 1))

    def _plot_coverage(
        self, ax: Any, tails: tuple[float, float], line_kw: Keywords, band_style: dict[str, Any]
    ) -> None:
        # A row is in the central interval of probability c if its PIT is within c / 2 of the middle.
        needed = np.sort(np.abs(2 * self.pit - 1))
        nominal = np.concatenate([[0], needed, [1]])
        observed = np.concatenate([[0], np.arange(1, len(needed) + 1) / len(needed), [1]])
        levels = np.linspace(0, 1, N_LEVELS)
        band = binom.ppf(np.reshape(tails, (2, 1)), len(needed), levels) / len(needed)
        self.coverage_band_ = ax.fill_between(levels, *band, **band_style)
        ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        options = line_style(line_kw, color=MIXED, drawstyle="steps-post", label="observed")
        (self.coverage_line_,) = ax.plot(nominal, observed, **options)
        ax.set(xlabel="nominal coverage", ylabel="observed coverage", xlim=(0, 1), ylim=(0, 1))
        ax.set_aspect("equal")
