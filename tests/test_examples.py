"""The examples run, write their pictures and nothing else, and their numbers show what they claim."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def run(tmp_path):
    """Run an example, and return what it prints."""

    def run_example(name):
        elsewhere, here = tmp_path / "temporary", tmp_path / "here"
        elsewhere.mkdir()
        here.mkdir()
        process = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py"],
            capture_output=True,
            text=True,
            check=False,
            cwd=here,
            env={**os.environ, "TMPDIR": str(elsewhere), "MPLBACKEND": "agg"},
        )
        assert process.returncode == 0, process.stderr
        (picture,) = here.iterdir()
        assert picture.name == f"{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert not list(elsewhere.iterdir())
        return process.stdout

    return run_example


def numbers(pattern, text):
    """The numbers at the place of ``#`` in a pattern, wherever that occurs in the text."""
    return [float(number) for number in re.findall(pattern.replace("#", r"(-?\d+\.?\d*)"), text)]


def percentages(pattern, text):
    return [number / 100 for number in numbers(pattern.replace("#", "#%"), text)]


@pytest.mark.slow
def test_motorcycle(run):
    single, two, three = numbers("NLPD #", run("motorcycle"))
    assert two < single - 0.2
    assert three < single - 0.2


@pytest.mark.slow
def test_two_regimes(run):
    output = run("two_regimes")
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


@pytest.mark.slow
def test_two_branches(run):
    output = run("two_branches")
    single, mixture, truth = numbers("NLPD #", output)
    assert truth < mixture < min(single - 0.5, truth + 0.1)
    of_single, of_mixture = percentages("# of samples", output)
    assert of_mixture < 0.02 < 0.4 < of_single
    by_x, by_x_and_y = percentages("right for #", output)
    assert by_x < by_x_and_y
    assert by_x_and_y > 0.99


@pytest.mark.slow
def test_grid_search(run):
    output = run("grid_search")
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


@pytest.mark.slow
def test_stream(run):
    output = run("stream")
    stream, whole, truth, *changed = numbers("NLPD #", output)
    assert truth < stream < truth + 0.05
    assert stream == pytest.approx(whole, abs=0.03)
    assert changed == sorted(changed, reverse=True)
    assert changed[-1] < changed[0] - 1


@pytest.mark.slow
def test_custom_expert(run):
    output = run("custom_expert")
    single, mixture, truth = numbers("NLPD #", output)
    assert truth < mixture < min(single - 0.5, truth + 0.1)
    for name, true in (("intercept", -1), ("slope", 0.3)):
        ((mean,), (std,)) = numbers(f"{name}: #", output), numbers(f"{name}: .* ± #", output)
        assert abs(mean - true) < 3 * std < 0.2


@pytest.mark.slow
def test_from_toml(run):
    output = run("from_toml")
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
        assert f"test_{example.stem}" in globals()
        assert f"python examples/{example.name}" in page.read_text(encoding="utf-8")
        assert f'"{example.stem}"' in settings.read_text(encoding="utf-8")  # the gallery's order
