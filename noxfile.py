"""The test suite against each scikit-learn that the package supports: ``nox``, or ``nox -s "tests(1.6)"``."""

import nox

nox.options.reuse_existing_virtualenvs = True


@nox.session
@nox.parametrize("sklearn", ["1.6", "1.7", "1.8", "1.9"])
def tests(session, sklearn):
    """Run the test suite; further arguments are pytest's."""
    session.install(".[test]", f"scikit-learn=={sklearn}.*")
    session.run("pytest", *session.posargs)
