"""Touches that follow one another quickly: the last one stands for all of them.

Strategy: the first touch of a channel passes at once, and begins a window. Later ones replace one
another until the window ends. Then the last one is delivered, and begins the next window. A touch
says only that something changed, and states the mark of now, so that nothing is lost. A page
requests nothing sooner anyway (``MIN_SPACING_MS`` in clientjs/src/live/schedule.js). Kept is only
one touch for a channel. Sequenced touches, and those that exclude a connection, pass.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from ..wire.publication import Publication, publication_frame, state_touch
from .audience import Audience
from .channel import Channel

WINDOW_S = 0.25


def _call_later(delay_s: float, call: Callable[..., None], *given: Any) -> None:
    asyncio.get_running_loop().call_later(delay_s, call, *given)


class TouchPacer:
    """The channels of one worker that were touched a moment ago.

    Args:
        audience: says how many connections receive a touch.
        deliver: sends frames to the connections of a channel.
        call_later: calls a function after some seconds, as asyncio's.
    """

    def __init__(
        self,
        audience: Audience,
        deliver: Callable[[Channel, list[bytes]], None],
        call_later: Callable[..., None] = _call_later,
    ) -> None:
        self._audience = audience
        self._deliver = deliver
        self._call_later = call_later
        self._kept: dict[Channel, Publication | None] = {}

    def passes(self, channel: Channel, touch: Publication) -> bool:
        """Return whether a touch is delivered now; else it is kept."""
        if touch.offset or touch.excluded:
            return True
        if channel in self._kept:
            self._kept[channel] = touch
            return False
        self._open(channel)
        return True

    def _open(self, channel: Channel) -> None:
        self._kept[channel] = None
        self._call_later(WINDOW_S, self._end, channel)

    def _end(self, channel: Channel) -> None:
        touch = self._kept.pop(channel)
        if touch is not None:
            self._open(channel)
            audience = self._audience.of(len(channel.connections))
            stated = state_touch(touch, audience, channel.mark.known)
            self._deliver(channel, [publication_frame(channel.head, stated)])
