"""Events in a real browser, driven by Playwright: what a page has received over its WebSocket.

The pages under test need no change. ``watch_events`` must come before the page is loaded, because
Playwright reports only WebSockets that are opened afterwards.
"""

import json
from collections.abc import Iterator
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from ..client import Message
from ..client.frames import is_publication, message_of, read_frame
from .publications import ANY_DATA, is_same_data

WITHIN_S = 5.0
_POLL_MS = 20

_watchers: "WeakKeyDictionary[Any, _Watcher]" = WeakKeyDictionary()


class _Watcher:
    """The messages of one page."""

    def __init__(self, page: Any) -> None:
        self.unread: list[Message] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._receive))

    def _receive(self, payload: Any) -> None:
        if isinstance(payload, str):
            self.unread.extend(_messages_in(payload))


def watch_events(page: Any) -> None:
    """Watch the WebSockets of a Playwright page, from its next load on.

    Args:
        page: of Playwright's synchronous API.
    """
    if page not in _watchers:
        _watchers[page] = _Watcher(page)


def expect_event(
    page: Any, event: str, data: Any = ANY_DATA, *, within: float = WITHIN_S
) -> Message:
    """Wait until a page has received an event. Each message counts once.

    Args:
        page: of Playwright's synchronous API, watched by ``watch_events`` before it was loaded.
        event: its name.
        data: as it was passed to ``publish``; default: any.
        within: seconds to wait.

    Raises:
        RuntimeError: the page is not watched.
        AssertionError: the event has not arrived in time.
    """
    watcher = _watchers.get(page)
    if watcher is None:
        raise RuntimeError("call watch_events(page) before the page is loaded")
    deadline = monotonic() + within
    while True:
        for message in watcher.unread:
            if message.event == event and is_same_data(data, message.data):
                watcher.unread.remove(message)
                return message
        if monotonic() > deadline:
            found = "".join(f"\n  {it.channel} {it.event} {it.data!r}" for it in watcher.unread)
            raise AssertionError(
                f"the page has not received {event} within {within} s; unread:{found or ' nothing'}"
            )
        page.wait_for_timeout(_POLL_MS)  # Playwright handles its events meanwhile.


def _messages_in(packet: str) -> Iterator[Message]:
    """Read the publications in a packet of SockJS, or in a message of a raw WebSocket."""
    try:
        texts = json.loads(packet[1:]) if packet.startswith("a[") else [packet]
    except ValueError:
        return
    for frame in map(read_frame, texts):
        if frame is not None and is_publication(frame):
            yield message_of(frame)
