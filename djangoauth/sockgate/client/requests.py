"""Requests to the gateway. Each has an id, which the answer carries as ``reply_to``."""

from collections.abc import Callable
from itertools import count

from sockgate_gateway.wire.contract import ClientFrame

from .connection import Connection
from .errors import NotConnected, RequestRejected
from .frames import Frame
from .waiters import Waiters


class Requests(Waiters):
    """Requests that wait for their answers, by id.

    Args:
        connection: sends them.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._numbers = count(1)

    def send(self, frame_of: Callable[[int], ClientFrame]) -> int:
        """Send a request, and return its id, for which the caller may wait.

        Args:
            frame_of: makes the frame with an id.

        Raises:
            NotConnected: there is no connection.
        """
        if not self._connection.is_live:
            raise NotConnected("there is no connection")
        number = next(self._numbers)
        self._connection.send(frame_of(number))
        self.expect(number)
        return number

    def settle(self, frame: Frame) -> bool:
        """Match a frame with the request that it answers; False: there is none."""
        number = frame.get("reply_to")
        if not isinstance(number, int):
            return False
        return self.resolve(number, rejection_of(frame) if frame.get("type") == "error" else frame)


def rejection_of(frame: Frame) -> RequestRejected:
    """Read an ``error`` frame."""
    return RequestRejected(str(frame.get("code", "")), str(frame.get("message", "")))
