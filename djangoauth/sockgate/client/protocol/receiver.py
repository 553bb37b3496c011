"""Handling of what the gateway sends: publications, notices and answers."""

from collections.abc import Callable
from typing import Any, Protocol

from ..events import (
    Event,
    FrameRejected,
    Gap,
    Left,
    Unsubscribed,
    UserChanged,
)
from .actions import Outputs
from .connection import Connection
from .frames import (
    Frame,
    is_publication,
    joined_of,
    message_of,
    presence_changed_of,
    read_frame,
    without_reserved_name,
)
from .positions import Place, Positions
from .requests import Requests
from .states import LONGEST_DRAIN_S, Change
from .subscriptions import Subscriptions

_RIGHTS_CHANGED = "rights_changed"
"""The reason of an ``unsubscribed`` frame after which Django may grant the channel again."""


class ReceiverParts(Protocol):
    """What the receiver shares with others."""

    outputs: Outputs
    positions: Positions
    requests: Requests


class Receiver:
    """Handles the frames of the gateway; ignores what it does not know."""

    def __init__(
        self, parts: ReceiverParts, connection: Connection, subscriptions: Subscriptions
    ) -> None:
        self.user: str | None = None
        self._is_identified = False
        self._parts = parts
        self._connection = connection
        self._subscriptions = subscriptions

    def receive(self, text: str) -> None:
        """Handle one text."""
        self._connection.note_received()
        frame = read_frame(text)
        if frame is None:
            return
        if is_publication(frame):
            self._deliver(frame)
            return
        is_answer = self._parts.requests.settle(frame)
        self._handle(frame, _ANSWERS if is_answer else _NOTICES)

    def _handle(self, frame: Frame, handlers: "dict[str, _Handler]") -> None:
        name = str(frame.get("type"))
        handler = handlers.get(name)
        has_channel = isinstance(frame.get("channel"), str)
        if handler is not None and (has_channel or name not in _ABOUT_A_CHANNEL):
            handler(self, frame)

    def _deliver(self, publication: Frame) -> None:
        place = self._parts.positions.take(publication)
        if place is Place.AHEAD:
            self._put(Gap(publication["channel"]))
        if place is not Place.AGAIN:
            self._put(without_reserved_name(message_of(publication)))

    def _skip(self, frame: Frame) -> None:
        """Move on past a publication that this client does not receive."""
        if self._parts.positions.take(frame) is Place.AHEAD:
            self._put(Gap(frame["channel"]))

    def _welcome(self, frame: Frame) -> None:
        self._connection.dispatch(Change.ACCEPTED, frame)
        self._identify(frame.get("user"))

    def _dispatch(self, change: Change) -> None:
        self._connection.dispatch(change)

    def _refreshed(self, frame: Frame) -> None:
        self._identify(frame.get("user"))
        self._subscriptions.refresh(frame.get("rights"))

    def _drain(self, frame: Frame) -> None:
        within_s = frame.get("within")
        known_s = within_s if isinstance(within_s, int | float) else 0
        self._connection.drain(min(max(known_s, 0), LONGEST_DRAIN_S))

    def _subscribed(self, frame: Frame) -> None:
        self._subscriptions.confirm(frame["channel"], frame)

    def _unsubscribed(self, frame: Frame) -> None:
        if frame.get("reason") == _RIGHTS_CHANGED:
            self._subscriptions.renew(frame["channel"])
        else:
            self._subscriptions.end(frame["channel"])

    def _unsubscribe_answered(self, frame: Frame) -> None:
        # The caller may have subscribed again meanwhile.
        channel = frame["channel"]
        if not self._subscriptions.is_requested(channel):
            self._parts.positions.forget(channel)
            self._put(Unsubscribed(channel))

    def _gap(self, frame: Frame) -> None:
        epoch, offset = frame.get("epoch"), frame.get("offset")
        if isinstance(epoch, str):
            position = epoch, offset if isinstance(offset, int) else 0
            self._parts.positions.put(frame["channel"], position)
        self._put(Gap(frame["channel"]))

    def _identify(self, user: Any) -> None:
        former, self.user = self.user, user
        if self._is_identified and user != former:
            self._put(UserChanged(user, former))
        self._is_identified = True

    def _put(self, event: Event) -> None:
        self._parts.outputs.put(event)


_Handler = Callable[[Receiver, Frame], None]

_NOTICES: dict[str, _Handler] = {
    "connected": Receiver._welcome,
    "interrupted": lambda self, _: self._dispatch(Change.INTERRUPTED),
    "resumed": lambda self, _: self._dispatch(Change.RESUMED),
    "refresh": lambda self, _: self._dispatch(Change.REFRESH),
    "refreshed": Receiver._refreshed,
    "drain": Receiver._drain,
    "subscribed": Receiver._subscribed,
    "unsubscribed": Receiver._unsubscribed,
    "gap": Receiver._gap,
    "skipped": Receiver._skip,
    "join": lambda self, frame: self._put(joined_of(frame)),
    "leave": lambda self, frame: self._put(Left(frame["channel"], str(frame.get("user")))),
    "presence_changed": lambda self, frame: self._put(presence_changed_of(frame)),
    "error": lambda self, frame: self._put(
        FrameRejected(str(frame.get("code", "")), str(frame.get("message", "")))
    ),
}
"""Frames that the gateway sends without a request."""

_ANSWERS: dict[str, _Handler] = {"unsubscribed": Receiver._unsubscribe_answered}
"""Frames whose request has handled them before, and that need more."""

_ABOUT_A_CHANNEL = {
    "subscribed",
    "unsubscribed",
    "gap",
    "skipped",
    "join",
    "leave",
    "presence_changed",
}
