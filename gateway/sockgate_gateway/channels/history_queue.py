"""Channels whose history must be read before they go live."""

import asyncio
from itertools import islice

from .channel import Channel


class HistoryQueue:
    """A queue of channels, each of them once, in the order of their first entry."""

    def __init__(self) -> None:
        self._channels: dict[Channel, None] = {}
        self._has_channels = asyncio.Event()

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, channel: Channel) -> None:
        """Add a channel, unless it waits already."""
        if not self._channels:
            self._has_channels.set()
        self._channels[channel] = None

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
