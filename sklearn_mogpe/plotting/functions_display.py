"""What the displays of latent functions share."""

from .canvas import area_style, contour_rows, label_panels, line_style, make_axes, mark_inputs
from .grid import check_coordinates, default_names


class FunctionsDisplay:
    """Latent functions: mean ± 2 std over one feature, contours of both over two.

    Parameters
    ----------
    coordinates : tuple of one or two arrays, of shapes (n1,) and (n2,)
        Increasing values of each drawn feature.
    means, stds : arrays of shape (n1, n_functions) or (n1, n2, n_functions)
        Of the latent functions.
    feature_names : sequence of str, default=None
        Names of the drawn features.
    inducing_inputs : sequence of arrays of shape (m, 1) or (m, 2), default=()
        Inducing inputs at the drawn features: of each function, or one that all share.
    """

    def __init__(self, coordinates, means, stds, *, feature_names=None, inducing_inputs=()):
        self.coordinates, self.means, self.stds = check_coordinates(coordinates, means, stds)
        self.feature_names = default_names(len(coordinates)) if feature_names is None else feature_names
        self.inducing_inputs = inducing_inputs

    def _plot_lines(self, ax, labels, colors, line_kw, band_kw, inducing_kw):
        """Draw over one feature, into one panel."""
        ax = make_axes(ax)[0, 0]
        x = self.coordinates[0]
        self.lines_, self.bands_ = [], []
        for label, color, mean, std in zip(labels, colors, self.means.T, self.stds.T, strict=True):
            options = area_style(band_kw, color=color, alpha=0.2)
            self.bands_.append(ax.fill_between(x, mean - 2 * std, mean + 2 * std, **options))
            self.lines_ += ax.plot(x, mean, **{"label": label, **line_style(line_kw, color=color)})
        pairs = enumerate(zip(self.inducing_inputs, colors, strict=False))
        self.inducing_ = [mark_inputs(ax, Z, inducing_kw, color=color, row=i) for i, (Z, color) in pairs]
        ax.set(xlabel=self.feature_names[0], xlim=x[[0, -1]])
        self.ax_, self.figure_ = ax, ax.figure
        return ax

    def _plot_contours(self, ax, titles, name, contour_kw, colorbar, inducing_kw):
        """Draw over two features: a column of panels for each function, a colour bar for each row."""
        axes = make_axes(ax, 2, len(titles), (3.9, 3.0), sharex=True, sharey=True)
        parts = {"mean": self.means, "std": self.stds}
        options = {"contour_kw": contour_kw, "colorbar": colorbar}
        self.contours_ = contour_rows(axes, self.coordinates, parts, name, **options)
        self.inducing_ = []
        for k, title in enumerate(titles):
            axes[0, k].set_title(title)
            if len(self.inducing_inputs):
                Z = self.inducing_inputs[min(k, len(self.inducing_inputs) - 1)]
                self.inducing_ += [mark_inputs(each, Z, inducing_kw) for each in axes[:, k]]
        label_panels(axes, self.coordinates, self.feature_names)
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self
