"""The site is built without a warning, and the examples of its gallery show what they claim."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs"

# What the gallery has of an example's standard output, cell by cell.
PRINTED = re.compile(r"sphx-glr-script-out\n\n \.\. code-block:: none\n\n((?:    .*\n|\n)+)")


def numbers(pattern, text):
    """The numbers at the place of ``#`` in a pattern, wherever that occurs in the text."""
    return [float(number) for number in re.findall(pattern.replace("#", r"(-?\d+\.?\d*)"), text)]


def percentages(pattern, text):
    return [number / 100 for number in numbers(pattern.replace("#", "#%"), text)]


def check_motorcycle(output):
    single, two, three = numbers("NLPD #", output)
    assert two < single - 0.2
    assert three < single - 0.2


def check_two_regimes(output):
    single, mixture, truth = numbers("NLPD #", output)
    assert truth < mixture < min(single - 1, truth + 0.2)
    for single, mixture, truth in (
        numbers("each output #", output),
        numbers("each output [^,]*, #", output),
    ):
        assert truth < mixture < min(single - 0.5, truth + 0.1)
    assert numbers("noise of #", output) == pytest.approx([0.05, 0.4], rel=0.1)
    assert numbers("noise of .* and #", output) == pytest.approx([0.05, 0.4], rel=0.1)
    (agreement,) = percentages("# of the new rows lie", output)
    assert agreement > 0.95


def check_two_branches(output):
    single, mixture, truth = numbers("NLPD #", output)
    assert truth < mixture < min(single - 0.5, truth + 0.1)
    of_single, of_mixture = percentages("# of samples", output)
    assert of_mixture < 0.02 < 0.4 < of_single
    by_x, by_x_and_y = percentages("right for #", output)
    assert by_x < by_x_and_y
    assert by_x_and_y > 0.99


def check_grid_search(output):
    nlpds = numbers("n_experts=.*NLPD #", output)
    r2s = numbers("n_experts=.*R² #", output)
    n_experts = numbers("n_experts=#, .*NLPD", output)
    best_by_number = [
        min(nlpd for nlpd, n in zip(nlpds, n_experts, strict=True) if n == number) for number in (1, 2)
    ]
    assert best_by_number[1] < best_by_number[0] - 0.3
    assert max(r2s) - min(r2s) < 0.02  # which would hardly have told
    assert "chosen: n_experts=2" in output
    (on_new_rows,) = numbers("new rows: NLPD #", output)
    assert on_new_rows < best_by_number[0] - 0.3
    (coverage,) = percentages("# of them lie", output)
    assert coverage == pytest.approx(0.9, abs=0.03)


def check_stream(output):
    stream, whole, truth, *changed = numbers("NLPD #", output)
    assert truth < stream < truth + 0.05
    assert stream == pytest.approx(whole, abs=0.03)
    assert changed == sorted(changed, reverse=True)
    assert changed[-1] < changed[0] - 1


def check_custom_expert(output):
    single, mixture, truth = numbers("NLPD #", output)
    assert truth < mixture < min(single - 0.5, truth + 0.1)
    for name, true in (("intercept", -1), ("slope", 0.3)):
        ((mean,), (std,)) = numbers(f"{name}: #", output), numbers(f"{name}: .* ± #", output)
        assert abs(mean - true) < 3 * std < 0.2


def check_from_toml(output):
    (looks, steps, first, last) = (
        numbers(pattern, output)[0]
        for pattern in ("# looks", "in # steps", "loss from #", "loss from .* to #")
    )
    assert (looks, steps) == (24, 2400)
    assert last < first - 0.5
    for k, (start, end) in ((1, (0.05, 0.03)), (2, (1.4, 0.28))):
        noise = f"noise variance of expert {k}: from "
        assert numbers(f"{noise}#", output) == pytest.approx([start], rel=0.3)
        assert numbers(f"{noise}.* to #", output) == pytest.approx([end], rel=0.3)
    assert numbers("NLPD #", output) < [4.5]


def test_each_example_is_tested_and_told_of():
    page, settings = (DOCS / name for name in ("examples.md", "conf.py"))
    for example in EXAMPLES.glob("*.py"):
        assert f"check_{example.stem}" in globals()
        assert f"python examples/{example.name}" in page.read_text(encoding="utf-8")
        assert f'"{example.stem}"' in settings.read_text(encoding="utf-8")  # the gallery's order


@pytest.mark.slow
def test_the_site_and_its_gallery(tmp_path):
    made = shutil.ignore_patterns("_build", "api", "auto_examples")
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=made)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    docs = tmp_path / "docs"
    # as its Makefile does
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "html",
        "-W",
        "--keep-going",
        docs,
        docs / "_build" / "html",
    ]
    process = subprocess.run(build, capture_output=True, text=True, check=False, cwd=docs)
    assert process.returncode == 0, process.stderr
    pictures = {path.name for path in (docs / "_build" / "examples").glob("*.png")}
    assert pictures == {f"{example.stem}.png" for example in EXAMPLES.glob("*.py")}
    for example in EXAMPLES.glob("*.py"):
        text = (docs / "auto_examples" / f"{example.stem}.rst").read_text(encoding="utf-8")
        globals()[f"check_{example.stem}"]("".join(PRINTED.findall(text)))
