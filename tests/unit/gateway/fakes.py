"""A clock that obeys the test, and a browser that writes down what it is given."""

from collections.abc import Callable

from gateway.batch import Batch
from gateway.connection import Connection
from gateway.timerwheel import TimerWheel
from gateway.wire.closecodes import CloseCode

TICK_S = 0.5


class Clock:
    """Seconds that pass when the test says so, and the wheel that turns with them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wheel = TimerWheel(self.read, TICK_S)

    def read(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + TICK_S, end)
            self.wheel.turn()


class FakeTransport:
    """A transport that keeps what it was given."""

    name = "fake"

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.codes: list[CloseCode] = []

    @property
    def frames(self) -> list[bytes]:
        return [frame for batch in self.batches for frame in batch.frames]

    def send(self, batch: Batch) -> None:
        self.batches.append(batch)

    def close(self, code: CloseCode) -> None:
        self.codes.append(code)


def new_connection(
    *, address: str = "192.0.2.1", held_limit_bytes: int = 1000, name: str = "id"
) -> Connection:
    return Connection(name, FakeTransport(), address, held_limit_bytes)


class Alarmed:
    """Somebody who wants to be woken."""

    def __init__(self, act: Callable[[float], None] = lambda now: None) -> None:
        self.woken_at: list[float] = []
        self._act = act

    def on_timer(self, now: float) -> None:
        self.woken_at.append(now)
        self._act(now)
