"""What the displays over one or two features share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ..predictive import gaussian_mixture
from ..predictive.arrays import Array, Mixture
from .answers import predict_mixture, select_target
from .canvas import INK, MIXED, Keywords, add_legend, draw_band, draw_points, line_style, make_axes, style
from .grid import Grid, default_names, make_grid

# Values of one or two features.
Coordinates = Sequence[ArrayLike]

# Of the contours: of the first row of panels and of the second.
COLORMAPS = "viridis", "Oranges"


class GridDisplay:
    """Values over one or two features: drawn into one panel, or into panels of contours.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    """

    X: Any  # the data, where they are drawn
    y: Any

    def __init__(self, coordinates: Coordinates, feature_names: Sequence[str] | None = None):
        self.coordinates = tuple(np.asarray(part, dtype=float) for part in coordinates)
        shapes = [part.shape for part in self.coordinates]
        if len(shapes) not in (1, 2) or any(len(shape) != 1 for shape in shapes):
            raise ValueError(
                "Expected coordinates of one or two features, each of shape (n,), got "
                f"{len(shapes)} of shapes {shapes[:3]}; of one, pass (x,)."
            )
        self.feature_names = default_names(len(shapes)) if feature_names is None else feature_names

    def _check_values(self, *values: ArrayLike) -> list[Array]:
        """Arrays, all of one shape (n1, k) or (n1, n2, k)."""
        arrays = [np.asarray(value, dtype=float) for value in values]
        shape = *map(len, self.coordinates), arrays[0].shape[-1]
        for array in arrays:
            if array.shape != shape:
                raise ValueError(f"Expected values of shape {shape} at the coordinates, got {array.shape}.")
        return arrays

    def _draw_data(self, ax: Any, scatter_kw: Keywords, **defaults: Any) -> None:
        """Draw the rows over one feature, if there are any."""
        if self.y is not None:
            options = {"color": INK, "marker": "o", **defaults}
            self.scatter_ = draw_points(ax, self.X[:, 0], self.y, scatter_kw, **options)

    def _finish(self, ax: Any, legend: bool, **settings: Any) -> Self:
        """Name and keep the axes over one feature, which end where the grid ends."""
        ax.set(xlabel=self.feature_names[0], xlim=self.coordinates[0][[0, -1]], **settings)
        if legend:
            add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_contours(
        self,
        ax: Any,
        n_rows: int,
        panel_size: tuple[float, float],
        titles: Sequence[str],
        parts: dict[str, Array],
        contour_kw: Keywords,
        colorbar: bool,
        **defaults: Any,
    ) -> Self:
        """Draw over two features, the titles above the columns of panels.

        The parts are values (n1, n2, k) by the labels of their colour bars, each for the next k panels.
        """
        axes = make_axes(ax, n_rows, len(titles), panel_size, sharex=True, sharey=True)
        self.contours_ = []
        rows = axes.reshape(len(parts), -1)
        for row, (label, values), cmap in zip(rows, parts.items(), COLORMAPS, strict=False):
            sets = self._draw_contours(row, values, **{"cmap": cmap, **defaults, **(contour_kw or {})})
            if colorbar:
                row[0].figure.colorbar(sets[0], ax=list(row), label=label)
            self.contours_ += sets
        for each in axes.flat:
            each.set(xlim=self.coordinates[0][[0, -1]], ylim=self.coordinates[1][[0, -1]])
        for each, title in zip(axes[0], titles, strict=True):
            each.set_title(title)
        for each in axes[-1]:
            each.set_xlabel(self.feature_names[0])
        for each in axes[:, 0]:
            each.set_ylabel(self.feature_names[1])
        self.axes_, self.figure_ = axes if n_rows > 1 else axes[0], axes[0, 0].figure
        return self

    def _draw_contours(self, axes: Any, values: Array, levels: Any = 12, **options: Any) -> list[Any]:
        """Draw values (n1, n2, k) as contours into k panels that share their levels."""
        from matplotlib.ticker import MaxNLocator

        if np.ndim(levels) == 0:
            levels = MaxNLocator(levels).tick_values(values.min(), values.max())
        panels = zip(axes, values.T, strict=True)
        return [each.contourf(*self.coordinates, part, levels=levels, **options) for each, part in panels]


class MixtureDisplay(GridDisplay):
    """The components of one output's predictive density, with the data."""

    def __init__(
        self,
        coordinates: Coordinates,
        weights: ArrayLike,
        means: ArrayLike,
        stds: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        target_name: str = "y",
        X: Any = None,
        y: Any = None,
    ):
        super().__init__(coordinates, feature_names)
        self.weights, self.means, self.stds = self._check_values(weights, means, stds)
        self.target_name, self.X, self.y = target_name, X, y

    _predict = staticmethod(predict_mixture)

    @property
    def mean(self) -> Array:
        """Mean of y, of shape (n1,) or (n1, n2)."""
        return gaussian_mixture.mean(*self._flat()[:2])[:, 0].reshape(self.weights.shape[:-1])

    @property
    def std(self) -> Array:
        """Standard deviation of y, of shape (n1,) or (n1, n2)."""
        return gaussian_mixture.std(*self._flat())[:, 0].reshape(self.weights.shape[:-1])

    def _flat(self) -> Mixture:
        """Weights (n, K), and means and standard deviations (n, K, 1)."""
        K = self.weights.shape[-1]
        return self.weights.reshape(-1, K), self.means.reshape(-1, K, 1), self.stds.reshape(-1, K, 1)

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
        """Predict on a grid over the range of X, and draw.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted. The axes are in the units of a pipeline's inputs.
        X : array-like of shape (m, n_features)
            Gives the range of the grid.
        y : array-like of shape (m,) or (m, n_outputs), default=None
            If given, the rows are drawn too.
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
        display: Any = cls._from_grid(estimator, grid, y, output)
        return display.plot(ax, **plot_kw)

    @classmethod
    def _from_grid(cls, estimator: Any, grid: Grid, y: Any, output: int) -> Self:
        """Predict one output on a grid, and draw nothing yet."""
        components = map(grid.shaped, cls._predict(estimator, grid.rows, output))
        observed, name = select_target(y, output)
        names: dict[str, Any] = {"feature_names": grid.names, "target_name": name}
        return cls(grid.coordinates, *components, **names, X=grid.drawn, y=observed)

    def _draw_mean(self, ax: Any, line_kw: Keywords) -> None:
        """Draw the mean over one feature."""
        options = line_style(line_kw, color=MIXED, label="mean")
        (self.line_,) = ax.plot(self.coordinates[0], self.mean, **options)

    def _draw_samples(
        self, ax: Any, n_samples: int, random_state: Any, samples_kw: Keywords, **defaults: Any
    ) -> None:
        """Draw samples over one feature, if any are wanted."""
        if n_samples:
            draws = gaussian_mixture.sample(n_samples, *self._flat(), check_random_state(random_state))[:, 0]
            x = np.repeat(self.coordinates[0], n_samples)
            options = {"color": MIXED, "marker": ".", "label": "samples", **defaults}
            self.samples_ = draw_points(ax, x, draws.ravel(), samples_kw, **options)

    def _scatter_targets(self, ax: Any, contour_set: Any, scatter_kw: Keywords) -> Any:
        """Draw the rows over two features, their targets in the colours of the contours below them."""
        from matplotlib.collections import PathCollection

        colors = {"c": self.y, "cmap": contour_set.cmap, "norm": contour_set.norm}
        options = style(PathCollection, scatter_kw, s=14, edgecolor="white", linewidth=0.5, **colors)
        return ax.scatter(*self.X.T, **options)

    def _plot_plane(
        self, ax: Any, name: str, spread: Array, contour_kw: Keywords, scatter_kw: Keywords, colorbar: bool
    ) -> Self:
        """Draw over two features: the mean with the data, and beside it a named measure of the spread."""
        target = self.target_name
        parts = {f"mean of {target}": self.mean[..., None], f"{name} of {target}": spread[..., None]}
        self._plot_contours(ax, 1, (4.4, 3.6), ["mean", name], parts, contour_kw, colorbar)
        if self.y is not None:
            self.scatter_ = self._scatter_targets(self.axes_[0], self.contours_[0], scatter_kw)
        return self


class FunctionsDisplay(GridDisplay):
    """Latent functions: their moments, and their inducing inputs."""

    def __init__(
        self,
        coordinates: Coordinates,
        means: ArrayLike,
        stds: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        inducing_inputs: Sequence[Array] = (),
    ):
        super().__init__(coordinates, feature_names)
        self.means, self.stds = self._check_values(means, stds)
        self.inducing_inputs = inducing_inputs

    def _plot_lines(
        self,
        ax: Any,
        labels: list[str],
        colors: Sequence[Any],
        line_kw: Keywords,
        band_kw: Keywords,
        inducing_kw: Keywords,
    ) -> Any:
        """Draw over one feature, each function's inducing inputs as a row of ticks above the axis."""
        ax, x = make_axes(ax)[0, 0], self.coordinates[0]
        self.lines_, self.bands_, self.inducing_ = [], [], []
        for label, color, mean, std in zip(labels, colors, self.means.T, self.stds.T, strict=True):
            self.bands_.append(draw_band(ax, x, mean, std, band_kw, color=color, alpha=0.2))
            self.lines_ += ax.plot(x, mean, **line_style(line_kw, color=color, label=label))
        for i, (Z, color) in enumerate(zip(self.inducing_inputs, colors, strict=False)):
            heights = np.full(len(Z), 0.025 + 0.04 * i)  # parts of the height of the axes
            options = {"marker": "|", "markersize": 7, "color": color, "transform": ax.get_xaxis_transform()}
            self.inducing_.append(draw_points(ax, Z[:, 0], heights, inducing_kw, **options))
        return ax

    def _plot_columns(
        self,
        ax: Any,
        titles: list[str],
        name: str,
        contour_kw: Keywords,
        colorbar: bool,
        inducing_kw: Keywords,
    ) -> Self:
        """Draw over two features: a column of panels for each function, its inducing inputs as crosses."""
        parts = {f"mean of {name}": self.means, f"std of {name}": self.stds}
        self._plot_contours(ax, 2, (3.9, 3.0), titles, parts, contour_kw, colorbar)
        self.inducing_ = []
        options: dict[str, Any] = {"marker": "x", "color": INK, "markersize": 4, "markeredgewidth": 0.8}
        for k, column in enumerate(self.axes_.T):
            if len(self.inducing_inputs):
                x, y = self.inducing_inputs[min(k, len(self.inducing_inputs) - 1)].T
                self.inducing_ += [draw_points(each, x, y, inducing_kw, **options) for each in column]
        return self
