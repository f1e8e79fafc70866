"""The page of recipes: each section runs after the opening block, and prints what it says."""

import builtins
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PRINTED = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)
TOLERANCE = 0.05  # rounding is another on each processor

# The opening block stands before the first heading of a section.
OPENING, *HEADINGS = re.split(r"^## (.*)$", TEXT, flags=re.MULTILINE)
SECTIONS = dict(zip(HEADINGS[::2], HEADINGS[1::2], strict=True))

pytestmark = [
    pytest.mark.slow,
    # of the clients themselves
    pytest.mark.filterwarnings("ignore:The default of config ``remember_data``:FutureWarning:sktime"),
    pytest.mark.filterwarnings("ignore:The set_.* function will:PendingDeprecationWarning:shap"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning:mlflow"),
]


def run(section, namespace):
    """Run the blocks of a section, each line where it stands on the page."""
    for block in BLOCK.finditer(section):
        lines_before = TEXT.count("\n", 0, TEXT.index(block[1]))
        exec(compile("\n" * lines_before + block[1], PAGE, "exec"), namespace)


@pytest.fixture(scope="module")
def opening():
    namespace = {"__name__": "recipes"}
    run(OPENING, namespace)
    return namespace


@pytest.mark.parametrize("heading", SECTIONS)
def test_recipe_prints_what_the_page_says(heading, opening, tmp_path, monkeypatch):
    printed = []
    monkeypatch.chdir(tmp_path)  # MLflow keeps its runs in the working directory
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(builtins, "print", lambda *values: printed.append(" ".join(map(str, values))))
    run(SECTIONS[heading], dict(opening))
    expected = PRINTED.findall(SECTIONS[heading])
    assert expected
    assert len(printed) == len(expected)
    for found, said in zip(printed, expected, strict=True):
        assert values(found) == values(said), found


def values(line):
    """Words as they are, numbers within the tolerance."""
    return [
        pytest.approx(float(word), abs=TOLERANCE) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", word) else word
        for word in line.split()
    ]
