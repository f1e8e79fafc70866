"""The pages of the reference: what is public is what the ``__all__`` of a room's package names."""

import importlib
from pathlib import Path
from types import FunctionType

from numpydoc.docscrape_sphinx import SphinxDocString

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
TEXTS = {  # docstrings of modules that other docstrings send readers to
    "sklearn_mogpe.mixture_of_experts": ["sklearn_mogpe.mixture_of_experts.bounds"],
    "sklearn_mogpe.gps": ["sklearn_mogpe.gps.configuration", "sklearn_mogpe.descriptions.errors"],
}


def public(module):
    """Names of classes, functions and tables."""
    return [name for name in importlib.import_module(module).__all__ if not name.startswith("__")]


def write(directory):
    """Write a page of all tables, and one for each room, of which autosummary makes a page for each name."""
    index, *pages = [["API reference", "=" * 13, "", ".. toctree::", "   :hidden:", ""]]
    index += [f"   {file_name(title)}" for title in ROOMS]
    for title, module in ROOMS.items():
        table = ["   :nosignatures:", "", *(f"   {name}" for name in public(module)), ""]
        index += [
            "",
            title,
            "-" * len(title),
            "",
            f".. currentmodule:: {module}",
            "",
            ".. autosummary::",
            *table,
        ]
        page = [title, "=" * len(title), "", f".. automodule:: {module}", "   :no-members:", ""]
        page += [".. autosummary::", "   :toctree:", *table]
        for text in TEXTS.get(module, []):
            page += [f".. automodule:: {text}", "   :no-members:", ""]
        pages.append((file_name(title), page))
    directory.mkdir(exist_ok=True)
    for name, lines in [("index", index), *pages]:
        (directory / f"{name}.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")


def file_name(title):
    """Of a room's page."""
    return title.lower().replace(" ", "_")


def own_methods(name):
    """The public methods of a class that this package defines: GPflow and scikit-learn tell of their own."""
    module, _, name = name.rpartition(".")
    owned = {}
    for base in reversed(getattr(importlib.import_module(module), name).__mro__):
        if base.__module__.startswith("sklearn_mogpe"):
            owned |= vars(base)
    kinds = (classmethod, staticmethod, FunctionType)
    return sorted(key for key, value in owned.items() if isinstance(value, kinds) and not key.startswith("_"))


def keep_text_of_attributes():
    """Show what a class says of its attributes: of properties numpydoc shows the first line of their own."""
    process = SphinxDocString._process_param
    SphinxDocString._process_param = lambda self, name, text, _: process(self, name, text, False)


def link_gallery(app, docname, source):
    """Where pages link to that of examples, which git hosts show, link to the gallery."""
    source[0] = source[0].replace("(examples.md)", "(auto_examples/index.rst)")


def setup(app):
    """Be an extension of Sphinx."""
    write(Path(app.srcdir) / "api")
    keep_text_of_attributes()
    app.connect("source-read", link_gallery)
    return {"parallel_read_safe": True}
