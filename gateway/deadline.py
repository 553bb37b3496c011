"""How long a browser may go without being welcomed."""

from typing import Protocol

from .connection import Connection, State
from .wire.closecodes import CloseCode


class Closer(Protocol):
    """Who can end a connection."""

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        """End it, and say why."""


class Deadline:
    """The latest moment at which a connection must have been welcomed."""

    __slots__ = ("_closer", "_connection")

    def __init__(self, closer: Closer, connection: Connection) -> None:
        self._closer = closer
        self._connection = connection

    def on_timer(self, now: float) -> None:
        """Close the connection unless it was welcomed."""
        if self._connection.state in (State.WAITING, State.CHECKING):
            self._closer.close(self._connection, CloseCode.CONNECT_TIMEOUT)
