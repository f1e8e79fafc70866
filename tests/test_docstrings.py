"""Docstrings of all that is public say parameters, defaults, shapes, results, errors, units and sources.

They are read from the source, so that nothing heavy is imported.
"""

import ast
import re
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

import sklearn_mogpe

ROOT = Path(sklearn_mogpe.__file__).parent.parent
REFERENCE = ast.parse((ROOT / "docs" / "reference.py").read_text(encoding="utf-8")).body
TABLES = {ast.unparse(node.targets[0]): node.value for node in REFERENCE if isinstance(node, ast.Assign)}
LED_TO = {  # by other docstrings
    "sklearn_mogpe.descriptions.errors": ["ConfigurationError"],
    "sklearn_mogpe.estimator.gating_classifier": ["GatingClassifier"],
    "sklearn_mogpe.mixture_of_experts.bounds": ["predictive"],
    "sklearn_mogpe.predictive.quadrature": ["gauss_hermite", "normal_points", "symmetric_points"],
}
SECTIONS = ["Parameters", "Attributes", "Returns", "Raises", "Notes", "References", "Examples"]
SHAPE = r"\bshapes?\b|\bscalar\b"
MUST_SAY = {  # of names: units, or a source with its year
    r"MoGPERegressor\.(predict|sample)": r"units of y|sum to one|no units",
    r"(noise_variance|(expected|predict)_noise|noise_at|predict_y|predict_mixture|_dists)$": "units of y",
    r"(elbo|kl|log_lik|prior_density|score_samples|tight|further(_gating)?|s\.predictive|s\.nlpd)$": "nats",
    r"(tight|further(_gating)?|s\.predictive|OfExpertsBase|SVGPExpert|SVGPGatingNetwork)$": r"\d{4}\b",
    r"(MoGPERegressor|quadrature\.\w+|_noises|gps\.marginals|_motorcycle|CalibrationDisplay)$": r"\d{4}\b",
    r"(SparseGP|metrics\.(crps|interval_score|nlpd|pit))$": r"\d{4}\b",
}


@cache
def tree(module):
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def find(module, name):
    """The module and the node that define a class or function; None for what is not of this package."""
    for node in tree(module).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and node.level and name in [alias.name for alias in node.names]:
            package = module if ROOT.joinpath(*module.split(".")).is_dir() else module.rpartition(".")[0]
            return find(resolve_name("." * node.level + (node.module or ""), package), name)
    return None


def methods(module, node):
    """Those of a class by their names, its bases' in this package too."""
    found = {}
    for base in reversed(node.bases):
        found |= methods(*where) if (where := find(module, ast.unparse(base))) else {}
    return found | {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}


def every_public():
    """Names, docstrings, and the definitions that they tell of; of a class, its constructor's."""
    for module in [*ast.literal_eval(TABLES["ROOMS"]).values(), *LED_TO]:
        lists = [node.value for node in tree(module).body if ast.unparse(node).startswith("__all__ =")]
        for name in LED_TO.get(module) or ast.literal_eval(lists[0]):
            if found := find(module, name):  # otherwise a table, or the version
                full, node = f"{module}.{name}".removeprefix("sklearn_mogpe."), found[1]
                own = methods(*found) if isinstance(node, ast.ClassDef) else {}
                yield full, (ast.get_docstring(node), own.get("__init__", node))
                for key in sorted(key for key in own if not key.startswith("_")):
                    yield f"{full}.{key}", (ast.get_docstring(own[key]), own[key])


def signature(node):
    """Parameters as (name, annotation, default), but for a method's first."""
    if isinstance(node, ast.ClassDef):  # without a constructor; of a named tuple, the fields
        fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
        is_tuple = "NamedTuple" in map(ast.unparse, node.bases)
        return [(part.target.id, ast.unparse(part.annotation), part.value) for part in fields] * is_tuple
    given = node.args
    defaults = [None] * (len(given.args) - len(given.defaults)) + given.defaults + given.kw_defaults
    pairs = zip(given.args + given.kwonlyargs, defaults, strict=True)
    found = [(arg.arg, ast.unparse(arg.annotation or arg), default) for arg, default in pairs]
    found += [(star + arg.arg, "", None) for star, arg in (("*", given.vararg), ("**", given.kwarg)) if arg]
    return found[found[:1] in ([("self", "self", None)], [("cls", "cls", None)]) :]


def entries(section):
    """Names, type and text of each entry."""
    for part in re.split(r"\n(?=\S)", section.strip()):
        head, _, text = part.partition("\n")
        names, _, kind = head.partition(" : ")
        yield names.split(", "), kind, text


