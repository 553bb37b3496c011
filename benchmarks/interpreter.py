"""The Python that servers run on: the distribution's, where it has one that is new enough.

Strategy: Node.js, nginx and Go are measured as their makers build them, and so is Python.
Distributions and container images build theirs with profile-guided optimisation; one that was
compiled on the machine mostly lacks that, and takes a tenth more of the CPU for everything here.
``BENCH_PYTHON`` names another one.
"""

import os
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import requires, version
from pathlib import Path

from .build import has_stamp, run, stamp
from .places import BUILD

OF_THE_DISTRIBUTION = "/usr/bin/python3"

_IS_USABLE = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
_VERSION = "import platform; print(platform.python_version())"


def environment(name: str, *requirements: str) -> Path:
    """Return a Python in an environment of its own with these packages.

    Raises:
        CannotBuild: one of them cannot be had.
    """
    home = BUILD / f"python-{python_version()}-{name}"
    python = home / "bin" / "python"
    if not python.exists():
        run(_interpreter(), "-m", "venv", "--without-pip", home)
    if not has_stamp(home, requirements):
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
        run(*pip, "install", "-q", *requirements)
        stamp(home, requirements)
    return python


def own_environment() -> Path:
    """Return a Python with Sockgate's dependencies, in the versions of the current environment."""
    found = [entry for entry in requires("sockgate") or () if "extra ==" not in entry]
    names = [re.split(r"[^\w.-]", entry, maxsplit=1)[0] for entry in found]
    return environment("own", *(f"{name}=={version(name)}" for name in (*names, "hiredis")))


@cache
def python_version() -> str:
    """Return the version of that Python."""
    return subprocess.check_output([_interpreter(), "-c", _VERSION], text=True).strip()


@cache
def _interpreter() -> str:
    chosen = os.environ.get("BENCH_PYTHON")
    return chosen or (OF_THE_DISTRIBUTION if _is_usable(OF_THE_DISTRIBUTION) else sys.executable)


def _is_usable(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", _IS_USABLE], check=False).returncode == 0
    except OSError:
        return False
