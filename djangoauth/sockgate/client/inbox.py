"""The events that a caller has not read yet."""

import asyncio
from collections import deque

from .errors import ConnectionClosed
from .events import Event


class Inbox:
    """A bounded queue of events.

    Args:
        max_events: how many events may wait.
        max_characters: how many characters of frames their events may keep.
    """

    def __init__(self, max_events: int, max_characters: int) -> None:
        self._max_events = max_events
        self._max_characters = max_characters
        self._events: deque[tuple[Event, int]] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self.closed: ConnectionClosed | None = None
        """Why no event will come."""

    @property
    def is_full(self) -> bool:
        """Whether as much waits as may."""
        return len(self._events) >= self._max_events or self._characters >= self._max_characters

    @property
    def is_empty(self) -> bool:
        """Whether no event waits."""
        return not self._events

    def put(self, event: Event, characters: int) -> None:
        """Add an event from a frame with its number of characters."""
        self._events.append((event, characters))
        self._characters += characters
        self._wake.set()

    def close(self, why: ConnectionClosed) -> None:
        """Raise this to readers when all events are read."""
        self.closed = why
        self._wake.set()

    def reopen(self) -> None:
        """Let readers wait again."""
        self.closed = None

    async def get(self) -> Event:
        """Return the oldest event, and wait for one.

        Raises:
            ConnectionClosed: there is none, and none will come.
        """
        while not self._events:
            if self.closed is not None:
                raise self.closed
            self._wake.clear()
            await self._wake.wait()
        event, characters = self._events.popleft()
        self._characters -= characters
        return event
