"""The latent functions of the experts and of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from numpy.typing import ArrayLike

from ..predictive.arrays import Array
from .answers import ask, drawn_inducing_inputs, select_output, select_target
from .base import Coordinates, FunctionsDisplay
from .canvas import INK, MIXED, Keywords, expert_colors
from .grid import make_grid


class LatentFunctionsDisplay(FunctionsDisplay):
    """The experts' latent functions f: mean ± 2 std over one feature, contours of both over two.

    An expert says that y is its function plus noise. So these bands, without the noise, tell how well the
    functions are known, those of :class:`ExpertsDisplay` where y is to be expected.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    means, stds : arrays of shape (n1, n_experts) or (n1, n2, n_experts)
        Of the latent functions, in units of y.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    target_name : str, default="y"
    inducing_inputs : sequence of n_experts arrays of shape (m, 1) or (m, 2), default=()
        The experts' inducing inputs at the drawn features.
    X : array of shape (m, 1) or (m, 2), default=None
        Rows of data at the drawn features, to show with the functions over one feature.
    y : array of shape (m,), default=None
        Their targets.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        Over one feature.
    axes_ : array of matplotlib Axes, of shape (2, n_experts)
        Over two features: means above, standard deviations below.
    lines_ : list of Line2D
        Each function's mean.
    bands_ : list of PolyCollection
        Each function's mean ± 2 std.
    scatter_ : Line2D
        The data, if there are any, over one feature.
    inducing_ : list of Line2D
        The inducing inputs: ticks above the axis over one feature, crosses over two.
    contours_ : list of QuadContourSet
        Over two features: of the means, then of the standard deviations.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mogpe.plotting import LatentFunctionsDisplay
    >>> x = np.linspace(-3, 3, 50)
    >>> means = np.column_stack([np.sin(x), 0.1 * x])
    >>> display = LatentFunctionsDisplay((x,), means, np.full((50, 2), 0.1)).plot()
    >>> len(display.lines_)
    2
    """

    def __init__(
        self,
        coordinates: Coordinates,
        means: ArrayLike,
        stds: ArrayLike,
        *,
        feature_names: Sequence[str] | None = None,
        target_name: str = "y",
        inducing_inputs: Sequence[Array] = (),
        X: Any = None,
        y: Any = None,
    ):
        options: dict[str, Any] = {"feature_names": feature_names, "inducing_inputs": inducing_inputs}
        super().__init__(coordinates, means, stds, **options)
        self.target_name, self.X, self.y = target_name, X, y

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
        inducing_points: bool = False,
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
            If given, the rows are drawn too, over one feature.
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
        inducing_points : bool, default=False
            Draw the experts' inducing inputs too; not of a pipeline with other steps.
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
        functions = ask(estimator, "predict_latent_functions", grid.rows, return_std=True)
        means, stds = (grid.shaped(select_output(part, 2, output)) for part in functions)
        Z = drawn_inducing_inputs(estimator, X, grid)[0] if inducing_points else ()
        observed, name = select_target(y, output)
        names: dict[str, Any] = {"feature_names": grid.names, "target_name": name}
        display = cls(grid.coordinates, means, stds, **names, inducing_inputs=Z, X=grid.drawn, y=observed)
        return display.plot(ax, **plot_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        colors: Sequence[Any] | None = None,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        band_kw: Keywords = None,
        scatter_kw: Keywords = None,
        inducing_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or 2 n_experts of them over two features, default=None
            Where to draw. None makes a figure.
        colors : sequence of n_experts colours, default=None
            Over one feature.
        legend, colorbar : bool, default=True
        line_kw, band_kw : dict, default=None
            Styles for ``Axes.plot`` and ``Axes.fill_between``.
        scatter_kw, inducing_kw : dict, default=None
            Styles of the data and of the inducing inputs, for ``Axes.plot``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        K = self.means.shape[-1]
        names = [f"f{k + 1}" for k in range(K)]
        if len(self.coordinates) == 2:
            return self._plot_columns(ax, names, "f", contour_kw, colorbar, inducing_kw)
        colors = expert_colors(K) if colors is None else colors
        labels = [f"{name}, mean ± 2 std" for name in names]
        ax = self._plot_lines(ax, labels, colors, line_kw, band_kw, inducing_kw)
        self._draw_data(ax, scatter_kw, markersize=2, zorder=1)
        return self._finish(ax, legend, ylabel=self.target_name)


class GatingFunctionsDisplay(FunctionsDisplay):
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
    inducing_inputs : sequence of arrays of shape (m, 1) or (m, 2), default=()
        The gate's inducing inputs at the drawn features: of each function, or one that all share.

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
    inducing_ : list of Line2D
        The inducing inputs: ticks above the axis over one feature, crosses over two.
    contours_ : list of QuadContourSet
        Over two features: of the means, then of the standard deviations.

    Raises
    ------
    ValueError
        If the shapes do not agree, or there are not one or two features.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mogpe.plotting import GatingFunctionsDisplay
    >>> x = np.linspace(-3, 3, 50)
    >>> display = GatingFunctionsDisplay((x,), -x[:, None], np.full((50, 1), 0.3)).plot()
    >>> display.ax_.get_ylabel()
    'gating function'
    """

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
        inducing_points: bool = False,
        ax: Any = None,
        **plot_kw: Any,
    ) -> Self:
        """Predict on a grid over the range of X, and draw.

        Parameters
        ----------
        estimator : MoGPERegressor, Pipeline or search
            Fitted, with at least two experts. The axes are in the units of a pipeline's inputs.
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
        inducing_points : bool, default=False
            Draw the gate's inducing inputs too; not of a pipeline with other steps.
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
            If there is only one expert, and so no gate, if the gate has no functions, or if the features
            cannot be drawn over.
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        functions = ask(estimator, "predict_gating_functions", grid.rows, return_std=True)
        if not functions[0].size:
            raise ValueError(
                "Expected a gate with functions to draw, got one that has none; draw its probabilities by "
                "MixingProbabilitiesDisplay."
            )
        parts = (grid.shaped(part) for part in functions)
        Z = drawn_inducing_inputs(estimator, X, grid)[1] if inducing_points else ()
        display = cls(grid.coordinates, *parts, feature_names=grid.names, inducing_inputs=Z)
        return display.plot(ax, **plot_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        colors: Sequence[Any] | None = None,
        legend: bool = True,
        colorbar: bool = True,
        line_kw: Keywords = None,
        band_kw: Keywords = None,
        inducing_kw: Keywords = None,
        contour_kw: Keywords = None,
    ) -> Self:
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
        inducing_kw : dict, default=None
            Style of the inducing inputs, for ``Axes.plot``.
        contour_kw : dict, default=None
            Style over two features, for ``Axes.contourf``.

        Returns
        -------
        self
        """
        H = self.means.shape[-1]
        names = ["h"] if H == 1 else [f"h{k + 1}" for k in range(H)]
        if len(self.coordinates) == 2:
            return self._plot_columns(ax, names, "h", contour_kw, colorbar, inducing_kw)
        if colors is None:
            colors = [MIXED] if H == 1 else expert_colors(H)
        labels = [f"{name}, mean ± 2 std" + ", where Pr(expert 1) = Φ(h)" * (H == 1) for name in names]
        ax = self._plot_lines(ax, labels, colors, line_kw, band_kw, inducing_kw)
        if H == 1:
            ax.axhline(0, color=INK, linewidth=0.8, linestyle=":", zorder=0)  # both experts are as probable
        return self._finish(ax, legend, ylabel="gating function")
