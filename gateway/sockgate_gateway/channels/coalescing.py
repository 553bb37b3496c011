"""Coalescing: of publications with one key on one channel, at most one in a window of time.

Strategy: the first one passes at once, and begins a window. Later ones replace one another until
the window ends. Then the last one is delivered to the connections that were subscribed when it was
published, and begins the next window. So a page is never later than one window, and receives the
last one. Each worker coalesces for its own connections, and nothing of it is in Redis. While a
channel is not live, nothing is held: it keeps its publications itself, in their order.

What is held is bounded, for each channel and each tenant. Above the bounds, publications pass as if
they had no key.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ..wire.publication import ExcludingFrame, Publication, publication_frame
from .channel import Channel
from .exclusion import Receivers, split
from .shares import Shares

MAX_WINDOWS = 20_000
MAX_HELD_BYTES = 32 * 1024 * 1024

_Window = tuple[str, str]
"""The name of a channel, key."""

_Held = tuple[Channel, int, Publication]
"""A channel, the number of its last subscription when this was published, and the publication."""


def call_on_loop(delay_s: float, call: Callable[..., None], *given: Any) -> None:
    """Call a function after some seconds, on the running loop."""
    asyncio.get_running_loop().call_later(delay_s, call, *given)


class Coalescer:
    """The open windows of one worker.

    Args:
        release: delivers a publication, which has no key any more, on the channel that received
            it, if the hub still has that one, to subscriptions up to a number.
        call_later: calls a function after some seconds, as asyncio's.
    """

    def __init__(
        self,
        release: Callable[[Channel, int, Publication], None],
        call_later: Callable[..., None] = call_on_loop,
    ) -> None:
        self._release = release
        self._call_later = call_later
        self._held: dict[_Window, _Held | None] = {}
        self._windows = Shares(MAX_WINDOWS)
        self._bytes = Shares(MAX_HELD_BYTES)

    def passes(self, channel: Channel, publication: Publication) -> bool:
        """Return whether a publication with a key is delivered now; else it is held."""
        how = publication.coalescing
        if how is None:
            return True
        window = (channel.name, how.key)
        if window not in self._held:
            if channel.is_live and self._windows.take(channel.name, 1):
                self._open(window, how.within_ms)
            return True
        self._drop(window)
        if not channel.is_live or not self._bytes.take(channel.name, len(publication.payload)):
            return True
        held = replace(publication, coalescing=None)
        self._held[window] = (channel, channel.last_subscription, held)
        return False

    def drop_held(self) -> None:
        """Drop all that is held."""
        for window in self._held:
            self._drop(window)

    def _open(self, window: _Window, within_ms: int) -> None:
        self._held[window] = None
        self._call_later(within_ms / 1000, self._end, window, within_ms)

    def _end(self, window: _Window, within_ms: int) -> None:
        held = self._drop(window)
        if held is None:
            del self._held[window]
            self._windows.give_back(window[0], 1)
        else:
            self._open(window, within_ms)
            self._release(*held)

    def _drop(self, window: _Window) -> _Held | None:
        """Forget what a window holds, and return it."""
        held, self._held[window] = self._held[window], None
        if held is not None:
            self._bytes.give_back(window[0], len(held[2].payload))
        return held


def runs_of_held(
    channel: Channel, last: int, publication: Publication
) -> list[tuple[Receivers, list[bytes]]]:
    """Return who receives a publication that was held, and the frame.

    Args:
        channel: has received it.
        last: the number of the channel's last subscription then.
        publication: is plain.
    """
    subscribed = tuple([one for one, number in channel.connections.items() if number <= last])
    # While the channel is not live, it would keep the publication behind newer ones.
    is_live, head = channel.is_live, channel.head
    frame = channel.receive(publication) if is_live else publication_frame(head, publication)
    if frame is None:
        return []
    if isinstance(frame, ExcludingFrame):
        return split(subscribed, frame, channel.conflation_key)
    return [(Receivers(subscribed, channel.conflation_key), [frame])]
