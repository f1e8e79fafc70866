"""How noisy each expert says that y is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from numpy.typing import ArrayLike

from .answers import ask, select_output
from .base import Coordinates, GridDisplay
from .canvas import Keywords, expert_colors, line_style, make_axes
from .grid import make_grid


class NoiseDisplay(GridDisplay):
    """Standard deviation of each expert's noise: lines over one feature, contours over two.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    stds : array of shape (n1, n_experts) or (n1, n2, n_experts)
        Standard deviations of the noise, in units of y.
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
        Each expert's, over one feature.
    contours_ : list of QuadContourSet
        Each expert's, over two features.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mogpe.plotting import NoiseDisplay
    >>> x = np.linspace(-3, 3, 50)
    >>> display = NoiseDisplay((x,), np.column_stack([np.exp(x / 3), np.full(50, 0.1)])).plot()
    >>> [line.get_label() for line in display.lines_]
    ['expert 1', 'expert 2']
    """

    def __init__(
        self, coordinates: Coordinates, stds: ArrayLike, *, feature_names: Sequence[str] | None = None
    ):
        super().__init__(coordinates, feature_names)
        (self.stds,) = self._check_values(stds)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        features: Any = None,
        fixed: Mapping[Any, Any] | None = None,
        output: int = 0,
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
        output : int, default=0
            Which output to draw, if there are several.
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
            If the features cannot be drawn over, or there is no such output.
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        stds = grid.shaped(select_output(ask(estimator, "predict_noise", grid.rows), 2, output))
        return cls(grid.coordinates, stds, feature_names=grid.names).plot(ax, **plot_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        colors: Sequence[Any] | None = None,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or n_experts of them over two features, default=None
            Where to draw. None makes a figure.
        colors : sequence of n_experts colours, default=None
            Over one feature.
        legend, colorbar : bool, default=True
        line_kw : dict, default=None
            Style of the lines, for ``Axes.plot``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        labels = [f"expert {k + 1}" for k in range(self.stds.shape[-1])]
        if len(self.coordinates) == 2:
            parts = {"std of the noise": self.stds}
            return self._plot_contours(ax, 1, (3.6, 3.2), labels, parts, contour_kw, colorbar, cmap="Oranges")
        ax = make_axes(ax, panel_size=(6.4, 2.8))[0, 0]
        colors = expert_colors(len(labels)) if colors is None else colors
        self.lines_: list[Any] = []
        for label, color, std in zip(labels, colors, self.stds.T, strict=True):
            self.lines_ += ax.plot(self.coordinates[0], std, **line_style(line_kw, color=color, label=label))
        return self._finish(ax, legend, ylabel="std of the noise", ylim=(0, None))
