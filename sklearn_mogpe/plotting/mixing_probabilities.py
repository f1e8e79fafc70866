"""How probable each expert is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .answers import ask
from .base import Coordinates, GridDisplay
from .canvas import Keywords, area_style, expert_colors, line_style, make_axes
from .grid import make_grid

# Of the contours: the same in all pictures, so that these can be compared.
LEVELS = np.linspace(0, 1, 11)


class MixingProbabilitiesDisplay(GridDisplay):
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

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

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

    def __init__(
        self, coordinates: Coordinates, weights: ArrayLike, *, feature_names: Sequence[str] | None = None
    ):
        super().__init__(coordinates, feature_names)
        (self.weights,) = self._check_values(weights)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        features: Any = None,
        fixed: Mapping[Any, Any] | None = None,
        grid_resolution: int | None = None,
        margin: float = 0.05,
        ax: Any = None,
        **plot_kw: Any,
    ) -> Self:
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

        Raises
        ------
        TypeError
            If the estimator is no mixture.
        ValueError
            If the features cannot be drawn over.
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        weights = grid.shaped(ask(estimator, "predict_mixing_proba", grid.rows))
        return cls(grid.coordinates, weights, feature_names=grid.names).plot(ax, **plot_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "lines",
        colors: Sequence[Any] | None = None,
        linestyles: Sequence[Any] | None = None,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        area_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or n_experts of them over two features, default=None
            Where to draw. None makes a figure.
        kind : {"lines", "stacked"}, default="lines"
            Over one feature.
        colors : sequence of n_experts colours, default=None
            Over one feature.
        linestyles : sequence of n_experts line styles, default=None
            Over one feature. None is all solid.
        legend, colorbar : bool, default=True
        line_kw, area_kw : dict, default=None
            Styles for ``Axes.plot`` and ``Axes.fill_between``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the kind is another.
        """
        if kind not in ("lines", "stacked"):
            raise ValueError(f'Expected "lines" or "stacked" as kind, got {kind!r}.')
        labels = [f"expert {k + 1}" for k in range(self.weights.shape[-1])]
        if len(self.coordinates) == 2:
            parts, options = {"mixing probability": self.weights}, {"cmap": "Purples", "levels": LEVELS}
            return self._plot_contours(ax, 1, (3.6, 3.2), labels, parts, contour_kw, colorbar, **options)
        ax = make_axes(ax, panel_size=(6.4, 2.8))[0, 0]
        x, stacked = self.coordinates[0], kind == "stacked"
        tops = np.cumsum(self.weights, axis=1) if stacked else self.weights
        bottoms = tops - self.weights
        self.lines_, self.areas_ = [], []
        linestyles = ["-"] * len(labels) if linestyles is None else linestyles
        for k, color in enumerate(expert_colors(len(labels)) if colors is None else colors):
            options = area_style(area_kw, color=color, alpha=0.8 if stacked else 0.1)
            self.areas_.append(ax.fill_between(x, bottoms[:, k], tops[:, k], **options))
            if stacked:
                self.areas_[k].set_label(labels[k])
            else:
                options = line_style(line_kw, color=color, linestyle=linestyles[k])
                self.lines_ += ax.plot(x, tops[:, k], label=labels[k], **options)
        limits = {"ylim": (0, 1 if stacked else 1.02), "yticks": (0, 0.5, 1)}
        return self._finish(ax, legend, ylabel="mixing probability", **limits)
