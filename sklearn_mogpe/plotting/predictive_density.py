"""The predictive density of y, and its moments."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..predictive import gaussian_mixture
from .base import MixtureDisplay
from .canvas import DASHES, MIXED, SHADE, Keywords, area_style, draw_band, line_style, make_axes

# Levels beyond which the shading ends, and the heights at which the density is drawn between them.
TAILS = 0.002, 0.998
N_HEIGHTS = 300

# Nats below the highest log density at which its colours end.
LOG_RANGE = 8.0

KINDS = ("relative", "density", "log_density", "intervals")


class PredictiveDensityDisplay(MixtureDisplay):
    """What a mixture predicts: the density of y over one feature, or its mean and std over two.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    weights : array of shape (n1, n_experts) or (n1, n2, n_experts)
        Mixing probabilities.
    means, stds : arrays of the same shape
        Of y given each expert, noise included, in units of y.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    target_name : str, default="y"
    X : array of shape (m, 1) or (m, 2), default=None
        Rows of data at the drawn features, to show with the density.
    y : array of shape (m,), default=None
        Their targets.

    Attributes
    ----------
    mean, std : arrays of shape (n1,) or (n1, n2)
        Of y.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of two matplotlib Axes
        Over two features: of mean and std.
    line_ : Line2D
        The mean.
    interval_lines_ : list of pairs of Line2D
        The lower and the upper end of each interval.
    bands_ : list of PolyCollection
        The intervals, of ``kind="intervals"``.
    mesh_ : QuadMesh
        The density, of the other kinds.
    scatter_ : Line2D or PathCollection
        The data, if there are any.
    samples_ : Line2D
        The samples, if there are any.
    contours_ : list of QuadContourSet
        Over two features: of mean and std.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_step
    >>> from sklearn_mogpe.plotting import PredictiveDensityDisplay
    >>> X, y, truth = make_step(100, random_state=0, return_truth=True)
    >>> x = np.linspace(-3, 3, 200)
    >>> display = PredictiveDensityDisplay((x,), *truth.density(x[:, None]), X=X, y=y)
    >>> display.plot().ax_.get_xlabel()
    'x'
    """

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "relative",
        coverage: ArrayLike = (0.5, 0.9),
        n_samples: int = 0,
        random_state: Any = 0,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        interval_kw: Keywords = None,
        density_kw: Keywords = None,
        scatter_kw: Keywords = None,
        samples_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them over two features, default=None
            Where to draw. None makes a figure.
        kind : {"relative", "density", "log_density", "intervals"}, default="relative"
            Over one feature: what is shaded. The density as a part of the highest at the same input, the
            density, its logarithm, or the central intervals.
        coverage : float or array-like of shape (n_intervals,), default=(0.5, 0.9)
            Over one feature: probabilities of the central intervals whose ends are drawn.
        n_samples : int, default=0
            Over one feature: number of samples at each input of the grid, independent of each other.
        random_state : int, RandomState instance or None, default=0
            For the samples.
        legend, colorbar : bool, default=True
        line_kw, interval_kw : dict, default=None
            Styles of the mean and of the intervals' ends, for ``Axes.plot``.
        density_kw : dict, default=None
            Style of the shading, for ``Axes.pcolormesh``, or ``Axes.fill_between`` for the intervals.
        scatter_kw : dict, default=None
            Style of the data, for ``Axes.plot`` over one feature, ``Axes.scatter`` over two.
        samples_kw : dict, default=None
            Style of the samples, for ``Axes.plot``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the kind is another, or a coverage is not strictly between 0 and 1.
        """
        if kind not in KINDS:
            raise ValueError(f"Expected one of {list(KINDS)} as kind, got {kind!r}.")
        if len(self.coordinates) == 2:
            return self._plot_plane(ax, "standard deviation", self.std, contour_kw, scatter_kw, colorbar)

        ax = make_axes(ax)[0, 0]
        mixture, x = self._flat(), self.coordinates[0]
        coverages = gaussian_mixture.probabilities(coverage, "coverage").ravel()
        edges = [
            [gaussian_mixture.quantile(q, *mixture)[:, 0] for q in (0.5 - c / 2, 0.5 + c / 2)]
            for c in coverages
        ]
        if kind == "intervals":
            options = area_style(density_kw, color=MIXED, alpha=0.18)
            self.bands_ = [ax.fill_between(x, *pair, **options) for pair in edges]
        else:
            self._shade(ax, kind, density_kw, colorbar)
        self.interval_lines_ = []
        for i, (c, pair) in enumerate(zip(coverages, edges, strict=True)):
            options = line_style(interval_kw, color=MIXED, linewidth=0.8, linestyle=DASHES[i % len(DASHES)])
            lines = [ax.plot(x, edge, **options)[0] for edge in pair]
            lines[0].set_label(f"{c:.0%} interval")
            self.interval_lines_.append(lines)
        self._draw_samples(ax, n_samples, random_state, samples_kw, markersize=2)
        self._draw_mean(ax, line_kw)
        self._draw_data(ax, scatter_kw, markersize=3, label="data")
        return self._finish(ax, legend, ylabel=self.target_name)

    def _shade(self, ax: Any, kind: str, density_kw: Keywords, colorbar: bool) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        mixture = self._flat()
        ends = [gaussian_mixture.quantile(q, *mixture) for q in TAILS]
        ends = ends if self.y is None else [*ends, self.y]
        low, high = min(map(np.min, ends)), max(map(np.max, ends))
        heights = np.linspace(low - 0.04 * (high - low), high + 0.04 * (high - low), N_HEIGHTS)
        n = len(self.weights)
        density = gaussian_mixture.log_density(
            np.tile(heights, n)[:, None], *(np.repeat(part, N_HEIGHTS, axis=0) for part in mixture)
        )
        density = density.reshape(n, N_HEIGHTS)
        limits = {"vmin": 0.0}
        if kind == "log_density":
            limits = {"vmin": density.max() - LOG_RANGE}
        else:
            highest = density.max(axis=1, keepdims=True) if kind == "relative" else 0.0
            density = np.exp(density - highest)
        shades = LinearSegmentedColormap.from_list("shades", ["white", SHADE])
        options = {"cmap": shades, "rasterized": True, **limits, **(density_kw or {})}
        self.mesh_ = ax.pcolormesh(self.coordinates[0], heights, density.T, **options)
        if colorbar and kind != "relative":
            label = f"p({self.target_name} | {self.feature_names[0]})"
            ax.figure.colorbar(self.mesh_, ax=ax, label="log " * (kind == "log_density") + label)


