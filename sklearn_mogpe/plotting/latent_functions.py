"""The latent functions of the experts."""

from .answers import ask, drawn_inducing_inputs, select_output, select_target
from .canvas import INK, add_legend, expert_colors, line_style
from .functions_display import FunctionsDisplay
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
        coordinates,
        means,
        stds,
        *,
        feature_names=None,
        target_name="y",
        inducing_inputs=(),
        X=None,
        y=None,
    ):
        super().__init__(
            coordinates, means, stds, feature_names=feature_names, inducing_inputs=inducing_inputs
        )
        self.target_name, self.X, self.y = target_name, X, y

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        features=None,
        fixed=None,
        output=0,
        grid_resolution=None,
        margin=0.05,
        inducing_points=False,
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
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        functions = ask(estimator, "predict_latent_functions", grid.rows, return_std=True)
        means, stds = (grid.shaped(select_output(part, 2, output)) for part in functions)
        Z = drawn_inducing_inputs(estimator, X, grid)[: means.shape[-1]] if inducing_points else ()
        observed, name = select_target(y, output)
        display = cls(
            grid.coordinates,
            means,
            stds,
            feature_names=grid.names,
            target_name=name,
            inducing_inputs=Z,
            X=grid.drawn,
            y=observed,
        )
        return display.plot(ax, **plot_kw)

    def plot(
        self,
        ax=None,
        *,
        colors=None,
        legend=True,
        colorbar=True,
        line_kw=None,
        band_kw=None,
        scatter_kw=None,
        inducing_kw=None,
        contour_kw=None,
    ):
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
            return self._plot_contours(ax, names, "f", contour_kw, colorbar, inducing_kw)
        colors = expert_colors(K) if colors is None else colors
        labels = [f"{name}, mean ± 2 std" for name in names]
        ax = self._plot_lines(ax, labels, colors, line_kw, band_kw, inducing_kw)
        if self.y is not None:
            options = line_style(scatter_kw, color=INK, linestyle="none", marker="o", markersize=2)
            (self.scatter_,) = ax.plot(self.X[:, 0], self.y, **{"zorder": 1, **options})
        ax.set_ylabel(self.target_name)
        if legend:
            add_legend(ax)
        return self
