"""The tests in ``examples/testing`` pass: Django's and pytest's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = ROOT / "examples" / "testing"
ENVIRON = {
    # Without the options of this run of pytest.
    **{name: text for name, text in os.environ.items() if name != "PYTEST_ADDOPTS"},
    "DJANGO_SETTINGS_MODULE": "shop.settings",
    "PYTHONPATH": os.pathsep.join((str(ROOT / "gateway"), str(ROOT / "djangoauth"))),
}


def test_examples_pass() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=EXAMPLES,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
