"""Sphinx's settings: ``make -C docs html``, or ``nox -s docs``; both take warnings as errors.

The pages are Markdown that git hosts show, too. What a build makes (the reference in ``api``, the gallery in
``auto_examples``, the site in ``_build``) is not committed.
"""

import shutil
import sys
from pathlib import Path

from numpydoc import xref

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # for reference.py

import reference  # noqa: E402

import sklearn_mogpe  # noqa: E402

project = html_title = "sklearn_mogpe"
author = copyright = "The sklearn_mogpe developers"
version = release = sklearn_mogpe.__version__

extensions = [
    "myst_parser",  # the Markdown pages
    "numpydoc",
    "reference",  # the pages of the reference, before autosummary looks for them
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples.md"]  # in place of examples.md there is the gallery
templates_path = ["_templates"]
default_role = "autolink"  # `name` in docstrings is a link, if there is such a name
suppress_warnings = ["config.cache"]  # functions, as there are below, cannot be pickled with the settings

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # page.md#a-heading is a link, as on git hosts

# The reference. Signatures stay short, as docstrings tell types.
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_context = {"own_methods": reference.own_methods}
numpydoc_show_class_members = False  # the templates do

# Types in docstrings are links where they are public classes of this package or GPflow's, words otherwise.
xref.DEFAULT_LINKS.clear()
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    name: f"{module}.{name}"
    for module in reference.ROOMS.values()
    for name in reference.public(module)
    if name[0].isupper()
} | {
    f"gpflow.{name}": f":class:`gpflow.{name}`"
    for name in ("kernels.Kernel", "likelihoods.Gaussian", "monitor.Monitor")
}

# Every reference in a docstring has to lead somewhere, but for those to what is not public.
nitpicky = True
nitpick_ignore_regex = [
    ("py:mod", r"sklearn_mogpe\..*"),
    ("py:(class|data|func)", r"sklearn_mogpe(\.\w+){3,}|EventLog|KERNELS|PRIORS|concatenated"),
]

# Other projects, for links from docstrings and from the code of the gallery. The lists of names are short and
# our own, so that a build needs no network: a name that is missing becomes a line there.
intersphinx_mapping = {
    "sklearn": ("https://scikit-learn.org/stable/", "inventories/scikit-learn.txt"),
    "numpy": ("https://numpy.org/doc/stable/", "inventories/numpy.txt"),
    "gpflow": ("https://gpflow.github.io/GPflow/develop/", "inventories/gpflow.txt"),
}

# The gallery. Examples save pictures where they lie, so copies of them run. Those that have not changed since
# the last build do not run again.
EXAMPLES = HERE / "_build" / "examples"
shutil.rmtree(EXAMPLES, ignore_errors=True)
shutil.copytree(HERE.parent / "examples", EXAMPLES, ignore=shutil.ignore_patterns("many_machines"))
ORDER = ["motorcycle", "two_branches", "two_regimes", "grid_search", "stream", "from_toml", "custom_expert"]
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",  # all run
    "within_subsection_order": lambda file: ORDER.index(Path(file).stem),
    "doc_module": "sklearn_mogpe",
    "backreferences_dir": "auto_examples/uses",  # pages of the reference show the examples that use a thing
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}
