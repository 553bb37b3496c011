"""The tests with each Python and Django, and with the oldest and newest libraries.

``nox`` runs what this machine has an interpreter for; ``nox --list`` names the sessions, and
``nox -s "tests(django='5.2')" -p 3.12 -- tests/unit`` runs one of them on some tests. Each
session ends with a line for the table in docs/versions.md. The browser client must be built
before, which ``make test`` or ``make demo`` has done.
"""

from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
DJANGOS = {"5.2": PYTHONS, "6.0": PYTHONS[1:], "6.1": PYTHONS[1:]}
"""Each Django with the Pythons that it supports."""
TESTS = ("tests/unit", "tests/integration")

nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "oldest"]


VERSIONS = """
import platform
from importlib.metadata import version
print(*(platform.python_version(), *map(version, ("django", "redis", "tornado"))), sep=" | ")
"""


def run(session: nox.Session, *constraints: str) -> None:
    """Run the tests of the command line, or all that need no browser, and print the versions."""
    session.install("--use-pep517", "--editable", ".[test]", *constraints)
    session.run(
        "python", "-m", "pytest", "--numprocesses=4", "--dist=loadfile", *session.posargs or TESTS
    )
    session.run("python", "-c", VERSIONS)


@nox.session
@nox.parametrize(
    ("python", "django"),
    [(python, django) for django, pythons in DJANGOS.items() for python in pythons],
)
def tests(session: nox.Session, django: str) -> None:
    """The newest version of everything, with this Django."""
    run(session, f"django=={django}.*")


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The lowest version of everything that setup.cfg admits."""
    constraints = Path(session.create_tmp(), "constraints.txt")
    constraints.write_text(session.run("python", "tests/floors.py", silent=True))
    run(session, "--constraint", str(constraints))
