"""The site of examples/live_pages as processes."""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.stack import ACCOUNTS, ROOT, Stack
from tests.ports import HOST

LIVE_PAGES = ROOT / "examples" / "live_pages"

MAKE_ACCOUNTS = """
from django.contrib.auth.models import User
for name in {names}:
    User.objects.create_user(name, password=name + "-demo", is_staff=name == "admin")
"""


class LivePages(Stack):
    """Valkey, the gateway, and the site of the example in place of the demo's."""

    def __init__(self, folder: Path, **options: str) -> None:
        super().__init__(folder, **options)
        self.django.command[1:] = [
            *(str(LIVE_PAGES / "manage.py"), "runserver", "--noreload", "--skip-checks"),
            *("--no-gateway", f"{HOST}:{self._django_port}"),
        ]
        self.django.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.browser.live_pages_settings",
            "PYTHONPATH": os.pathsep.join((self.django.environ["PYTHONPATH"], str(LIVE_PAGES))),
            "SOCKGATE_GATEWAY_URL": self.gateway_url,
        }

    def _prepare_database(self) -> None:
        self._manage("migrate", "--run-syncdb", "--verbosity=0")
        self._manage("shell", "-c", MAKE_ACCOUNTS.format(names=ACCOUNTS))

    def _manage(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, str(LIVE_PAGES / "manage.py"), *command],
            env={**os.environ, **self.django.environ},
            check=True,
            timeout=180,
        )
