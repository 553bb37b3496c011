"""The servers of live tests: their end with the process of the tests, and the password."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from sockgate.testing.child_process import ChildProcess, ServerFailed
from sockgate.testing.valkey_process import ValkeyProcess

from tests.waiting import wait_until

TEST_PROCESS = """
import os, sys
from sockgate.testing.child_process import ChildProcess

server = ChildProcess("server", ["sleep", "600"], lambda: True)
server.start(os.environ)
print(server._process.pid, server._guard.pid, flush=True)
sys.stdin.read()
"""


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_server_ends_with_a_killed_process_of_tests() -> None:
    command = [sys.executable, "-c", TEST_PROCESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        server, guard = map(int, tests.stdout.readline().split())
        assert is_alive(server)
        tests.send_signal(signal.SIGKILL)
        tests.wait()
    wait_until(lambda: not is_alive(server))
    wait_until(lambda: not is_alive(guard))


def test_guard_ends_with_its_server() -> None:
    server = ChildProcess("server", ["sleep", "600"], lambda: True)
    server.start(os.environ)
    guard = server._guard
    assert guard is not None
    assert guard.poll() is None
    server.close()
    assert guard.returncode is not None
    assert not server.is_running


def test_server_that_does_not_start_is_reported_with_its_log() -> None:
    server = ChildProcess("server", ["sh", "-c", "echo no licence; exit 3"], lambda: False)
    with pytest.raises(ServerFailed, match=r"The server did not start\. Its log:\nno licence"):
        server.start(os.environ)
    server.close()


@pytest.fixture
def valkey() -> Iterator[ValkeyProcess]:
    valkey = ValkeyProcess()
    valkey.run()
    yield valkey
    valkey.close()


def test_valkey_needs_its_password(valkey: ValkeyProcess) -> None:
    with Redis.from_url(valkey.url) as client:
        assert client.ping()
    _, _, address = valkey.url.partition("@")
    with Redis.from_url(f"redis://{address}") as client, pytest.raises(AuthenticationError):
        client.ping()
