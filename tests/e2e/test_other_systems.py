"""Development, the test kit and one worker without what only Linux has (macOS, for example)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leftovers import MARK

ROOT = Path(__file__).resolve().parents[2]
OTHER_SYSTEM = ROOT / "tests" / "other_system"
SUITES = (
    "tests/e2e/test_runserver.py",
    "tests/integration/sockgate/testing",
)
NEEDS_LINUX = "test_nothing_outlives_a_killed_parent"
"""Without prctl(2), servers may outlive a killed supervisor; docs/django.md says so."""

REPORT = """
import os, select, signal, socket, sys
from pathlib import Path
assert not hasattr(select, "epoll") and not hasattr(socket, "SO_REUSEPORT")
assert not hasattr(signal, "SIGRTMIN") and sys.platform != "linux"
try:
    Path("/proc/self/cmdline").read_bytes()
except FileNotFoundError:
    print("hidden")
"""

pytestmark = pytest.mark.e2e


def environment() -> dict[str, str]:
    paths = filter(None, (str(OTHER_SYSTEM), os.environ.get("PYTHONPATH")))
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    kept.pop(MARK, None)  # The inner run marks its own processes.
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def test_what_only_linux_has_is_hidden() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REPORT],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "hidden\n"


@pytest.mark.parametrize("suite", SUITES)
def test_suite_passes_without_what_only_linux_has(suite: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", suite]
    done = subprocess.run(
        [*command, "-k", f"not {NEEDS_LINUX}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
