"""Channels whose history must be read before they go live."""

import asyncio
from itertools import islice

from .channel import Channel


class HistoryQueue:
    """A queue of channels, each of them once, in the order of their first entry.

    A channel whose history could not be read is postponed: it stands behind until ``resume``.
    """

    def __init__(self) -> None:
        self._channels: dict[Channel, None] = {}
        self._postponed: dict[Channel, None] = {}
        self._has_channels = asyncio.Event()

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, channel: Channel) -> None:
        """Add a channel, unless it waits already."""
        if not self._channels:
            self._has_channels.set()
        self._channels[channel] = None

    def postpone(self, channel: Channel) -> None:
        """Add a channel again that cannot be read now."""
        self._postponed[channel] = None

    def resume(self) -> None:
        """Let the postponed channels be taken, too."""
        postponed, self._postponed = self._postponed, {}
        for channel in postponed:
            self.add(channel)

    async def wait(self) -> None:
        """Wait until a channel is in the queue."""
        await self._has_channels.wait()

    def take(self, count: int) -> list[Channel]:
        """Remove and return at most ``count`` channels."""
        taken = list(islice(self._channels, count))
        for channel in taken:
            del self._channels[channel]
        if not self._channels:
            self._has_channels.clear()
        return taken
