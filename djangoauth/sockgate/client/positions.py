"""The position of each channel: epoch and offset of the last publication that was received.

With it, a client that reconnects requests what it missed, drops duplicates and notices gaps.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

from .frames import Frame, Newest, Position, Recover


class Place(Enum):
    """Where a publication stands after the one before."""

    NEXT = auto()
    AGAIN = auto()
    """A duplicate."""
    AHEAD = auto()
    """Publications are missing before it."""


MAX_CHANNELS = 2_000
"""A gateway recovers half as many for one connection (SOCKGATE_MAX_RECOVER)."""


class Positions:
    """The positions of all channels of a client.

    Args:
        on_forgotten: receives the channel whose position gave way to that of a newer channel,
            because a gateway has named more than ``MAX_CHANNELS``.
    """

    def __init__(self, on_forgotten: Callable[[str], None]) -> None:
        self._positions: dict[str, Position] = {}
        self._wanted: dict[str, Newest] = {}
        self._on_forgotten = on_forgotten

    def start(self, channel: str, info: Mapping[str, Any]) -> bool:
        """Record the state of a channel that the gateway starts to deliver.

        The position stays where it is when the gateway recovers from there in the same epoch,
        because the missed publications are about to arrive.

        Args:
            channel: its name.
            info: ``epoch``, ``offset`` and ``recovered`` of a frame.

        Returns:
            False: publications are lost.
        """
        last, epoch = self._positions.get(channel), info.get("epoch")
        self._wanted.pop(channel, None)
        is_recovered = info.get("recovered") is not False
        if not isinstance(epoch, str) or not epoch:
            if not is_recovered:
                self.forget(channel)
            return is_recovered
        goes_on = last is not None and last[0] == epoch and is_recovered
        if not goes_on:
            self.put(channel, epoch, info.get("offset"))
        return goes_on or (last is None and is_recovered)

    def want(self, channel: str, recover: Recover) -> None:
        """Start a channel after a position, or with the newest publications if it has none."""
        if isinstance(recover, tuple | list):
            self.put(channel, *recover)
        else:
            self._wanted[channel] = recover

    def put(self, channel: str, epoch: str, offset: Any) -> None:
        """Set the position of a channel."""
        self._positions.pop(channel, None)  # The newest is the last.
        self._positions[channel] = epoch, _number(offset)
        if len(self._positions) > MAX_CHANNELS:
            oldest = next(iter(self._positions))
            self.forget(oldest)
            self._on_forgotten(oldest)

    def take(self, publication: Frame) -> Place:
        """Move the position to a publication, and compare the two."""
        channel, offset = publication["channel"], _number(publication.get("offset"))
        last, epoch = self._positions.get(channel), publication.get("epoch")
        if not offset or last is None:
            return Place.NEXT
        if isinstance(epoch, str) and epoch not in ("", last[0]):
            self.put(channel, epoch, offset)
            return Place.NEXT
        if offset <= last[1]:
            return Place.AGAIN
        self.put(channel, last[0], offset)
        return Place.NEXT if offset == last[1] + 1 else Place.AHEAD

    def forget(self, channel: str) -> None:
        """Forget a channel that is not subscribed any more."""
        self._positions.pop(channel, None)
        self._wanted.pop(channel, None)

    def recover(self, is_requested: Callable[[str], bool]) -> dict[str, Recover]:
        """Return what to recover with the next ``connect`` frame.

        Args:
            is_requested: such a channel recovers with its ``subscribe`` frame.
        """
        wanted = {**self._wanted, **self._positions}
        return {name: what for name, what in wanted.items() if not is_requested(name)}

    def wanted(self, channel: str) -> Recover | None:
        """Return what to recover of a channel: from its position, or the newest publications."""
        return self._positions.get(channel) or self._wanted.get(channel)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
