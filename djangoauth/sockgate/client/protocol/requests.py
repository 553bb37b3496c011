"""Requests to the gateway. Each has an id, which the answer carries as ``reply_to``."""

from collections.abc import Callable
from itertools import count

from ..errors import ClientError, NotConnected, RequestRejected
from .frames import Frame

Answered = Callable[[Frame | None, ClientError | None], None]
"""Receives a frame, or the error."""


class Requests:
    """Requests that wait for their answers."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._pending: dict[int, Answered] = {}

    def open(self, callback: Answered) -> int:
        """Return the id of a new request."""
        number = next(self._numbers)
        self._pending[number] = callback
        return number

    def settle(self, frame: Frame) -> bool:
        """Match a frame with the request that it answers; False: there is none."""
        number = frame.get("reply_to")
        callback = self._pending.pop(number, None) if isinstance(number, int) else None
        if callback is None:
            return False
        if frame.get("type") == "error":
            callback(None, rejection_of(frame))
        else:
            callback(frame, None)
        return True

    def forget(self, number: int) -> None:
        """Ignore the answer to a request."""
        self._pending.pop(number, None)

    def detach(self) -> None:
        """Fail all requests: the connection is lost."""
        lost, self._pending = self._pending, {}
        for callback in lost.values():
            callback(None, NotConnected("the connection was lost"))


def rejection_of(frame: Frame) -> RequestRejected:
    """Read an ``error`` frame."""
    return RequestRejected(str(frame.get("code", "")), str(frame.get("message", "")))
