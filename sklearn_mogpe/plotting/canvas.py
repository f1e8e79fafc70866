"""What the displays share when they draw: axes, colours, styles, and contours over two features."""

import numpy as np

INK = "#20242c"  # of data
MIXED = "#5b2a86"  # of the mixture
SHADE = "#ad93c9"  # of its greatest density: pale enough for lines on top

# Of experts: Okabe and Ito's colours, which colour-blind readers can tell apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

# Characters side by side in a legend.
LEGEND_WIDTH = 80


def load_pyplot():
    """Import Matplotlib's pyplot.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed. Install it, or sklearn-mogpe with its extra "
            "'plot'."
        ) from error
    return plt


def make_axes(ax, n_rows: int = 1, n_columns: int = 1, panel_size=(6.4, 4.0), **kwargs) -> np.ndarray:
    """Axes to draw into: those given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes, or None
        None makes a figure.
    n_rows, n_columns : int, default=1
    panel_size : pair of float, default=(6.4, 4.0)
        Width and height of each panel of a new figure, in inches.
    **kwargs
        For ``subplots``, if a figure is made.

    Returns
    -------
    array of Axes, of shape (n_rows, n_columns)

    Raises
    ------
    ValueError
        If another number of axes is given than needed.
    """
    plt = load_pyplot()
    if ax is None:
        figsize = n_columns * panel_size[0], n_rows * panel_size[1]
        _, axes = plt.subplots(
            n_rows, n_columns, squeeze=False, figsize=figsize, layout="constrained", **kwargs
        )
        for each in axes.flat:
            each.spines[["top", "right"]].set_visible(False)
        return axes
    axes = np.asarray(ax, dtype=object)
    if axes.size != n_rows * n_columns:
        raise ValueError(
            f"Expected {n_rows * n_columns} axes as ax, got {axes.size}; "
            f"plt.subplots({n_rows}, {n_columns}) makes them, and ax=None makes a figure."
        )
    return axes.reshape(n_rows, n_columns)


def style(artist: type, given, **defaults) -> dict:
    """Keywords for an artist: what the user gives, under any of its names, goes before the defaults."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given or {}, artist)}


def line_style(given, **defaults) -> dict:
    """Keywords for lines."""
    from matplotlib.lines import Line2D

    return style(Line2D, given, **{"linewidth": 2, **defaults})


def area_style(given, **defaults) -> dict:
    """Keywords for filled areas."""
    from matplotlib.collections import PolyCollection

    return style(PolyCollection, given, **{"linewidth": 0, **defaults})


def expert_colors(n_experts: int) -> list:
    """Colours of the experts, as different as their number allows."""
    if n_experts <= len(COLORS):
        return list(COLORS[:n_experts])
    plt = load_pyplot()
    return list(plt.get_cmap("viridis")(np.linspace(0, 0.95, n_experts)))


def add_legend(ax) -> None:
    """Legend above the axes, where it hides nothing; the best place inside takes long to find."""
    labels = ax.get_legend_handles_labels()[1]
    n_columns = LEGEND_WIDTH // (max(map(len, labels)) + 6)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=max(n_columns, 1), frameon=False)


def label_panels(axes, coordinates, names) -> None:
    """Name the two features at the outer panels, and end all panels where the grid ends."""
    for each in axes.flat:
        each.set(xlim=coordinates[0][[0, -1]], ylim=coordinates[1][[0, -1]])
    for each in axes[-1]:
        each.set_xlabel(names[0])
    for each in axes[:, 0]:
        each.set_ylabel(names[1])


def contours(axes, coordinates, values, label, *, contour_kw=None, colorbar=True, **defaults):
    """Draw values over two features, in panels that share their levels and one colour bar.

    Parameters
    ----------
    axes : sequence of Axes
    coordinates : tuple of arrays of shapes (n1,) and (n2,)
    values : sequence of arrays of shape (n1, n2)
        One for each of the axes.
    label : str
        Of the colour bar.
    contour_kw : dict, default=None
        For ``contourf``.
    colorbar : bool, default=True
    **defaults
        Keywords for ``contourf`` that ``contour_kw`` may replace.

    Returns
    -------
    contours : list of QuadContourSet
    """
    from matplotlib.ticker import MaxNLocator

    options = {**defaults, **(contour_kw or {})}
    levels = options.pop("levels", 12)
    if np.ndim(levels) == 0:
        levels = MaxNLocator(levels).tick_values(np.min(values), np.max(values))
    sets = [
        each.contourf(*coordinates, value.T, levels=levels, **options)
        for each, value in zip(axes, values, strict=True)
    ]
    if colorbar:
        axes[0].figure.colorbar(sets[0], ax=list(axes), label=label)
    return sets


def contour_rows(axes, coordinates, parts, target_name, *, contour_kw=None, colorbar=True):
    """Draw two rows of panels over two features: means above, and below how far they may be off.

    Parameters
    ----------
    axes : array of Axes, of shape (2, k)
    coordinates : tuple of arrays of shapes (n1,) and (n2,)
    parts : dict of str to array of shape (n1, n2, k)
        Names and values of both rows.
    target_name : str
    contour_kw, colorbar
        As of :func:`contours`.

    Returns
    -------
    contours : list of QuadContourSet
        Row by row.
    """
    sets = []
    for row, (name, values), cmap in zip(axes, parts.items(), ("viridis", "Oranges"), strict=True):
        options = {"contour_kw": contour_kw, "colorbar": colorbar, "cmap": cmap}
        sets += contours(row, coordinates, np.moveaxis(values, 2, 0), f"{name} of {target_name}", **options)
    return sets


def mark_inputs(ax, inputs, line_kw=None, *, row=0, **defaults):
    """Mark inputs: over one feature by ticks above its axis, over two by crosses.

    Parameters
    ----------
    ax : matplotlib Axes
    inputs : array of shape (m, 1) or (m, 2)
    line_kw : dict, default=None
        Style, for ``Axes.plot``.
    row : int, default=0
        Over one feature: how many rows of ticks are below.
    **defaults
        Keywords for ``Axes.plot`` that ``line_kw`` may replace.

    Returns
    -------
    Line2D
    """
    if inputs.shape[1] == 2:
        options = {"marker": "x", "color": INK, "markersize": 4, "markeredgewidth": 0.8, **defaults}
        return ax.plot(*inputs.T, **line_style(line_kw, linestyle="none", **options))[0]
    options = line_style(line_kw, linestyle="none", **{"marker": "|", "markersize": 7, **defaults})
    heights = np.full(len(inputs), 0.025 + 0.04 * row)  # parts of the height of the axes
    return ax.plot(inputs[:, 0], heights, transform=ax.get_xaxis_transform(), **options)[0]


def scatter_targets(axes, contour_set, X, y, scatter_kw=None):
    """Draw rows over two features, their targets in the colours of the contours below them.

    Parameters
    ----------
    axes : Axes
    contour_set : QuadContourSet
    X : array of shape (m, 2)
    y : array of shape (m,)
    scatter_kw : dict, default=None
    """
    from matplotlib.collections import PathCollection

    colors = {"c": y, "cmap": contour_set.cmap, "norm": contour_set.norm}
    options = style(PathCollection, scatter_kw, s=14, edgecolor="white", linewidth=0.5, **colors)
    return axes.scatter(*X.T, **options)