class MomentsDisplay(MixtureDisplay):
    """Moments of the mixture: mean ± 2 std with samples over one feature, mean and variance over two.

    Where experts disagree, the moments hide it: the mean may lie where no y does. The samples show it, and
    :class:`PredictiveDensityDisplay` shows the density itself.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    weights : array of shape (n1, n_experts) or (n1, n2, n_experts)
        Mixing probabilities.
    means, stds : arrays of the same shape
        Of y given each expert, noise included, in units of y.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    target_name : str, default="y"
    X : array of shape (m, 1) or (m, 2), default=None
        Rows of data at the drawn features, to show with the moments.
    y : array of shape (m,), default=None
        Their targets.

    Attributes
    ----------
    mean, std : arrays of shape (n1,) or (n1, n2)
        Of y.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of two matplotlib Axes
        Over two features: of mean and variance.
    line_ : Line2D
        The mean.
    band_ : PolyCollection
        Mean ± 2 std.
    samples_ : Line2D
        The samples, if there are any.
    scatter_ : Line2D or PathCollection
        The data, if there are any.
    contours_ : list of QuadContourSet
        Over two features: of mean and variance.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_two_branches
    >>> from sklearn_mogpe.plotting import MomentsDisplay
    >>> X, y, truth = make_two_branches(100, random_state=0, return_truth=True)
    >>> x = np.linspace(-3, 3, 200)
    >>> display = MomentsDisplay((x,), *truth.density(x[:, None])).plot(n_samples=3)
    >>> len(display.samples_.get_xdata())
    600
    """

    def plot(
        self,
        ax: Any = None,
        *,
        n_samples: int = 1,
        random_state: Any = 0,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        band_kw: Keywords = None,
        samples_kw: Keywords = None,
        scatter_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them over two features, default=None
            Where to draw. None makes a figure.
        n_samples : int, default=1
            Over one feature: number of samples at each input of the grid, independent of each other.
        random_state : int, RandomState instance or None, default=0
            For the samples.
        legend, colorbar : bool, default=True
        line_kw : dict, default=None
            Style of the mean, for ``Axes.plot``.
        band_kw : dict, default=None
            Style of the band, for ``Axes.fill_between``.
        samples_kw : dict, default=None
            Style of the samples, for ``Axes.plot``.
        scatter_kw : dict, default=None
            Style of the data, for ``Axes.plot`` over one feature, ``Axes.scatter`` over two.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        if len(self.coordinates) == 2:
            return self._plot_plane(ax, "variance", self.std**2, contour_kw, scatter_kw, colorbar)
        ax = make_axes(ax)[0, 0]
        options = {"color": MIXED, "alpha": 0.18, "label": "mean ± 2 std"}
        self.band_ = draw_band(ax, self.coordinates[0], self.mean, self.std, band_kw, **options)
        self._draw_samples(ax, n_samples, random_state, samples_kw, markersize=3)
        self._draw_mean(ax, line_kw)
        self._draw_data(ax, scatter_kw, markersize=3, label="data")
        return self._finish(ax, legend, ylabel=self.target_name)
