"""Coalescing: of publications with one key on one channel, at most one in a window of time.

Strategy: the first one passes at once, and begins a window. Later ones replace one another until
the window ends. Then the last one is delivered like any other publication, and begins the next
window. So a page is never later than one window, and receives the last one. Each worker coalesces
for its own connections, and nothing of it is in Redis.

What is held is bounded. Above the bounds, publications pass as if they had no key.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ..wire.publication import Publication
from .channel import Channel

MAX_WINDOWS = 10_000
MAX_HELD_BYTES = 16 * 1024 * 1024

_Window = tuple[str, str]
"""The name of a channel, key."""

_Held = tuple[Channel, Publication]


def _call_later(delay_s: float, call: Callable[..., None], *given: Any) -> None:
    asyncio.get_running_loop().call_later(delay_s, call, *given)


class Coalescer:
    """The open windows of one worker.

    Args:
        release: delivers a publication, which has no key any more, on the channel that received
            it, if the hub still has that one.
        call_later: calls a function after some seconds, as asyncio's.
    """

    def __init__(
        self,
        release: Callable[[Channel, Publication], None],
        call_later: Callable[..., None] = _call_later,
    ) -> None:
        self._release = release
        self._call_later = call_later
        self._held: dict[_Window, _Held | None] = {}
        self._held_bytes = 0

    def passes(self, channel: Channel, publication: Publication) -> bool:
        """Return whether a publication with a key is delivered now; else it is held."""
        how = publication.coalescing
        if how is None:
            return True
        window = (channel.name, how.key)
        if window not in self._held:
            if len(self._held) < MAX_WINDOWS:
                self._open(window, how.within_ms)
            return True
        self._put(window, None)
        if self._held_bytes + len(publication.payload) > MAX_HELD_BYTES:
            return True
        self._put(window, (channel, replace(publication, coalescing=None)))
        return False

    def drop_held(self) -> None:
        """Drop all that is held."""
        self._held = dict.fromkeys(self._held)
        self._held_bytes = 0

    def _open(self, window: _Window, within_ms: int) -> None:
        self._held[window] = None
        self._call_later(within_ms / 1000, self._end, window, within_ms)

    def _end(self, window: _Window, within_ms: int) -> None:
        held = self._held[window]
        self._put(window, None)
        del self._held[window]
        if held is not None:
            self._open(window, within_ms)
            self._release(*held)

    def _put(self, window: _Window, held: _Held | None) -> None:
        before = self._held[window]
        self._held_bytes -= len(before[1].payload) if before else 0
        self._held_bytes += len(held[1].payload) if held else 0
        self._held[window] = held
