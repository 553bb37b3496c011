"""Which servers a plan stops and starts, without starting any."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sockgate.conf.defaults import embedded_valkey
from sockgate.dev import supervisor
from sockgate.dev.plans import GatewayPlan, Plan
from sockgate.dev.supervisor import Servers, gateway_program

from tests.waiting import until


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Starts and ends of programs, which run until they are stopped."""
    happened: list[str] = []

    class Kept:
        def __init__(self, program, write, is_ready: asyncio.Event) -> None:
            self._name, self._is_ready = program.name, is_ready

        async def run(self) -> None:
            happened.append(f"{self._name} starts")
            self._is_ready.set()
            try:
                await asyncio.Event().wait()
            finally:
                happened.append(f"{self._name} ends")

    monkeypatch.setattr(supervisor, "KeptProgram", Kept)
    return happened


def gateway(**variables: str) -> GatewayPlan:
    return GatewayPlan(host="127.0.0.1", port=8001, prefix="/realtime", variables=variables)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    embedded_valkey.prepare(tmp_path)
    return str(tmp_path)


async def test_gateway_starts_after_valkey_and_ends_before_it(
    happened: list[str], folder: str
) -> None:
    servers = Servers(print)
    await servers.apply(Plan(valkey_folder=folder, gateway=gateway()))
    await until(lambda: len(happened) == 2)
    await servers.stop()
    assert happened == ["redis starts", "gateway starts", "gateway ends", "redis ends"]


async def test_same_plan_changes_nothing(happened: list[str], folder: str) -> None:
    servers = Servers(print)
    for _ in range(2):
        await servers.apply(Plan(valkey_folder=folder, gateway=gateway(SOCKGATE_PORT="8001")))
        await until(lambda: len(happened) == 2)
    assert happened == ["redis starts", "gateway starts"]
    await servers.stop()


async def test_changed_variable_restarts_the_gateway_alone(
    happened: list[str], folder: str
) -> None:
    servers = Servers(print)
    await servers.apply(Plan(valkey_folder=folder, gateway=gateway()))
    await until(lambda: len(happened) == 2)
    await servers.apply(Plan(valkey_folder=folder, gateway=gateway(SOCKGATE_KEY_PREFIX="a:")))
    await until(lambda: len(happened) == 4)
    assert happened[2:] == ["gateway ends", "gateway starts"]
    await servers.stop()


async def test_valkey_ends_when_a_redis_is_configured(happened: list[str], folder: str) -> None:
    servers = Servers(print)
    await servers.apply(Plan(valkey_folder=folder))
    await until(lambda: happened)
    await servers.apply(Plan())
    assert happened == ["redis starts", "redis ends"]


async def test_valkey_of_another_runserver_is_shared_and_taken_over(
    happened: list[str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOCK_CHECK_S", 0.01)
    servers = Servers(print)
    with embedded_valkey.lock(Path(folder)):
        await servers.apply(Plan(valkey_folder=folder, gateway=gateway()))
        await until(lambda: happened)
        assert happened == ["gateway starts"]
    await until(lambda: len(happened) == 2)
    assert happened[-1] == "redis starts"
    await servers.stop()


async def test_valkey_that_cannot_start_says_why(tmp_path: Path) -> None:
    lines: list[str] = []
    servers = Servers(lines.append)
    await servers.apply(Plan(valkey_folder=str(tmp_path / "none")))
    await until(lambda: lines)
    assert lines[0].startswith("[redis] cannot start: [Errno 2] No such file or directory")
    await servers.stop()


def test_gateway_has_no_variables_of_ours_but_those_of_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOCKGATE_KEY_PREFIX", "old:")
    program = gateway_program(gateway(SOCKGATE_PORT="8001"))
    assert "PATH" in program.environ
    ours = {k: v for k, v in program.environ.items() if k.startswith("SOCKGATE_")}
    assert ours == {"SOCKGATE_PORT": "8001"}
    assert program.welcome == "ready at http://127.0.0.1:8001/realtime"


def test_supervisor_imports_no_django() -> None:
    program = (
        "import sys, sockgate.dev.__main__;"
        "sys.exit(any(name.partition('.')[0] == 'django' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
