"""Each expert's prediction, as strong as the expert is probable."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..predictive.arrays import Array
from .answers import predict_experts
from .base import MixtureDisplay
from .canvas import INK, Keywords, area_style, expert_colors, make_axes, style

# Where an expert is less probable than this, its band does not widen the axes.
VISIBLE = 0.05

# Widths of a line along the horizontal axis, by which dashes are as long as Matplotlib would make them.
LINE_WIDTHS = 180


class ExpertsDisplay(MixtureDisplay):
    """What each expert predicts: mean ± 2 std over one feature, contours of both over two.

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
        Rows of data at the drawn features, to show with the experts.
    y : array of shape (m,), default=None
        Their targets.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of matplotlib Axes, of shape (2, n_experts)
        Over two features: means above, standard deviations below.
    lines_ : list of LineCollection
        Each expert's mean, in pieces from one input of the grid to the next.
    bands_ : list of QuadMesh
        Each expert's mean ± 2 std.
    scatter_ : Line2D, or list of PathCollection
        The data, if there are any; over two features in each of the upper panels.
    contours_ : list of QuadContourSet
        Over two features: of the means, then of the standard deviations.
    borders_ : list of QuadContourSet
        Over two features: where an expert has probability 1/2, for each panel that such a line crosses.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_two_branches
    >>> from sklearn_mogpe.plotting import ExpertsDisplay
    >>> X, y, truth = make_two_branches(100, random_state=0, return_truth=True)
    >>> x = np.linspace(-3, 3, 200)
    >>> display = ExpertsDisplay((x,), *truth.density(x[:, None]), X=X, y=y).plot()
    >>> len(display.lines_)
    2
    """

    _predict = staticmethod(predict_experts)

    def plot(
        self,
        ax: Any = None,
        *,
        fade: bool = True,
        colors: Sequence[Any] | None = None,
        linestyles: Sequence[Any] | None = None,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        band_kw: Keywords = None,
        scatter_kw: Keywords = None,
        contour_kw: Keywords = None,
        border_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or 2 n_experts of them over two features, default=None
            Where to draw. None makes a figure.
        fade : bool, default=True
            Over one feature: draw each expert as opaque as it is probable.
        colors : sequence of n_experts colours, default=None
            Over one feature.
        linestyles : sequence of n_experts line styles, default=None
            Over one feature: "-", or (0, lengths of dashes and gaps in widths of the line), as Matplotlib
            writes them. None is all solid.
        legend, colorbar : bool, default=True
        line_kw : dict, default=None
            Style of the means, for ``LineCollection``.
        band_kw : dict, default=None
            Style of the bands, for ``Axes.pcolormesh``; its alpha is where an expert is certain.
        scatter_kw : dict, default=None
            Style of the data, for ``Axes.plot`` over one feature, ``Axes.scatter`` over two.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.
        border_kw : dict, default=None
            Style of the line of probability 1/2 over two features, for ``Axes.contour``.

        Returns
        -------
        self
        """
        if len(self.coordinates) == 2:
            return self._plot_columns(ax, contour_kw, border_kw, scatter_kw, colorbar)
        ax = make_axes(ax)[0, 0]
        colors = expert_colors(self.weights.shape[1]) if colors is None else colors
        self.lines_: list[Any] = []
        self.bands_: list[Any] = []
        linestyles = ["-"] * len(colors) if linestyles is None else linestyles
        for k, (color, linestyle) in enumerate(zip(colors, linestyles, strict=True)):
            self._plot_expert(ax, k, color, linestyle, fade, line_kw, band_kw)
        self._draw_data(ax, scatter_kw, markersize=2)
        return self._finish(ax, legend, ylabel=self.target_name, ylim=self._limits())

    def _plot_expert(
        self,
        ax: Any,
        k: int,
        color: Any,
        linestyle: Any,
        fade: bool,
        line_kw: Keywords,
        band_kw: Keywords,
    ) -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgb

        x, mean, std = self.coordinates[0], self.means[:, k], self.stds[:, k]

        def shade(weights: Array) -> Array:
            """A colour for each piece of the curve."""
            opacity = 0.5 * (weights[:-1] + weights[1:]) if fade else np.ones(len(weights) - 1)
            return np.column_stack([np.tile(to_rgb(color), (len(opacity), 1)), opacity])

        # Collections and meshes can change their opacity, lines cannot.
        options = area_style(band_kw, alpha=0.25)
        shades = shade(self.weights[:, k])
        strength = [1.0, 1.0, 1.0, options.pop("alpha")]
        band = mean + 2 * std * [[-1], [1]]
        self.bands_.append(ax.pcolormesh(np.stack([x, x]), band, shades[None] * strength, **options))
        ends, drawn = _cut(x, linestyle)
        points = np.column_stack([ends, np.interp(ends, x, mean)])
        pieces = np.stack([points[:-1], points[1:]], axis=1)[drawn]
        shades = shade(np.interp(ends, x, self.weights[:, k]))[drawn]
        options = style(LineCollection, line_kw, linewidth=2, capstyle="butt")
        self.lines_.append(ax.add_collection(LineCollection(list(pieces), colors=shades, **options)))
        label = f"expert {k + 1}, mean ± 2 std"
        ax.plot([], [], color=color, linewidth=2, linestyle=linestyle, label=label)

    def _limits(self) -> tuple[float, float]:
        """Ends of the vertical axis: the data, and the bands where they can be seen."""
        visible = self.weights > VISIBLE
        low, high = (self.means + 2 * self.stds * sign for sign in (-1, 1))
        ends = np.concatenate([low[visible], high[visible], [] if self.y is None else self.y])
        margin = 0.05 * np.ptp(ends)
        return ends.min() - margin, ends.max() + margin

    def _plot_columns(
        self, ax: Any, contour_kw: Keywords, border_kw: Keywords, scatter_kw: Keywords, colorbar: bool
    ) -> Self:
        """Draw over two features: a column of panels for each expert."""
        K = self.weights.shape[2]
        titles = [f"expert {k + 1}" for k in range(K)]
        parts = {f"mean of {self.target_name}": self.means, f"std of {self.target_name}": self.stds}
        self._plot_contours(ax, 2, (3.9, 3.0), titles, parts, contour_kw, colorbar)
        self.borders_, self.scatter_ = [], []
        for column, contour_set, weights in zip(self.axes_.T, self.contours_, self.weights.T, strict=False):
            if self.y is not None:
                self.scatter_.append(self._scatter_targets(column[0], contour_set, scatter_kw))
            if weights.min() < 0.5 < weights.max():
                for each, color in zip(column, ("white", INK), strict=True):
                    options = {"levels": [0.5], "colors": color, "linestyles": "--", **(border_kw or {})}
                    self.borders_.append(each.contour(*self.coordinates, weights, **options))
        return self


def _cut(x: Array, linestyle: Any) -> tuple[Array, Array]:
    """Ends of the pieces of a curve over x, of shape (n,), and which pieces are drawn, of shape (n - 1,).

    The pieces end at x, and where a dash begins or ends: a collection would begin anew with each piece.
    """
    if isinstance(linestyle, str):
        if linestyle != "-":
            raise ValueError(
                f'Expected "-" or (0, lengths) as a line style of an expert, got {linestyle!r}; '
                "for example (0, (4, 2))."
            )
        return x, np.ones(len(x) - 1, dtype=bool)
    unit = (x[-1] - x[0]) / LINE_WIDTHS
    lengths = unit * np.asarray(linestyle[1], dtype=float)
    cuts = x[0] + np.cumsum(np.tile(lengths, int(LINE_WIDTHS * unit / lengths.sum()) + 1))
    ends = np.union1d(x, cuts[cuts < x[-1]])
    middles = 0.5 * (ends[:-1] + ends[1:])
    return ends, np.searchsorted(cuts, middles) % 2 == 0
