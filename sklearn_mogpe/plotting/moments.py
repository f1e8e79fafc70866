"""Mean, standard deviation and samples of the mixture."""

import numpy as np
from sklearn.utils import check_random_state

from ..predictive import gaussian_mixture
from .canvas import INK, MIXED, add_legend, area_style, line_style, make_axes
from .mixture_display import MixtureDisplay


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
        Of y given each expert, noise included.
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
        ax=None,
        *,
        n_samples=1,
        random_state=0,
        legend=True,
        colorbar=True,
        line_kw=None,
        band_kw=None,
        samples_kw=None,
        scatter_kw=None,
        contour_kw=None,
    ):
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
        line_kw, samples_kw : dict, default=None
            Styles of the mean and of the samples, for ``Axes.plot``.
        band_kw : dict, default=None
            Style of the band, for ``Axes.fill_between``.
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
        x, mean, std = self.coordinates[0], self.mean, self.std
        options = area_style(band_kw, color=MIXED, alpha=0.18, label="mean ± 2 std")
        self.band_ = ax.fill_between(x, mean - 2 * std, mean + 2 * std, **options)
        if n_samples:
            random_state = check_random_state(random_state)
            draws = gaussian_mixture.sample(n_samples, *self._flat(), random_state)[:, 0]
            options = line_style(samples_kw, color=MIXED, linestyle="none", marker=".", markersize=3)
            options = {"label": "samples", **options}
            (self.samples_,) = ax.plot(np.repeat(x, n_samples), draws.ravel(), **options)
        (self.line_,) = ax.plot(x, mean, **{"label": "mean", **line_style(line_kw, color=MIXED)})
        if self.y is not None:
            options = line_style(scatter_kw, color=INK, linestyle="none", marker="o", markersize=3)
            (self.scatter_,) = ax.plot(self.X[:, 0], self.y, **{"label": "data", **options})
        ax.set(xlabel=self.feature_names[0], ylabel=self.target_name, xlim=x[[0, -1]])
        if legend:
            add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self
