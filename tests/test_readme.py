"""The README and the documentation: their code runs, their commands and links point at what exists."""

import re
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = [
    'python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv pip install -q ".[plot]"'
    " && .venv/bin/python examples/motorcycle.py",
    'python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv pip install -q ".[test]"'
    " && .venv/bin/python -m pytest",
]
MAX_IMAGE_BYTES = 200_000

RUN_ELSEWHERE = {"recipes.md"}  # by tests/citizen/test_recipes.py, section by section

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code(page):
    """The Python blocks of a page as one program, each line where it stands on the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        block_lines = block[1].splitlines()
        lines[first : first + len(block_lines)] = block_lines
    return "\n".join(lines)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if code(page).strip() and page.name not in RUN_ELSEWHERE],
    ids=lambda page: page.name,
)
def test_code_runs(page, tmp_path, monkeypatch, short_search):
    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)  # the pages save their pictures in the working directory
    try:
        exec(compile(code(page), page, "exec"), {"__name__": "page"})
    finally:
        plt.close("all")


@pytest.mark.parametrize("command", COMMANDS, ids=["example", "test"])
def test_readme_gives_command_on_a_line_of_its_own(command):
    assert command in README.read_text(encoding="utf-8").splitlines()


@every_page
def test_extras_exist(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    for names in re.findall(r'install [^\n]*"\.\[([\w,-]+)\]"', page.read_text(encoding="utf-8")):
        assert set(names.split(",")) <= set(extras)


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which does not exist"


def test_images_are_small():
    for image in (ROOT / "docs" / "images").iterdir():
        assert image.suffix == ".png"
        assert image.stat().st_size <= MAX_IMAGE_BYTES, f"{image.name} is too large for a page"
