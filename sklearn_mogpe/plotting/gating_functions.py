"""The latent functions of the gate."""

import numpy as np

from .canvas import (
    INK,
    MIXED,
    add_legend,
    area_style,
    contours,
    expert_colors,
    label_panels,
    line_style,
    make_axes,
)
from .grid import ask, check_coordinates, default_names, make_grid


class GatingFunctionsDisplay:
    """The gate's latent functions h: mean ± 2 std over one feature, contours of both over two.

    The gate turns them into mixing probabilities: of two experts, the first has probability Φ(h); of more,
    expert k has the k-th of softmax(h_1, ..., h_K).

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    means, stds : arrays of shape (n1, n_functions) or (n1, n2, n_functions)
        Of the latent functions.
    feature_names : sequence of str, default=None
        Names of the drawn features.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of matplotlib Axes, of shape (2, n_functions)
        Over two features: means above, standard deviations below.
    lines_ : list of Line2D
        Each function's mean.
    bands_ : list of PolyCollection
        Each function's mean ± 2 std.
    contours_ : list of QuadContourSet
        Over two features: of the means, then of the standard deviations.

    Examples
    --------
    >>> from sklearn_mogpe.plotting import GatingFunctionsDisplay
    >>> x = np.linspace(-3, 3, 50)
    >>> display = GatingFunctionsDisplay((x,), -x[:, None], np.full((50, 1), 0.3)).plot()
    >>> display.ax_.get_ylabel()
    'gating function'
    """

    def __init__(self, coordinates, means, stds, *, feature_names=None):
        self.coordinates, self.means, self.stds = check_coordinates(coordinates, means, stds)
        self.feature_names = default_names(len(coordinates)) if feature_names is None else feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        features=None,
        fixed=None,
        grid_resolution=None,
        margin=0.05,
        ax=None,
        **plot_kw,
    ):
        """Predict on a grid over the range of X, and draw.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted, with at least two experts. The axes are in the units of a pipeline's inputs.
        X : array-like of shape (m, n_features)
            Gives the range of the grid.
        features : int, str or sequence of one or two of these, default=None
            Features to draw over, by number or name. None is all, of which there must be one or two.
        fixed : dict of feature to float, default=None
            Values at which other features are held. Those not named are held at their median in X.
        grid_resolution : int, default=None
            Points along each drawn feature. None is 200 for one feature, 60 for two.
        margin : float, default=0.05
            How far the grid reaches beyond X on each side, as a part of the range of X.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw. None makes a figure.
        **plot_kw
            Further arguments of :meth:`plot`.

        Returns
        -------
        display
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        functions = ask(estimator, "predict_gating_functions", grid.rows, return_std=True)
        parts = (grid.shaped(part) for part in functions)
        return cls(grid.coordinates, *parts, feature_names=grid.names).plot(ax, **plot_kw)

    def plot(
        self,
        ax=None,
        *,
        colors=None,
        legend=True,
        colorbar=True,
        line_kw=None,
        band_kw=None,
        contour_kw=None,
    ):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or 2 n_functions of them over two features, default=None
            Where to draw. None makes a figure.
        colors : sequence of n_functions colours, default=None
            Over one feature.
        legend, colorbar : bool, default=True
        line_kw, band_kw : dict, default=None
            Styles for ``Axes.plot`` and ``Axes.fill_between``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        H = self.means.shape[-1]
        names = ["h"] if H == 1 else [f"h{k + 1}" for k in range(H)]
        if len(self.coordinates) == 2:
            return self._plot_contours(ax, names, contour_kw, colorbar)
        ax = make_axes(ax)[0, 0]
        x = self.coordinates[0]
        if colors is None:
            colors = [MIXED] if H == 1 else expert_colors(H)
        self.lines_, self.bands_ = [], []
        for name, color, mean, std in zip(names, colors, self.means.T, self.stds.T, strict=True):
            options = area_style(band_kw, color=color, alpha=0.2)
            self.bands_.append(ax.fill_between(x, mean - 2 * std, mean + 2 * std, **options))
            label = f"{name}, mean ± 2 std" + ", where Pr(expert 1) = Φ(h)" * (H == 1)
            self.lines_ += ax.plot(x, mean, **{"label": label, **line_style(line_kw, color=color)})
        if H == 1:
            ax.axhline(0, color=INK, linewidth=0.8, linestyle=":", zorder=0)  # both experts are as probable
        ax.set(xlabel=self.feature_names[0], ylabel="gating function", xlim=x[[0, -1]])
        if legend:
            add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_contours(self, ax, names, contour_kw, colorbar):
        axes = make_axes(ax, 2, len(names), (3.9, 3.0), sharex=True, sharey=True)
        self.contours_ = []
        parts = ("mean of h", self.means, "viridis"), ("std of h", self.stds, "Oranges")
        for row, (label, values, cmap) in zip(axes, parts, strict=True):
            self.contours_ += contours(
                row,
                self.coordinates,
                np.moveaxis(values, 2, 0),
                label,
                contour_kw=contour_kw,
                colorbar=colorbar,
                cmap=cmap,
            )
        for each, name in zip(axes[0], names, strict=True):
            each.set_title(name)
        label_panels(axes, self.coordinates, self.feature_names)
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self
