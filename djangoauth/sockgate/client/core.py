"""The core of a client: its parts, and the handling of what the gateway sends."""

import asyncio
from collections.abc import Awaitable, Callable
from random import random
from typing import Any

from sockgate_gateway.wire.contract import RIGHTS_CHANGED

from .backoff import Backoff, Reconnect
from .channels import Channels
from .connection import Connection
from .credentials import Credentials, CredentialSource
from .errors import NotConnected
from .events import Event, FrameRejected, Gap, Left, Unsubscribed, UserChanged
from .frames import (
    Frame,
    Recover,
    gap_of,
    is_publication,
    joined_of,
    message_of,
    object_of,
    presence_changed_of,
    read_frame,
    seconds_of,
    without_reserved_name,
)
from .positions import Place, Positions
from .requests import Requests, rejection_of
from .sockets import ClientConnection

_USUAL_DRAIN_S = 3.0
"""Where a ``drain`` frame does not say within how many seconds to come back."""


class Core:
    """A client without its queue of events; it runs within one loop.

    Args:
        source: fetches tokens and grants.
        open_socket: opens a WebSocket at the URL of a gateway.
        on_event: receives events, each with the characters of its frame.
        url: of the gateway; empty: as the site names it.
        reconnect: limits of the back-off.
        random: returns a number in [0, 1).
    """

    def __init__(
        self,
        source: CredentialSource,
        open_socket: Callable[[str], Awaitable[ClientConnection]],
        on_event: Callable[[Event, int], None],
        *,
        url: str = "",
        reconnect: Reconnect | None = None,
        random: Callable[[], float] = random,
    ) -> None:
        self.user: str | None = None
        self._is_identified = False
        self._characters = 0
        self._on_event = on_event

        def make_backoff() -> Backoff:
            return Backoff(reconnect or Reconnect(), random)

        self._credentials = Credentials(source)
        self._positions = Positions(lambda channel: self.put(Gap(channel)))
        self.connection = Connection(
            url, self._credentials, make_backoff(), open_socket, self, random
        )
        self.requests = Requests(self.connection)
        self.channels = Channels(
            credentials=self._credentials,
            positions=self._positions,
            requests=self.requests,
            make_backoff=make_backoff,
            put=self.put,
        )

    async def aclose(self) -> None:
        """Close, and end all tasks."""
        self.connection.close()
        await asyncio.gather(self.connection.aclose(), self._credentials.aclose())

    # For the connection.

    def recover(self) -> dict[str, Recover]:
        """Return what to recover with the ``connect`` frame."""
        return self._positions.recover(self.channels.is_requested)

    def detached(self) -> None:
        """Record that there is no socket any more."""
        self.channels.detach()
        self.requests.fail_all(NotConnected("the connection was lost"))

    def put(self, event: Event) -> None:
        """Pass an event on; the first event of a frame has the frame's characters."""
        characters, self._characters = self._characters, 0
        self._on_event(event, characters)

    def received(self, text: str) -> None:
        """Handle what the gateway sends; what is unknown is ignored."""
        self._characters = len(text)
        frame = read_frame(text)
        if frame is not None:
            self._handle(frame)
        self._characters = 0

    def _handle(self, frame: Frame) -> None:
        if is_publication(frame):
            self._deliver(frame)
            return
        is_answer = self.requests.settle(frame)
        name = str(frame.get("type"))
        handler = None if is_answer else _NOTICES.get(name)
        if isinstance(frame.get("channel"), str):
            handler = (_CHANNEL_ANSWERS if is_answer else _CHANNEL_NOTICES).get(name, handler)
        if handler is not None:
            handler(self, frame)

    def _deliver(self, publication: Frame) -> None:
        place = self._positions.take(publication)
        if place is Place.AHEAD:
            self.put(Gap(publication["channel"]))
        if place is not Place.AGAIN:
            self.put(without_reserved_name(message_of(publication)))

    def _skip(self, frame: Frame) -> None:
        """Move on past a publication that this client does not receive."""
        if self._positions.take(frame) is Place.AHEAD:
            self.put(Gap(frame["channel"]))

    def _welcome(self, frame: Frame) -> None:
        if self.connection.accept(frame):
            self.channels.attach(object_of(frame, "channels"), frame.get("rights"))
            self._identify(frame)

    def _drain(self, frame: Frame) -> None:
        self.connection.drain(seconds_of(frame, "within", _USUAL_DRAIN_S))

    def _refreshed(self, frame: Frame) -> None:
        self._identify(frame)
        self.channels.refresh(frame.get("rights"))

    def _unsubscribed(self, frame: Frame) -> None:
        if frame.get("reason") == RIGHTS_CHANGED:
            self.channels.renew(frame["channel"])
        else:
            self.channels.end(frame["channel"])

    def _unsubscribe_answered(self, frame: Frame) -> None:
        # The caller may have subscribed again meanwhile.
        channel = frame["channel"]
        if not self.channels.is_requested(channel):
            self._positions.forget(channel)
            self.put(Unsubscribed(channel))

    def _gap(self, frame: Frame) -> None:
        if isinstance(frame.get("epoch"), str):
            self._positions.put(frame["channel"], frame["epoch"], frame.get("offset"))
        self.put(gap_of(frame["channel"], frame))

    def _rejected(self, frame: Frame) -> None:
        rejection = rejection_of(frame)
        self.put(FrameRejected(rejection.code, rejection.message))

    def _identify(self, frame: Frame) -> None:
        former, self.user = self.user, frame.get("user")
        if self._is_identified and self.user != former:
            self.put(UserChanged(self.user, former))
        self._is_identified = True


_Handler = Callable[[Core, Frame], Any]

_NOTICES: dict[str, _Handler] = {
    "connected": Core._welcome,
    "interrupted": lambda core, _: core.connection.interrupt(),
    "resumed": lambda core, _: core.connection.resume(),
    "refresh": lambda core, _: core.connection.refresh(),
    "refreshed": Core._refreshed,
    "drain": Core._drain,
    "error": Core._rejected,
}
"""Frames that the gateway sends without a request."""

_CHANNEL_NOTICES: dict[str, _Handler] = {
    "subscribed": lambda core, frame: core.channels.confirm(frame["channel"], frame),
    "unsubscribed": Core._unsubscribed,
    "gap": Core._gap,
    "skipped": Core._skip,
    "join": lambda core, frame: core.put(joined_of(frame)),
    "leave": lambda core, frame: core.put(Left(frame["channel"], str(frame.get("user")))),
    "presence_changed": lambda core, frame: core.put(presence_changed_of(frame)),
}
"""Those about a channel."""

_CHANNEL_ANSWERS: dict[str, _Handler] = {
    "subscribed": lambda core, frame: core.channels.answer(frame),
    "unsubscribed": Core._unsubscribe_answered,
}
"""Answers that need more than to be passed on."""
