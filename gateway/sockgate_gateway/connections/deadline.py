"""The deadline of a connect."""

from typing import Protocol
from weakref import ref

from ..wire.closecodes import CloseCode
from .connection import Connection
from .states import State


class Closer(Protocol):
    """Closes connections."""

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        """Close a connection with a code; the cause is logged."""


class Deadline:
    """The latest moment at which ``connected`` must have been sent."""

    __slots__ = ("_closer", "_connection")

    def __init__(self, closer: Closer, connection: Connection) -> None:
        self._closer = closer
        self._connection = ref(connection)

    def on_timer(self, now: float) -> None:
        """Close the connection unless ``connected`` was sent."""
        connection = self._connection()
        if connection is not None and connection.state in (State.WAITING, State.CHECKING):
            self._closer.close(connection, CloseCode.CONNECT_TIMEOUT)
