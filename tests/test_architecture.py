"""The rules that hold the package together: which way imports run, short files, docstrings, light imports."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_mogpe

ROOT = Path(sklearn_mogpe.__file__).parent
FILES = {
    ".".join(("sklearn_mogpe", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}

# A room may import rooms of a lower rank and itself.
RANKS = {
    "data": 0,
    "datasets": 0,
    "descriptions": 0,
    "predictive": 1,
    "metrics": 2,
    "plotting": 2,
    "gps": 1,
    "experts": 2,
    "gating_networks": 2,
    "mixture_of_experts": 3,
    "engine": 4,
    "training": 5,
    "monitoring": 6,
    "estimator": 7,
    "command": 8,
}
LIGHT_ROOMS = {"data", "datasets", "descriptions", "predictive", "metrics", "plotting"}
HEAVY_LIBRARIES = {"tensorflow", "tensorflow_probability", "gpflow", "tf_keras", "keras"}

every_module = pytest.mark.parametrize("module", FILES)


def room(module):
    """The part of the package that a module belongs to, or None for the package itself and outsiders."""
    package, *rest = module.split(".")
    return rest[0] if package == "sklearn_mogpe" and rest else None


def direct_imports(module):
    """Absolute names of all that is imported anywhere in a module, in functions too.

    ``from a import b`` counts as the module ``a.b`` where there is one, and as ``a`` otherwise.
    """
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names = {f"{source}.{alias.name}" for alias in node.names} - {"sklearn_mogpe.__version__"}
            found |= {name if name in FILES else source for name in names}
    return found


def all_imports(module):
    """The modules that a module imports, itself or through other modules of the package."""
    found, waiting = set(), [module]
    while waiting:
        new = direct_imports(waiting.pop()) - found
        found |= new
        waiting += [name for name in new if name in FILES and room(name)]
    return found


def public_definitions(tree):
    """Public classes, functions and methods of a module, as (name, node)."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", method) for name, method in public_definitions(node))


def test_every_room_has_a_rank():
    assert {room(module) for module in FILES} - {None} == set(RANKS)


@pytest.mark.parametrize("module", [name for name in FILES if room(name)])
def test_rooms_import_only_lower_rooms(module):
    here = room(module)
    above = {
        name
        for name in direct_imports(module)
        if room(name) and room(name) != here and RANKS[room(name)] >= RANKS[here]
    }
    assert not above, f"{module} must not import {sorted(above)}: move the shared part to a lower room"


@pytest.mark.parametrize("module", [name for name in FILES if room(name) in LIGHT_ROOMS])
def test_light_rooms_do_without_tensorflow(module):
    heavy = {name for name in all_imports(module) if name.split(".")[0] in HEAVY_LIBRARIES}
    assert not heavy, f"{module} must not import {sorted(heavy)}: take what it needs as an argument"


def test_files_have_names_of_their_own():
    names = [path.name for path in FILES.values() if path.name not in ("__init__.py", "base.py", "svgp.py")]
    assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)


@every_module
def test_names_are_taken_from_their_rooms(module):
    """A name taken from the package itself would hide which room it comes from."""
    assert "sklearn_mogpe" not in direct_imports(module), f"{module} must import from the room it needs"


@every_module
def test_what_is_not_public_elsewhere_is_taken_in_one_place(module):
    """Names that begin with an underscore, and scikit-learn's callbacks, which may change."""
    taken = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.ImportFrom) and not node.level and node.module != "__future__"
        for alias in node.names
    }
    private = {name for name in taken if "._" in name or name.startswith("sklearn.callback")}
    assert bool(private) == (module == "sklearn_mogpe.estimator.scikit_learn"), private


@every_module
def test_files_are_short(module):
    lines = FILES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= 350, f"{FILES[module].name} has {lines} lines: a file holds one idea, divide it"


@every_module
def test_functions_fit_on_a_screen(module):
    """Without their docstrings; but a constructor that stores what a user may say is as long as that is."""
    functions = [node for node in ast.walk(TREES[module]) if isinstance(node, ast.FunctionDef)]
    lengths = {
        node.name: node.end_lineno - node.body[bool(ast.get_docstring(node))].lineno + 1
        for node in functions
        if len(node.body) > bool(ast.get_docstring(node)) and node.name != "__init__"
    }
    assert not [name for name, length in lengths.items() if length > 50], module


@every_module
def test_everything_public_has_a_docstring(module):
    definitions = [(module, TREES[module]), *public_definitions(TREES[module])]
    missing = [name for name, node in definitions if not ast.get_docstring(node)]
    assert not missing, f"{module} lacks docstrings: {missing}"


def test_imports_leave_tensorflow_alone():
    """One after another in one interpreter, which names the first that does not."""
    statements = [
        "import sklearn_mogpe",
        *(f"import {module}" for module in FILES if room(module) in LIGHT_ROOMS),
        "from sklearn_mogpe import MoGPERegressor",
    ]
    check = "assert 'tensorflow' not in sys.modules, "
    code = "\n".join(["import sys", *(f"{statement}\n{check}{statement!r}" for statement in statements)])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT.parent)
