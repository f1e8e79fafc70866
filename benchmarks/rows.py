"""The distance of predictive densities to the truth, and seconds of fits, as the number of rows grows.

Our defaults read rows from a memory map; the peers have them in memory, standardised. All are judged by the
same held-out rows, and fewer rows are the first of the more. Every method is fitted once to a hundred rows
before it is timed, and to no more rows than its limit.
"""

import os
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from league_peers import METHODS
from matplotlib.ticker import LogLocator
from measure import arguments, show
from scipy.special import expit

from sklearn_mogpe.predictive import gaussian_mixture

TEST_ROWS, WARM_UP_ROWS = 5000, 100

# The methods, and how the figure shows them.
STYLES = {
    "mogpe": {"label": "mixture (defaults)", "color": "#000000", "marker": "o", "linestyle": "-"},
    "svgp": {"label": "SVGP", "color": "#d55e00", "marker": "s", "linestyle": "--"},
    "mdn": {"label": "density network", "color": "#0072b2", "marker": "^", "linestyle": "-."},
    "boosting": {"label": "boosting", "color": "#009e73", "marker": "D", "linestyle": ":"},
}

# The last but one is the standard error of the distance.
COLUMNS = ["rows", "method", "nlpd", "distance", "error", "fit_s"]


def truth(X):
    """The true mixture at X (n, 8): weights, means and standard deviations (n, 2)."""
    x = X.T.astype(float)
    f = np.sin(2 * x[0]) * x[1] + 0.5 * x[2] ** 2 + np.tanh(2 * x[3]) + 0.3 * x[4] * x[5]
    p = 0.6 * expit(4 * (x[7] - 0.5))
    parts = (1 - p, p), (f, f + 1.5), (0.15 + 0.25 * expit(3 * x[6]), np.full_like(f, 0.5))
    return tuple(np.stack(part, axis=1) for part in parts)


def draw(n_rows, seed):
    """Rows in single precision: X (n, 8), uniform, and y (n,) from the true mixture."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (n_rows, 8)).astype(np.float32)
    weights, means, stds = truth(X)
    drawn = np.arange(n_rows), (rng.uniform(size=n_rows) < weights[:, 1]).astype(int)
    return X, rng.normal(means[drawn], stds[drawn]).astype(np.float32)


def on_disk(folder, n_rows):
    """Training rows as memory maps."""
    for name, part in zip("Xy", draw(n_rows, seed=0), strict=True):
        np.save(folder / f"{name}.npy", part)
    return (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "Xy")


def standardised(method):
    """A method of which X and y are standardised by the training rows, with mixtures in units of y."""

    def fit(X, y, seed):
        X, y = X.astype(float), y.astype(float)
        x_mean, x_std, y_mean, y_std = X.mean(0), X.std(0), y.mean(), y.std()
        predict = method((X - x_mean) / x_std, (y - y_mean) / y_std, seed)

        def components(X):
            weights, means, stds = predict((X - x_mean) / x_std)
            return weights, y_mean + y_std * means, y_std * stds

        return components

    return fit


def log_density(y, mixture):
    """Log density (n,) of y (n,)."""
    weights, means, stds = mixture
    return gaussian_mixture.log_density(y[:, None], weights, means[:, :, None], stds[:, :, None])


def result(method, X, y, X_test, y_test):
    """Seconds of a fit, and how many nats it lacks to the true density of the held-out rows."""
    fit = METHODS[method] if method == "mogpe" else standardised(METHODS[method])
    start = time.perf_counter()
    predict = fit(X, y, 0)
    seconds = time.perf_counter() - start
    own = log_density(y_test, predict(X_test))
    lacking = log_density(y_test, truth(X_test)) - own
    error = float(lacking.std() / np.sqrt(len(lacking)))
    values = len(X), method, -float(own.mean()), float(lacking.mean()), error, seconds
    return dict(zip(COLUMNS, values, strict=True))


def results(options):
    """One by one, those of all methods with few rows first."""
    test = draw(TEST_ROWS, seed=1)
    with tempfile.TemporaryDirectory(dir=options.folder or None) as folder:
        X, y = on_disk(Path(folder), max(options.N))
        for method in options.methods:
            result(method, X[:WARM_UP_ROWS], y[:WARM_UP_ROWS], *test)
        for n_rows in sorted(options.N):
            for method in options.methods:
                if n_rows <= getattr(options, f"{method}_limit", np.inf):
                    yield result(method, X[:n_rows], y[:n_rows], *test)


def plot(rows, methods, path):
    """Distances and seconds over the number of rows."""
    figure, axes = plt.subplots(2, sharex=True, figsize=(5.6, 6.0), layout="constrained")
    panels = ("distance", "distance to the truth (nats)", (1, 2, 5)), ("fit_s", "fit (seconds)", (1, 3))
    for ax, (column, label, ticks) in zip(axes, panels, strict=True):
        for method in methods:
            points = [(row["rows"], row[column]) for row in rows if row["method"] == method]
            ax.plot(*np.reshape(points, (-1, 2)).T, markerfacecolor="white", **STYLES[method])
        ax.set(xscale="log", yscale="log", ylabel=label)
        ax.yaxis.set(major_locator=LogLocator(subs=ticks), major_formatter="{x:g}", minor_formatter="")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    sizes = sorted({row["rows"] for row in rows})
    ax.set(xlabel="rows", xticks=sizes, xticklabels=[f"{size:,}".replace(",", " ") for size in sizes])
    ax.xaxis.set(minor_formatter="")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2, handlelength=4, frameon=False)
    figure.savefig(path, dpi=120)


def main():
    limits = {"svgp_limit": 100_000, "mdn_limit": 100_000, "boosting_limit": 1_000_000}
    sizes = [100, 1000, 10_000, 100_000, 1_000_000]
    options = arguments(__doc__, N=sizes, methods=[*STYLES], **limits, folder="", out="", figure="")
    if not set(options.methods) <= set(STYLES):
        raise SystemExit(f"Expected names among {', '.join(STYLES)}, got {' '.join(options.methods)}.")
    rows = []
    with open(options.out or os.devnull, "w") as file:
        print(*COLUMNS, sep=",", file=file)
        for row in results(options):
            print(*row.values(), sep=",", file=file, flush=True)  # the next may take an hour
            rows.append(row)
    title = f"Means of {TEST_ROWS} held-out rows, in nats"
    show(title, COLUMNS, [[*row.values()] for row in rows])
    if options.figure:
        plot(rows, options.methods, options.figure)


if __name__ == "__main__":
    main()
