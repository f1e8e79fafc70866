"""What the displays share when they draw: axes, colours, styles, points and bands."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..predictive.arrays import Array

INK = "#20242c"  # of data
MIXED = "#5b2a86"  # of the mixture
SHADE = "#ad93c9"  # of its greatest density: pale enough for lines on top

# Of experts: Okabe and Ito's colours, which colour-blind readers can tell apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

# Of lines that are to differ without colours too: of intervals, and of experts.
DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (6, 1.5, 1, 1.5)))

# Style of an artist, as the user gives it.
Keywords = dict[str, Any] | None

# Characters side by side in a legend.
LEGEND_WIDTH = 80


def load_pyplot() -> Any:
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


def make_axes(
    ax: Any, n_rows: int = 1, n_columns: int = 1, panel_size: tuple[float, float] = (6.4, 4.0), **kwargs: Any
) -> Array:
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


def style(artist: type, given: Keywords, **defaults: Any) -> dict[str, Any]:
    """Keywords for an artist: what the user gives, under any of its names, goes before the defaults."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given or {}, artist)}


def line_style(given: Keywords, **defaults: Any) -> dict[str, Any]:
    """Keywords for lines."""
    from matplotlib.lines import Line2D

    return style(Line2D, given, **{"linewidth": 2, **defaults})


def area_style(given: Keywords, **defaults: Any) -> dict[str, Any]:
    """Keywords for filled areas."""
    from matplotlib.collections import PolyCollection

    return style(PolyCollection, given, **{"linewidth": 0, **defaults})


def draw_points(ax: Any, x: Any, y: Any, given: Keywords, **defaults: Any) -> Any:
    """Points over one feature, in the style that is given and by default: a Line2D."""
    return ax.plot(x, y, **line_style(given, **{"linestyle": "none", **defaults}))[0]


def draw_band(ax: Any, x: Array, mean: Array, std: Array, given: Keywords, **defaults: Any) -> Any:
    """The band mean ± 2 std over one feature, in the style that is given and by default: a PolyCollection."""
    return ax.fill_between(x, mean - 2 * std, mean + 2 * std, **area_style(given, **defaults))


def expert_colors(n_experts: int) -> list[Any]:
    """Colours of the experts, as different as their number allows."""
    if n_experts <= len(COLORS):
        return list(COLORS[:n_experts])
    plt = load_pyplot()
    return list(plt.get_cmap("viridis")(np.linspace(0, 0.95, n_experts)))


def add_legend(ax: Any, width: int = LEGEND_WIDTH, **kwargs: Any) -> None:
    """Legend above the axes, where it hides nothing; the best place inside takes long to find.

    Parameters
    ----------
    ax : matplotlib Axes
    width : int, default=80
        Characters side by side.
    **kwargs
        For ``Axes.legend``.
    """
    labels = ax.get_legend_handles_labels()[1]
    n_columns = width // (max(map(len, labels)) + 6)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=max(n_columns, 1), frameon=False, **kwargs)
