"""A fitted mixture as a TensorFlow SavedModel, which predicts where this package is not installed."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf

from .. import __version__
from ..data.rows import Scales
from ..mixture_of_experts import MixtureOfExpertsBase
from ..predictive.gaussian_mixture import MAX_BISECTIONS
from .predictions import build_model, moments
from .program import State, building, without_strategy
from .structure import Structure

# What TensorFlow writes at the top of a SavedModel.
EXPORTED = {"assets", "fingerprint.pb", "saved_model.pb", "variables"}


def export_saved_model(
    structure: Structure,
    state: State,
    scales: Scales,
    n_inducing: int,
    feature_names: list[str] | None,
    path,
) -> None:
    """Write a SavedModel, whose functions are those of :func:`served_functions`, also as signatures.

    Parameters
    ----------
    structure : Structure
        Its device does not matter: the graphs have none.
    state : State
    scales : Scales
    n_inducing : int
        M.
    feature_names : list of str or None
        For the description among the assets.
    path : path-like
        A directory, which is made; the place of an earlier export is taken all at once.

    Raises
    ------
    FileExistsError
        If the directory holds anything else.
    OSError
        If it cannot be written; then an earlier export stays.
    """
    description = {
        "sklearn_mogpe": __version__,
        "tensorflow": tf.__version__,
        "n_experts": structure.n_experts,
        "n_outputs": structure.n_outputs,
        "n_features": len(scales.X.mean),
        "feature_names": feature_names,
    }
    without_strategy(_write, structure, state, scales, n_inducing, description, os.fspath(path))


def _write(structure, state, scales, n_inducing, description, path):
    model = build_model(structure, state, len(scales.X.mean), n_inducing)
    served = tf.Module()
    # Variables and functions only: GPflow's objects could not be loaded without GPflow.
    served.parameters = list(model.variables)
    functions = served_functions(model, scales, structure.dtype)
    for name, function in functions.items():
        setattr(served, name, function)
    signatures = {"serving_default": functions["predict"], **functions}
    with TemporaryDirectory() as directory, building(structure):
        file = Path(directory, "mixture.json")
        file.write_text(json.dumps(description, indent=2), encoding="utf-8")
        served.description = tf.saved_model.Asset(str(file))
        with _replacing(Path(path)) as new:
            try:
                tf.saved_model.save(served, str(new), signatures)
            except tf.errors.OpError as error:  # so TensorFlow calls a disk that is full
                raise OSError(f"Could not write {path}: {error.message}") from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Where to write a directory that then takes the place of an earlier export."""
    path = path.resolve()
    if path.exists() and not (path.is_dir() and {file.name for file in path.iterdir()} <= EXPORTED):
        raise FileExistsError(
            f"Expected a new directory, or one of an earlier export, got {path}, with something else."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = (path.with_name(f"{os.getpid()}-{age}-{path.name}") for age in ("new", "old"))
    try:
        yield new
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        for directory in (new, old):
            shutil.rmtree(directory, ignore_errors=True)


def served_functions(model: MixtureOfExpertsBase, scales: Scales, dtype: str) -> dict[str, Callable]:
    """Predictions as functions of tensors, in double precision and in the units of the data.

    They take any number of rows at once, and memory grows with it, by about 16 (K P + 1) M bytes for a row.

    Parameters
    ----------
    model : MixtureOfExpertsBase
        In standardised units.
    scales : Scales
    dtype : {"float64", "float32"}
        Precision of the model.

    Returns
    -------
    dict of tf.function
        Each of X (N, D), and ``predict_quantile`` also of levels q (L,), to a dict of tensors:

        ========================  =======================================================
        ``predict``               ``mean``, ``variance`` (N, P)
        ``predict_mixture``       ``weights`` (N, C), ``means``, ``stds`` (N, C, P)
        ``predict_mixing_proba``  ``mixing_proba`` (N, K)
        ``predict_quantile``      ``quantiles`` (N, P, L)
        ========================  =======================================================

        They raise ``InvalidArgumentError`` for another number of features, for values of X that are not
        finite or at which the kernels are not, and for levels that are not strictly between 0 and 1.
    """
    K = model.experts.num_experts
    X_spec = tf.TensorSpec([None, len(scales.X.mean)], tf.float64, name="X")
    q_spec = tf.TensorSpec([None], tf.float64, name="q")

    def compiled(function, *signature):
        return tf.function(function, input_signature=signature, autograph=False)

    def components(X):
        # Signatures do not look at shapes: a single column would be taken for each of several features.
        X = tf.ensure_shape(X, X_spec.shape, name="X")
        X = tf.debugging.assert_all_finite(X, "Expected finite values of X, got NaN or infinity")
        parts = model.predict_mixture(tf.cast(scales.X.transform(X), dtype))
        message = "Expected rows of X where the kernels are finite, got one too far from those fitted"
        parts = [tf.debugging.assert_all_finite(part, message) for part in parts]
        weights, means, variances = (tf.cast(part, tf.float64) for part in parts)
        weights /= tf.reduce_sum(weights, 1, keepdims=True)
        return weights, scales.Y.inverse_transform(means), scales.Y.scale * tf.sqrt(variances)

    mixture = compiled(components, X_spec)  # traced once, not by each function that calls it

    def predict(X):
        weights, means, stds = mixture(X)
        mean, variance = moments(weights, means, tf.square(stds))
        return {"mean": mean, "variance": variance}

    def predict_mixture(X):
        return dict(zip(("weights", "means", "stds"), mixture(X), strict=True))

    def predict_mixing_proba(X):
        weights = mixture(X)[0]
        return {"mixing_proba": tf.reduce_sum(tf.reshape(weights, [tf.shape(weights)[0], K, -1]), 2)}

    def predict_quantile(X, q):
        q = tf.ensure_shape(q, q_spec.shape, name="q")
        message = "Expected levels strictly between 0 and 1 as q, got"
        tf.debugging.Assert(tf.reduce_all((q > 0.0) & (q < 1.0)), [message, q])
        return {"quantiles": _quantiles(q, *mixture(X))}

    return {
        "predict": compiled(predict, X_spec),
        "predict_mixture": compiled(predict_mixture, X_spec),
        "predict_mixing_proba": compiled(predict_mixing_proba, X_spec),
        "predict_quantile": compiled(predict_quantile, X_spec, q_spec),
    }


def _quantiles(q, weights, means, stds):
    """Quantiles (N, P, L) of levels q (L,), by bisection, as those of Gaussian mixtures elsewhere."""
    # above the median those of the mirror image: near 1, the distribution function has no digits for the tail
    sign, q = tf.where(q > 0.5, -tf.ones_like(q), tf.ones_like(q)), tf.minimum(q, 1.0 - q)
    w, means, stds = weights[:, :, None, None], sign * means[..., None], stds[..., None]  # (N, K, P, L)
    own = means + stds * tf.math.ndtri(q)
    bracket = (
        tf.reduce_min(tf.where(w > 0.0, own, np.inf), 1),
        tf.reduce_max(tf.where(w > 0.0, own, -np.inf), 1),
    )

    def is_open(low, high):
        middle = 0.5 * (low + high)
        return tf.reduce_any((middle > low) & (middle < high))

    def halve(low, high):
        # F(t) = sum_k w_k Phi((t - m_k) / s_k)
        middle = 0.5 * (low + high)
        z = (middle[:, None] - means) / stds
        below = tf.reduce_sum(w * 0.5 * tf.math.erfc(-np.sqrt(0.5) * z), 1) < q
        return tf.where(below, middle, low), tf.where(below, high, middle)

    return sign * tf.while_loop(is_open, halve, bracket, maximum_iterations=MAX_BISECTIONS)[1]
