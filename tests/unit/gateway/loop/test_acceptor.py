"""Accept connections below the descriptor ceiling; pause, and log pauses."""

import logging
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from time import monotonic

import pytest
from sockgate_gateway.loop.acceptor import (
    BATCH,
    PAUSE_S,
    REMEMBER_S,
    Acceptor,
    DescriptorLimit,
    PauseLog,
)

from tests.waiting import turn_loop, until

NO_CEILING = 2**31


class CountingSocket(socket.socket):
    """A listening socket that counts calls of ``accept``."""

    accepts = 0

    def accept(self):
        self.accepts += 1
        return super().accept()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def listening() -> Iterator[CountingSocket]:
    with CountingSocket(socket.AF_INET) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        sock.setblocking(False)
        yield sock


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Lower the limit to the lowest free number, so that this process can open nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        lowest = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def never() -> bool:
    return False


class Accepting:
    """An acceptor, and the connections that it accepted."""

    def __init__(
        self,
        listening: socket.socket,
        stack: ExitStack,
        ceiling: int = NO_CEILING,
        evict_oldest: Callable[[], bool] = never,
        waiting: int = 0,
    ) -> None:
        self.accepted: list[socket.socket] = []
        self._stack = stack
        self.postponed: list[int] = []
        limit = DescriptorLimit(
            ceiling,
            evict_oldest,
            PauseLog(Clock()),
            lambda: waiting,
            lambda: self.postponed.append(len(self.accepted)),
        )
        self.acceptor = Acceptor(listening, self._take, limit)
        stack.callback(self.acceptor.stop)

    def _take(self, connection: socket.socket, address: object) -> None:
        self.accepted.append(self._stack.enter_context(connection))


def dial(listening: socket.socket, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(listening.getsockname()))


async def test_every_connection_is_accepted(listening, stack):
    accepting = Accepting(listening, stack)
    for _ in range(3):
        dial(listening, stack)
    await until(lambda: len(accepting.accepted) == 3)


@pytest.mark.parametrize(
    ("waiting", "in_a_turn"), [(0, 10), (BATCH - 9, 9), (BATCH - 2, 2), (10 * BATCH, 1)]
)
async def test_fewer_are_accepted_while_connects_wait(listening, stack, waiting, in_a_turn):
    for _ in range(10):
        dial(listening, stack)
    accepting = Accepting(listening, stack, waiting=waiting)
    while not accepting.accepted:
        await turn_loop(1)
    assert len(accepting.accepted) == in_a_turn
    assert accepting.postponed == ([] if in_a_turn == 10 else [in_a_turn])
    await until(lambda: len(accepting.accepted) == 10)


async def test_without_a_descriptor_it_pauses_after_one_attempt(listening, stack, caplog):
    accepting = Accepting(listening, stack)
    dial(listening, stack)
    began = monotonic()
    with no_descriptor_left():
        await until(lambda: listening.accepts)
        await turn_loop(100)
        # On a busy machine, so many turns may take longer than a pause.
        assert listening.accepts <= 1 + (monotonic() - began) / PAUSE_S
    assert "event=accept_paused cause='Too many open files'" in caplog.text
    await until(lambda: accepting.accepted)


async def test_above_the_ceiling_another_connection_is_closed(listening, stack):
    oldest = socket.socket()

    def evict_oldest() -> bool:
        oldest.close()
        return True

    ceiling = oldest.fileno() + 1
    accepting = Accepting(listening, stack, ceiling, evict_oldest)
    dial(listening, stack)
    await until(lambda: accepting.accepted)
    assert accepting.accepted[0].fileno() < ceiling


async def test_above_the_ceiling_without_another_it_is_closed(listening, stack, caplog):
    accepting = Accepting(listening, stack, ceiling=0)
    first, second = dial(listening, stack), dial(listening, stack)
    first.settimeout(10)
    await until(lambda: listening.accepts)
    assert first.recv(1) == b""
    assert accepting.accepted == []
    assert listening.accepts == 1, "the second waits in the kernel's queue"
    second.close()
    assert "no file descriptor is left for browsers" in caplog.text


async def test_connection_is_closed_when_no_number_below_the_ceiling_is_free(listening, stack):
    accepting = Accepting(listening, stack, ceiling=0, evict_oldest=lambda: True)
    wire = dial(listening, stack)
    wire.settimeout(10)
    await until(lambda: listening.accepts)
    assert wire.recv(1) == b""
    assert accepting.accepted == []


async def test_acceptor_stopped_in_a_pause_does_not_resume(listening, stack):
    accepting = Accepting(listening, stack, ceiling=0)
    with closing(dial(listening, stack)):
        await until(lambda: listening.accepts)
    accepting.acceptor.stop()
    assert accepting.acceptor._pause_timer.cancelled()


def test_pauses_are_logged_once_a_second(caplog):
    clock = Clock()
    pauses = PauseLog(clock)
    caplog.set_level(logging.WARNING)
    for _ in range(5):
        pauses.report("Too many open files")
        clock.now += PAUSE_S
    assert [record.args[1] for record in caplog.records] == [1, 5]


def test_pause_is_noted_for_a_few_seconds():
    clock = Clock()
    pauses = PauseLog(clock)
    assert pauses.note == ""
    pauses.report("Too many open files")
    assert pauses.note == "new clients wait: Too many open files; raise LimitNOFILE="
    clock.now += REMEMBER_S
    assert pauses.note == ""
