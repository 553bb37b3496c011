"""Programs that are kept running: real processes, which take no time to start."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sockgate.dev import programs
from sockgate.dev.programs import KeptProgram, Program

from tests.ports import HOST, free_port
from tests.waiting import turn_loop, until

SERVE = "import socket, sys, time; s = socket.create_server(('{host}', {port})); {then}"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "FIRST_DELAY_S", 0.01)


def program(code: str, *, port: int = 0, is_quiet: bool = False, probe: bytes = b"") -> Program:
    return Program(
        name="gateway",
        command=(sys.executable, "-S", "-c", code),
        host=HOST,
        port=port or free_port(),
        welcome="ready",
        probe=probe,
        is_quiet=is_quiet,
    )


@asynccontextmanager
async def kept(program: Program, lines: list[str]) -> AsyncIterator[asyncio.Event]:
    is_ready = asyncio.Event()
    task = asyncio.create_task(KeptProgram(program, lines.append, is_ready).run())
    try:
        yield is_ready
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_lines_are_marked() -> None:
    lines: list[str] = []
    async with kept(program("print('one'); import sys; print('two', file=sys.stderr)"), lines):
        await until(lambda: len(lines) >= 3)
    assert {"[gateway] one", "[gateway] two"} <= set(lines)


async def test_port_of_another_program_is_not_ready() -> None:
    lines: list[str] = []
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        async with kept(program("import time; time.sleep(60)", port=port), lines) as is_ready:
            await until(lambda: len(lines) >= 2)
            assert not is_ready.is_set()
    assert lines[:2] == [
        f"[gateway] ended with port {port} in use by another program; it starts again in 0.01 s",
        f"[gateway] ended with port {port} in use by another program; it starts again in 0.02 s",
    ]


async def test_end_is_reported_and_followed_by_a_start_after_growing_delays() -> None:
    lines: list[str] = []
    async with kept(program("import sys; sys.exit(3)"), lines):
        await until(lambda: len(lines) >= 3)
    assert lines[:3] == [
        "[gateway] ended with exit status 3; it starts again in 0.01 s",
        "[gateway] ended with exit status 3; it starts again in 0.02 s",
        "[gateway] ended with exit status 3; it starts again in 0.04 s",
    ]


async def test_signal_is_named() -> None:
    lines: list[str] = []
    async with kept(program("import os; os.kill(os.getpid(), 9)"), lines):
        await until(lambda: lines)
    assert lines[0].startswith("[gateway] ended with SIGKILL;")


async def test_missing_program_is_reported() -> None:
    lines: list[str] = []
    missing = Program(name="redis", command=("/no/such",), host=HOST, port=1, welcome="")
    async with kept(missing, lines):
        await until(lambda: lines)
    assert "No such file or directory: '/no/such'" in lines[0]


async def test_quiet_program_says_its_last_lines_when_it_ends() -> None:
    lines: list[str] = []
    code = "for i in range(50): print(i)"
    async with kept(program(code, is_quiet=True), lines):
        await until(lambda: lines)
    expected = [f"[gateway] {number}" for number in range(30, 50)]
    assert lines[:20] == expected
    assert lines[20].startswith("[gateway] ended with exit status 0")


async def test_welcome_is_written_when_it_accepts_connections_and_it_is_stopped() -> None:
    lines: list[str] = []
    port = free_port()
    code = SERVE.format(host=HOST, port=port, then="time.sleep(600)")
    async with kept(program(code, port=port), lines) as is_ready:
        await until(is_ready.is_set)
        assert lines == ["[gateway] ready"]
    assert not is_ready.is_set()
    assert not programs.answers(HOST, port)


async def test_program_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "STOP_TIMEOUT_S", 0.1)
    lines: list[str] = []
    port = free_port()
    then = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
    code = SERVE.format(host=HOST, port=port, then=f"{then}; time.sleep(600)")
    async with kept(program(code, port=port), lines):
        await until(lambda: "[gateway] deaf" in lines)
    assert not programs.answers(HOST, port)


async def test_very_long_line_does_not_end_the_output() -> None:
    lines: list[str] = []
    code = "print('x' * 3_000_000); print('after')"
    async with kept(program(code), lines):
        await until(lambda: "[gateway] after" in lines)


class EndedProcess:
    """A process without output whose last wait ends when the test lets it."""

    def __init__(self) -> None:
        self.stdout = asyncio.StreamReader()
        self.stdout.feed_eof()
        self.is_stopping, self.may_end = asyncio.Event(), asyncio.Event()

    def terminate(self) -> None:
        self.is_stopping.set()

    async def wait(self) -> int:
        if self.is_stopping.is_set():
            await self.may_end.wait()
        return 0


async def test_cancellation_in_the_moment_of_an_end_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``asyncio.wait_for`` of Python 3.11 loses it: Ctrl-C would leave the program running."""
    process = EndedProcess()

    async def start(_: KeptProgram) -> Any:
        return process

    monkeypatch.setattr(KeptProgram, "_start", start)
    task = asyncio.create_task(KeptProgram(program(""), print, asyncio.Event()).run())
    await process.is_stopping.wait()
    await turn_loop()
    process.may_end.set()
    await asyncio.sleep(0)  # The wait has ended, and the task does not know it yet.
    task.cancel()
    await turn_loop()
    assert task.cancelled()


REPLY = """print(os.getpid(), flush=True)
while True:
    client, _ = s.accept()
    client.recv(9)
    client.send(b'k')
    client.close()"""


async def test_program_that_was_stopped_is_named_killed_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "PROBE_EVERY_S", 0.01)
    lines: list[str] = []
    port = free_port()
    code = "import os; " + SERVE.format(host=HOST, port=port, then=REPLY)
    async with kept(program(code, port=port, probe=b"PING"), lines) as is_ready:
        await until(lambda: is_ready.is_set() and len(lines) >= 2)
        pid = int(min(lines).removeprefix("[gateway] "))
        monkeypatch.setattr(programs, "PROBE_TIMEOUT_S", 0.1)
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: any("it hangs or was stopped, and is killed" in line for line in lines))
        monkeypatch.setattr(programs, "PROBE_TIMEOUT_S", 30)
        await until(lambda: lines.count("[gateway] ready") == 2)
    assert any(line.startswith("[gateway] ended with SIGKILL") for line in lines)
