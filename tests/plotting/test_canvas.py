"""Matplotlib is imported when something is drawn, and missed clearly."""

import subprocess
import sys
from pathlib import Path

import sklearn_mogpe

PARENT = Path(sklearn_mogpe.__file__).parents[1]


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=PARENT, capture_output=True, text=True
    )


def test_import_leaves_matplotlib_alone():
    code = "import sklearn_mogpe.plotting, sys; sys.exit('matplotlib' in sys.modules)"
    assert run(code).returncode == 0


def test_missing_matplotlib_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from sklearn_mogpe.plotting import TrainingCurveDisplay\n"
        "TrainingCurveDisplay([1.0]).plot()"
    )
    assert "ImportError: Drawing needs matplotlib" in run(code).stderr
