"""What is released: one version everywhere, and archives with all that they need and nothing else."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from sklearn_mogpe import __version__

ROOT = Path(__file__).parents[1]

# Of the package's files, data among them.
SUFFIXES = {".py", ".csv", ".toml", ".typed"}


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(
        r"^## \[(\d.*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    version, date = newest.groups()
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation
    # Between releases it is that of the next one.
    assert __version__ == version or __version__.endswith(".dev0")


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", directory], cwd=ROOT, check=True)
    (wheel,), (sdist,) = directory.glob("*.whl"), directory.glob("*.tar.gz")
    return wheel, sdist


def test_the_wheel_holds_the_package_and_its_data(archives):
    with zipfile.ZipFile(archives[0]) as wheel:
        names = set(wheel.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        text = wheel.read(metadata).decode()
    package = {name for name in names if ".dist-info/" not in name}
    files = (path for path in (ROOT / "sklearn_mogpe").rglob("*") if path.suffix in SUFFIXES)
    assert package == {str(path.relative_to(ROOT)) for path in files}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    assert f"\nVersion: {__version__}\n" in text
    assert "\nRequires-Python: >=3.11\n" in text
    assert "\nProject-URL: Issues, " in text


def test_the_source_archive_can_be_tested(archives):
    with tarfile.open(archives[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {"pyproject.toml", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "noxfile.py"}
    tested = {"tests/conftest.py", "docs/index.md", "examples/motorcycle.py", "benchmarks/README.md"}
    assert needed | tested | {"sklearn_mogpe/py.typed"} <= names
    assert not [name for name in names if re.search(r"(^|/)(\.ci|\.github|_build|__pycache__)/|\.pyc$", name)]
