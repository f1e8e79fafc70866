"""The examples run, write their pictures, and their mixtures beat the single Gaussian process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example(example, tmp_path):
    picture = tmp_path / "picture.png"
    run = subprocess.run(
        [sys.executable, example, "--output", picture, "--verbose", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [picture]
    single, mixture = (float(value) for value in re.findall(r"NLPD (\S+)", run.stdout))
    assert mixture < single
