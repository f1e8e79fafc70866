"""The test suite against the versions that the package supports, and the site; ``nox --list`` names them.

``nox``, or ``nox -s "tests(1.6)"``, ``nox -s lowest newest``, ``nox -s docs``.
"""

import nox

nox.options.default_venv_backend = "uv"  # which reads in pyproject.toml which NumPy to take
nox.options.reuse_existing_virtualenvs = True


@nox.session
@nox.parametrize("sklearn", ["1.6", "1.7", "1.8", "1.9"])
def tests(session, sklearn):
    """Run the test suite; further arguments are pytest's."""
    session.install(".[test]", f"scikit-learn=={sklearn}.*")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11", default=False)
def lowest(session):
    """Run the test suite with the lowest version of each dependency, NumPy 1.26 among them."""
    # TensorFlow goes with tf-keras of the same minor version, which TensorFlow Probability asks for.
    session.install("--resolution=lowest-direct", ".[test]", "tf-keras==2.16.*")
    session.run("pytest", *session.posargs)


@nox.session(python="3.13", default=False)
def newest(session):
    """Run the test suite on Python 3.13 with the newest version of each dependency, NumPy 2 among them."""
    session.install("--upgrade", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def coverage(session):
    """Run all tests, slow ones too, and report which lines and branches no test has run."""
    session.install(".[test]", "pytest-cov")
    session.run("pytest", "-m", "", "--cov", "--cov-report=term-missing:skip-covered", *session.posargs)


@nox.session(default=False)
def audit(session):
    """Ask whether a known vulnerability is in what the package depends on."""
    session.install(".[command]", "pip-audit")
    session.run("pip-audit", "--local", "--skip-editable", *session.posargs)


@nox.session(default=False)
def docs(session):
    """Build the site into docs/_build/html, warnings as errors; ``-- linkcheck`` asks where links lead."""
    session.install(".[docs]")
    session.run("make", "-C", "docs", *(session.posargs or ["html"]), external=True)
