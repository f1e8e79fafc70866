"""How probable each expert is."""

import numpy as np

from .answers import ask
from .canvas import add_legend, area_style, contours, expert_colors, label_panels, line_style, make_axes
from .grid import check_coordinates, default_names, make_grid


class MixingProbabilitiesDisplay:
    """The probability of each expert: curves or stacked areas over one feature, contours over two.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    weights : array of shape (n1, n_experts) or (n1, n2, n_experts)
        Mixing probabilities.
    feature_names : sequence of str, default=None
        Names of the drawn features.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of n_experts matplotlib Axes
        Over two features.
    lines_ : list of Line2D
        Each expert's probability, of ``kind="lines"``.
    areas_ : list of PolyCollection
        The areas below the lines, or stacked.
    contours_ : list of QuadContourSet
        Over two features.

    Examples
    --------
    >>> from sklearn_mogpe.datasets import make_two_branches
    >>> from sklearn_mogpe.plotting import MixingProbabilitiesDisplay
    >>> X, y, truth = make_two_branches(100, random_state=0, return_truth=True)
    >>> x = np.linspace(-3, 3, 200)
    >>> display = MixingProbabilitiesDisplay((x,), truth.density(x[:, None])[0]).plot()
    >>> [line.get_label() for line in display.lines_]
    ['expert 1', 'expert 2']
    """

    def __init__(self, coordinates, weights, *, feature_names=None):
        self.coordinates, self.weights = check_coordinates(coordinates, weights)
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
            Fitted. The axes are in the units of a pipeline's inputs.
        X : array-like of shape (m, n_features)
            Gives the range of the grid.
        features : int, str or sequence of one or two of these, default=None
            Features to draw over, by number or name. None is all, of which there must be one or two.
        fixed : dict of feature to value, default=None
            Values at which other features are held. Those not named are held at their median in X, or at
            their most frequent value if they are not numbers.
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
        weights = grid.shaped(ask(estimator, "predict_mixing_proba", grid.rows))
        return cls(grid.coordinates, weights, feature_names=grid.names).plot(ax, **plot_kw)

    def plot(
        self,
        ax=None,
        *,
        kind="lines",
        colors=None,
        legend=True,
        colorbar=True,
        line_kw=None,
        area_kw=None,
        contour_kw=None,
    ):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or n_experts of them over two features, default=None
            Where to draw. None makes a figure.
        kind : {"lines", "stacked"}, default="lines"
            Over one feature.
        colors : sequence of n_experts colours, default=None
            Over one feature.
        legend, colorbar : bool, default=True
        line_kw, area_kw : dict, default=None
            Styles for ``Axes.plot`` and ``Axes.fill_between``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        if kind not in ("lines", "stacked"):
            raise ValueError(f'Expected "lines" or "stacked" as kind, got {kind!r}.')
        if len(self.coordinates) == 2:
            return self._plot_contours(ax, contour_kw, colorbar)
        ax = make_axes(ax, panel_size=(6.4, 2.8))[0, 0]
        x, K = self.coordinates[0], self.weights.shape[1]
        colors = expert_colors(K) if colors is None else colors
        stacked = kind == "stacked"
        tops = np.cumsum(self.weights, axis=1) if stacked else self.weights
        bottoms = tops - self.weights
        self.lines_, self.areas_ = [], []
        for k, color in enumerate(colors):
            label = f"expert {k + 1}"
            options = area_style(area_kw, color=color, alpha=0.8 if stacked else 0.1)
            area = ax.fill_between(x, bottoms[:, k], tops[:, k], **options)
            self.areas_.append(area)
            if stacked:
                area.set_label(label)
            else:
                self.lines_ += ax.plot(x, tops[:, k], label=label, **line_style(line_kw, color=color))
        ax.set(xlabel=self.feature_names[0], xlim=x[[0, -1]])
        ax.set(ylabel="mixing probability", ylim=(0, 1 if stacked else 1.02), yticks=(0, 0.5, 1))
        if legend:
            add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_contours(self, ax, contour_kw, colorbar):
        axes = make_axes(ax, 1, self.weights.shape[2], (3.6, 3.2), sharex=True, sharey=True)
        self.contours_ = contours(
            axes[0],
            self.coordinates,
            np.moveaxis(self.weights, 2, 0),
            "mixing probability",
            contour_kw=contour_kw,
            colorbar=colorbar,
            cmap="Purples",
            levels=np.linspace(0, 1, 11),
        )
        for k, each in enumerate(axes[0]):
            each.set_title(f"expert {k + 1}")
        label_panels(axes, self.coordinates, self.feature_names)
        self.axes_, self.figure_ = axes[0], axes[0, 0].figure
        return self
