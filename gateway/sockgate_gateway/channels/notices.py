"""Notices of presence (``join``, ``leave``, ``presence_data``), collected with one read. Pure.

Strategy: a notice goes to all connections on a channel, as a publication does, and must not cost
more. So notices wait until the read that brought them is fanned out. Each connection then receives
them in one write, together with the publications of that read, and before these.
"""

from collections.abc import Callable

from .channel import Channel
from .collector import Collector
from .exclusion import deliver


class Notices:
    """The notices of a worker that wait for the next fan-out.

    Args:
        channel_of: returns a channel by its name; None: no connection is subscribed to it.

    ``waiting``: frames by channel.
    """

    def __init__(self, channel_of: Callable[[str], Channel | None]) -> None:
        self._channel_of = channel_of
        self.waiting: dict[str, list[bytes]] = {}

    def add(self, channel: str, frame: bytes) -> None:
        """Let the connections receive a frame that are subscribed to a channel at the fan-out."""
        self.waiting.setdefault(channel, []).append(frame)

    def collect(self, collector: Collector) -> None:
        """Hand over what waits."""
        waiting, self.waiting = self.waiting, {}
        for name, frames in waiting.items():
            channel = self._channel_of(name)
            if channel is None:
                continue
            if channel.conflation_key is None:
                collector.add(channel.connections, frames)
            else:  # Publications of such a channel are not collected, and notices come first.
                deliver(channel.connections, tuple(frames))
