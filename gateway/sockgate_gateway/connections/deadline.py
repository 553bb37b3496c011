"""The deadlines of a connect.

Strategy: a client that sends nothing costs a place, so it is closed after ``timeout_s``. Work that
has begun is finished: a connect that is being checked waits for this worker or for Redis, and the
client would only come back and wait again. So it has ``CHECKS`` times as long, after which Redis
hangs. Where the worker itself is late, a first frame may have come that nobody has read yet.
"""

from typing import Protocol
from weakref import ref

from ..loop.timer_wheel import TimerHandler
from ..wire.closecodes import CloseCode
from .connection import Connection
from .states import State

CHECKS = 6
"""A client gives a connect up after 15 s, and the default timeout is 10 s."""

LATE_AGAIN_S = 1.0
"""A late worker looks again after this time."""


class Closer(Protocol):
    """Closes connections."""

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        """Close a connection with a code; the cause is logged."""


class Scheduler(Protocol):
    """Calls a handler later, and knows whether this process is late."""

    @property
    def is_late(self) -> bool:
        """Whether what has arrived may not have been read yet."""

    def schedule(self, handler: TimerHandler, delay_s: float) -> None:
        """Call a handler once after ``delay_s``."""


class Deadline:
    """The latest moments at which a connection must have sent ``connect``, and have its answer.

    Args:
        closer: closes it.
        scheduler: calls this object.
        connection: is closed.
        timeout_s: how long it may send nothing.
    """

    __slots__ = ("_closer", "_connection", "_left", "_scheduler", "_timeout_s")

    def __init__(
        self, closer: Closer, scheduler: Scheduler, connection: Connection, timeout_s: float
    ) -> None:
        self._closer = closer
        self._scheduler = scheduler
        self._connection = ref(connection)
        self._timeout_s = timeout_s
        self._left = CHECKS

    def on_timer(self, now: float) -> None:
        """Close the connection if it is overdue."""
        connection = self._connection()
        if connection is None:
            return
        if connection.state is State.WAITING and not (
            self._scheduler.is_late or connection.transport.has_unread
        ):
            self._closer.close(connection, CloseCode.CONNECT_TIMEOUT)
        elif connection.state is State.CHECKING and self._left == 0:
            self._closer.close(connection, CloseCode.UNAVAILABLE, "the check has had no answer")
        elif connection.state is State.CHECKING:
            self._left -= 1
            self._scheduler.schedule(self, self._timeout_s)
        elif connection.state is State.WAITING:
            self._scheduler.schedule(self, LATE_AGAIN_S)
