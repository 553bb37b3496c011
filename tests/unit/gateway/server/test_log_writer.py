"""Lines are written by a thread, dropped where nobody reads, and counted."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sockgate_gateway.server.log_writer import PIPE_BUF, LineHandler

from tests.waiting import wait_until

LIMIT_BYTES = 1000
ANSWER_LIMIT_S = 60


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: its reading and its writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        os.close(fd)


def fill(fd: int) -> int:
    """Fill a pipe, and return how many bytes it took."""
    os.set_blocking(fd, False)
    taken = 0
    try:
        while True:
            taken += os.write(fd, b"x" * PIPE_BUF)
    except BlockingIOError:
        os.set_blocking(fd, True)
        return taken


def read(fd: int, size: int) -> bytes:
    received = b""
    while len(received) < size:
        received += os.read(fd, size - len(received))
    return received


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    handler = LineHandler(writing)
    lines = [f"line {number} é" for number in range(1000)]
    for line in lines:
        handler.write(line)
    handler.flush()
    expected = "".join(f"{line}\n" for line in lines).encode()
    assert read(reading, len(expected)) == expected
    assert handler.dropped == 0


def test_dropped_lines_are_counted_and_stated_once_they_flow_again(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    in_pipe = fill(writing)
    handler = LineHandler(writing, LIMIT_BYTES)
    for _ in range(100):
        handler.write("y" * 99)
    assert 85 <= handler.dropped <= 90  # The limit, and what the thread has taken.
    read(reading, in_pipe)
    kept = 100 - handler.dropped
    assert read(reading, kept * 100) == (b"y" * 99 + b"\n") * kept
    stated = os.read(reading, PIPE_BUF).decode()
    assert f"event=log_lines_dropped lines={handler.dropped} " in stated
    for letter in "abc":  # It is stated once.
        handler.write(letter)
        assert read(reading, 2).decode() == f"{letter}\n"


def test_reader_that_has_gone_costs_lines_only() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    handler = LineHandler(writing)
    handler.write("x")
    handler.write("y")
    wait_until(lambda: handler.dropped == 2)
    os.close(writing)


def test_descriptor_that_another_process_made_non_blocking_loses_nothing(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    in_pipe = fill(writing)
    os.set_blocking(writing, False)
    handler = LineHandler(writing)
    handler.write("x")
    read(reading, in_pipe)
    assert read(reading, 2) == b"x\n"
    assert handler.dropped == 0


def test_flush_gives_up_where_nobody_reads(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    in_pipe = fill(writing)
    handler = LineHandler(writing)
    handler.write("x")
    handler.flush()
    read(reading, in_pipe)
    handler.flush()
    assert read(reading, 2) == b"x\n"


def test_forked_process_writes_its_own_lines(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    root = logging.getLogger()
    handler = LineHandler(writing)
    root.addHandler(handler)
    try:
        handler.write("parent")
        pid = os.fork()
        if not pid:
            handler.write("child")
            handler.flush()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        handler.write("parent again")
        handler.flush()
    finally:
        root.removeHandler(handler)
    assert read(reading, 26).splitlines() == [b"parent", b"child", b"parent again"]


def test_fork_beside_a_thread_that_waits_for_a_reader(pipe: tuple[int, int]) -> None:
    """The thread does not survive it, and its lines stay the parent's."""
    reading, writing = pipe
    in_pipe = fill(writing)
    root = logging.getLogger()
    handler = LineHandler(writing)
    root.addHandler(handler)
    lines = [letter * (PIPE_BUF - 1) for letter in "abc"]
    try:
        for line in lines:
            handler.write(line)
        pid = os.fork()
        if not pid:
            handler.write("child")
            handler.flush(ANSWER_LIMIT_S)
            os._exit(0)
        received = bytearray()
        os.set_blocking(reading, False)

        def is_all_read() -> bool:
            with suppress(BlockingIOError):
                received.extend(os.read(reading, 2**20))
            return received.count(b"\n") >= len(lines) + 1

        wait_until(is_all_read)
        assert os.waitpid(pid, 0)[1] == 0
        is_all_read()
    finally:
        root.removeHandler(handler)
    assert sorted(received[in_pipe:].decode().splitlines()) == [*lines, "child"]
