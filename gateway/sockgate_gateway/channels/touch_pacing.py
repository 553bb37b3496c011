"""Touches that follow one another quickly: the last one stands for all of them.

Strategy: the first touch of a channel passes at once, and begins a window. Later ones are kept
until the window ends. Then one touch is delivered for all of them, to the connections that were
subscribed when the last one arrived, and begins the next window. A touch says only that something
changed. The one that is delivered states the mark and the audience of that moment, so that nothing
is lost, and nothing of the kept ones need be held but a number. A page requests nothing sooner
anyway (``MIN_SPACING_MS`` in clientjs/src/page/live/schedule.js). Sequenced touches, and those that
exclude a connection, pass.
"""

from collections.abc import Callable

from ..wire.publication import Publication, publication_frame, state_touch
from .audience import Audience
from .channel import Channel
from .coalescing import call_on_loop
from .exclusion import Receivers

WINDOW_S = 0.25

_TOUCH = Publication(b"")
_NOTHING = 0


class TouchPacer:
    """The channels of one worker that were touched a moment ago.

    Args:
        audience: says how many connections receive a touch.
        deliver: sends frames to some connections of a channel.
        call_later: calls a function after some seconds, as asyncio's.
    """

    def __init__(
        self,
        audience: Audience,
        deliver: Callable[[Receivers, list[bytes]], None],
        call_later: Callable[..., None] = call_on_loop,
    ) -> None:
        self._audience = audience
        self._deliver = deliver
        self._call_later = call_later
        # The number of the channel's last subscription when the last kept touch arrived.
        self._kept: dict[Channel, int] = {}

    def passes(self, channel: Channel, touch: Publication) -> bool:
        """Return whether a touch that the channel received is delivered now; else it is kept."""
        if touch.offset or touch.excluded:
            return True
        if channel in self._kept:
            self._kept[channel] = channel.last_subscription
            return False
        self._open(channel)
        return True

    def _open(self, channel: Channel) -> None:
        self._kept[channel] = _NOTHING
        self._call_later(WINDOW_S, self._end, channel)

    def _end(self, channel: Channel) -> None:
        last = self._kept.pop(channel)
        subscribed = [one for one, number in channel.connections.items() if number <= last]
        if subscribed:
            self._open(channel)
            audience = self._audience.of(len(channel.connections))
            stated = state_touch(_TOUCH, audience, channel.mark.known)
            receivers = Receivers(tuple(subscribed), channel.conflation_key)
            self._deliver(receivers, [publication_frame(channel.head, stated)])
