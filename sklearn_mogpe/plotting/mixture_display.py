"""What the displays of a mixture's components share: the arrays they draw, and where these come from."""

from ..predictive import gaussian_mixture
from .answers import predict_mixture, select_target
from .canvas import contour_rows, label_panels, make_axes, scatter_targets
from .grid import check_coordinates, default_names, make_grid


class MixtureDisplay:
    """The components of one output's predictive density over one or two features.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    weights : array of shape (n1, n_experts) or (n1, n2, n_experts)
        Mixing probabilities.
    means, stds : arrays of the same shape
        Of y given each expert, noise included.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    target_name : str, default="y"
    X : array of shape (m, 1) or (m, 2), default=None
        Rows of data at the drawn features, to show with the density.
    y : array of shape (m,), default=None
        Their targets.
    """

    def __init__(
        self, coordinates, weights, means, stds, *, feature_names=None, target_name="y", X=None, y=None
    ):
        self.coordinates, self.weights, self.means, self.stds = check_coordinates(
            coordinates, weights, means, stds
        )
        self.feature_names = default_names(len(coordinates)) if feature_names is None else feature_names
        self.target_name = target_name
        self.X = X
        self.y = y

    @property
    def mean(self):
        """Mean of y, of shape (n1,) or (n1, n2)."""
        return gaussian_mixture.mean(*self._flat()[:2])[:, 0].reshape(self.weights.shape[:-1])

    @property
    def std(self):
        """Standard deviation of y, of shape (n1,) or (n1, n2)."""
        return gaussian_mixture.std(*self._flat())[:, 0].reshape(self.weights.shape[:-1])

    def _flat(self):
        """Weights (n, K), and means and standard deviations (n, K, 1)."""
        K = self.weights.shape[-1]
        return self.weights.reshape(-1, K), self.means.reshape(-1, K, 1), self.stds.reshape(-1, K, 1)

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
        """
        grid = make_grid(estimator, X, features, fixed, grid_resolution, margin)
        components = map(grid.shaped, predict_mixture(estimator, grid.rows, output))
        observed, name = select_target(y, output)
        names = {"feature_names": grid.names, "target_name": name}
        display = cls(grid.coordinates, *components, **names, X=grid.drawn, y=observed)
        return display.plot(ax, **plot_kw)

    def _plot_plane(self, ax, name, spread, contour_kw, scatter_kw, colorbar):
        """Draw over two features: the mean with the data, and beside it a named measure of the spread."""
        axes = make_axes(ax, 1, 2, (4.4, 3.6), sharex=True, sharey=True)
        parts = {"mean": self.mean[..., None], name: spread[..., None]}
        options = {"contour_kw": contour_kw, "colorbar": colorbar}
        self.contours_ = contour_rows(axes.T, self.coordinates, parts, self.target_name, **options)
        for each, title in zip(axes[0], parts, strict=True):
            each.set_title(title)
        if self.y is not None:
            self.scatter_ = scatter_targets(axes[0, 0], self.contours_[0], self.X, self.y, scatter_kw)
        label_panels(axes, self.coordinates, self.feature_names)
        self.axes_, self.figure_ = axes[0], axes[0, 0].figure
        return self
