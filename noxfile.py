"""The test suite against each scikit-learn that the package supports, and the site.

``nox``, or ``nox -s "tests(1.6)"``, or ``nox -s docs``.
"""

import nox

nox.options.reuse_existing_virtualenvs = True


@nox.session
@nox.parametrize("sklearn", ["1.6", "1.7", "1.8", "1.9"])
def tests(session, sklearn):
    """Run the test suite; further arguments are pytest's."""
    session.install(".[test]", f"scikit-learn=={sklearn}.*")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def docs(session):
    """Build the site into docs/_build/html, warnings as errors; ``-- linkcheck`` asks where links lead."""
    session.install(".[docs]")
    session.run("make", "-C", "docs", *(session.posargs or ["html"]), external=True)
