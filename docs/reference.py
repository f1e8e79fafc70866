"""The pages of the reference: what is public is what the ``__all__`` of a room's package names."""

import importlib
from pathlib import Path
from types import FunctionType

ROOMS = {
    "Estimators": "sklearn_mogpe",
    "Metrics": "sklearn_mogpe.metrics",
    "Plotting": "sklearn_mogpe.plotting",
    "Data sets": "sklearn_mogpe.datasets",
    "Mixtures and bounds": "sklearn_mogpe.mixture_of_experts",
    "Experts": "sklearn_mogpe.experts",
    "Gating networks": "sklearn_mogpe.gating_networks",
    "Gaussian processes": "sklearn_mogpe.gps",
    "Monitoring": "sklearn_mogpe.monitoring.event_log",
}
WITHOUT_ALL = {"sklearn_mogpe.monitoring.event_log": ["WriteEvents", "make_monitor"]}
TEXTS = {  # docstrings of modules that other docstrings send readers to
    "Bounds": "sklearn_mogpe.mixture_of_experts.bounds",
    "Descriptions of parts": "sklearn_mogpe.gps.configuration",
    "Descriptions of classes": "sklearn_mogpe.descriptions.errors",
}


def public(module):
    """Names of classes, functions and tables."""
    names = WITHOUT_ALL.get(module) or importlib.import_module(module).__all__
    return [name for name in names if not name.startswith("__")]


def write(file):
    """Write the page of tables by rooms, from which autosummary makes a page for each name."""
    lines = ["API reference", "=============", ""]
    for title, module in (ROOMS | TEXTS).items():
        lines += [title, "-" * len(title), "", f".. automodule:: {module}", "   :no-members:", ""]
        if title in ROOMS:
            lines += [".. autosummary::", "   :toctree:", "   :nosignatures:", ""]
            lines += [f"   {name}" for name in public(module)] + [""]
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines), encoding="utf-8")


def own_methods(name):
    """The public methods of a class that this package defines: GPflow and scikit-learn tell of their own."""
    module, _, name = name.rpartition(".")
    owned = {}
    for base in reversed(getattr(importlib.import_module(module), name).__mro__):
        if base.__module__.startswith("sklearn_mogpe"):
            owned |= vars(base)
    kinds = (classmethod, staticmethod, FunctionType)
    return sorted(key for key, value in owned.items() if isinstance(value, kinds) and not key.startswith("_"))


def link_gallery(app, docname, source):
    """Where the start page links to the page of examples, which git hosts show, link to the gallery."""
    if docname == "index":
        source[0] = source[0].replace("(examples.md)", "(auto_examples/index.rst)")


def setup(app):
    """Be an extension of Sphinx."""
    write(Path(app.srcdir) / "api" / "index.rst")
    app.connect("source-read", link_gallery)
    return {"parallel_read_safe": True}
