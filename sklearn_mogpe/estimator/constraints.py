"""What each parameter of the estimator may be, in scikit-learn's terms."""

import os
from numbers import Integral, Real
from typing import Any

from .scikit_learn import Interval, StrOptions

STARTS = {"auto", "prior", "kmeans", "noise", "residual", "mixture", "ladder", "steep_ladder", "low_ladder"}

CONSTRAINTS: dict[str, list[Any]] = {
    "n_experts": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), list, tuple],
    "kernel": [str, callable, list, tuple],
    "gating_kernel": [str, callable],
    "noise": [StrOptions({"auto", "constant", "varying"})],
    "n_inducing": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "experts": [list, tuple, None],
    "gating_network": [dict, callable, None],
    "bound": [StrOptions({"tight", "further_gating", "further", "predictive"}), callable],
    "n_samples": [Interval(Integral, 2, None, closed="left")],
    "solver": [StrOptions({"auto", "natgrad", "lbfgs", "adam"})],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "tol": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "n_init": [Interval(Integral, 1, None, closed="left")],
    "init_params": [StrOptions(STARTS)],
    "normalize_y": ["boolean"],
    "warm_start": ["boolean"],
    "checkpoint_dir": [str, os.PathLike, None],
    "n_checkpoints": [Interval(Integral, 1, None, closed="left")],
    "log_dir": [str, os.PathLike, None],
    "log_period": [Interval(Integral, 1, None, closed="left")],
    "image_period": [Interval(Integral, 1, None, closed="left"), None],
    "device": [str],
    "dtype": [StrOptions({"float64", "float32"})],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
