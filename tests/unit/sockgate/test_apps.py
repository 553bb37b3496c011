"""What Django has registered once the app is ready."""

import os
import subprocess
import sys

REGISTERED = """
import django
django.setup()
from django.core.checks.registry import registry
found = registry.get_checks(include_deployment_checks=True)
print(*sorted({check.__module__ for check in found if check.__module__.startswith("sockgate")}))
"""


def test_ready_registers_the_system_checks() -> None:
    """In a process of its own: any test that imports the checks registers them too."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django_settings"}
    finished = subprocess.run(
        [sys.executable, "-c", REGISTERED],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.split() == [
        "sockgate.checks.deploy",
        "sockgate.checks.development",
        "sockgate.checks.live",
        "sockgate.checks.pages",
        "sockgate.checks.redis",
        "sockgate.checks.settings",
    ]