def lacks_shape(annotation, kind, text):
    is_array = re.search("Tensor|Array|Marginals", annotation) or re.search(r"(?i)array|tensor", kind)
    return bool(is_array) and "Axes" not in kind and not re.search(SHAPE, f"{kind} {text}")


def complaints(name, docstring, node):
    """What a docstring does not say, or says wrongly."""
    prose, *parts = re.split(r"^([A-Z]\w+)\n-+$", docstring, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    if list(sections) != [section for section in SECTIONS if section in sections]:
        yield f"expected sections in the order of {SECTIONS}, got {list(sections)}"
    parameters, section = signature(node), "Parameters"
    if isinstance(node, ast.ClassDef) and parameters:
        section = "Attributes"
    said = {n: entry for names, *entry in entries(sections.get(section, "")) for n in names if n}
    if said and list(said) != [parameter for parameter, *_ in parameters]:
        yield f"expected {section} {[parameter for parameter, *_ in parameters]}, got {list(said)}"
    for parameter, annotation, default in parameters:
        kind, text = said.get(parameter, ("", ""))
        of, _, value = kind.partition("default=")
        word = rf"\b{parameter.strip('*')}\b"
        expected = ast.unparse(default) if default else ""
        if (value and ast.unparse(ast.parse(value, mode="eval"))) != expected:
            yield f"expected default={expected} of {parameter}, got {value!r}"
        if said and not (of.strip(", ") or parameter.startswith("*")):
            yield f"{parameter} has no type"
        if not said and not re.search(word, prose):
            yield f"{parameter} is not said"
        behind = not said and re.search(rf"{word}`*,? (\(|\(?of (any |one |the |a )?shape|\(a scalar)", prose)
        if lacks_shape(annotation, kind, text) and not behind:
            yield f"{parameter} has no shape, such as {parameter} (N, D)"
    for key in {"Attributes", "Returns"} & sections.keys():
        for names, kind, text in entries(sections[key]):
            if lacks_shape("", kind or names[0], text):
                yield f"{', '.join(names)} of {key} has no shape"
    result = ast.unparse(getattr(node, "returns", None) or ast.Constant(None))
    if result != "None" and "Returns" not in sections:
        if "Parameters" in sections:
            yield "a section of Parameters, but none of Returns"
        if lacks_shape(result, "", prose):
            yield "the result has no shape"
    documented = {names[0].rpartition(".")[2] for names, *_ in entries(sections.get("Raises", ""))}
    raised = [part.exc for part in ast.walk(node) if isinstance(part, ast.Raise) and part.exc]
    errors = {ast.unparse(getattr(error, "func", error)).rpartition(".")[2] for error in raised}
    if isinstance(node, ast.FunctionDef) and not errors <= documented:
        yield f"expected {errors} among Raises, got {documented}"
    for names, words in MUST_SAY.items():
        if re.search(names, name) and not re.search(words, docstring):
            yield f"does not say {words}"


PUBLIC = dict(every_public())


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_says_all(name):
    assert not list(complaints(name, *PUBLIC[name]))


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("gps.joint_moments", "X :", "Z :", "expected Parameters ['gp', 'X', 'jitter']"),
        ("gps.joint_moments", "X : tensor of shape (N, D)", "X : tensor", "X has no shape"),
        ("gps.joint_moments", " of shape (L, N)\n", "\n", "mean of Returns has no shape"),
        ("gps.joint_moments", "gp : SparseGP", "gp", "gp has no type"),
        ("gps.joint_moments", "default=None", "default=1", "expected default=None of jitter"),
        ("gps.joint_moments", "Returns", "Yields", "none of Returns"),
        ("gps.log_softmax", "x, of any shape", "x", "x has no shape"),
        ("gps.log_softmax", "axis", "line", "axis is not said"),
        ("gps.prior_kl", "scalar in", "number of", "the result has no shape"),
        ("gps.prior_kl", "nats", "units", "does not say nats"),
        ("gps.Marginals", "mean, ", "", "expected Attributes ['mean', "),
        ("metrics.nlpd", "2007", "later", "does not say \\d{4}"),
        ("plotting.CalibrationDisplay.plot", "\nValueError", "\nTypeError", "expected {'ValueError'}"),
        ("plotting.CalibrationDisplay.plot", "Returns", "Examples", "expected sections in the order"),
    ],
)
def test_what_is_wrong_is_found(name, old, new, complaint):
    docstring, node = PUBLIC[name]
    assert old in docstring
    assert complaint in "".join(complaints(name, docstring.replace(old, new), node))
