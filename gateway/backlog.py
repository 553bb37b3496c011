"""What arrives on a channel while its route is held. Pure.

A publication that waited before the history was asked for is in the reading, or in no history
any more; one that came later may be newer than the reading.
"""

from collections.abc import Iterator

from .wire.publication import Position, Publication


class Backlog:
    """Publications that wait for a reading of the history.

    Args:
        limit_bytes: how much of them is kept.
    """

    __slots__ = ("_after", "_asked", "_limit_bytes", "_size_bytes", "_waiting", "is_overtaken")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._waiting: list[Publication] = []
        self._size_bytes = 0
        self._asked = 0
        self._after: int | None = None
        self.is_overtaken = False
        """Whether what is being read will not do, and must be read again."""

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._waiting)

    @property
    def has_plain(self) -> bool:
        """Tell whether something waits that is in no history."""
        return not all(waiting.offset for waiting in self._waiting)

    def add(self, publication: Publication) -> bool:
        """Let a publication wait, and tell whether there is room for it."""
        self._waiting.append(publication)
        self._size_bytes += len(publication.payload)
        return self._size_bytes <= self._limit_bytes

    def clear(self) -> None:
        """Let go of what waits: whoever lacks it finds it in the history, or hears of a gap."""
        self._waiting.clear()
        self._size_bytes = self._asked = 0
        self.is_overtaken = True

    def ask(self, after: int | None) -> None:
        """Note that the history is read from now on: after an offset, or only the position."""
        self._asked = len(self._waiting)
        self._after = after
        self.is_overtaken = False

    def reaches_back_to(self, offset: int) -> bool:
        """Tell whether the reading was to begin there, or before."""
        return self._after is not None and offset >= self._after

    def goes_on_to(self, epoch: str, offset: int) -> bool:
        """Tell whether what has come since the history was asked for goes as far."""
        later = self._waiting[self._asked :]
        return any(waiting.epoch == epoch and waiting.offset >= offset for waiting in later)

    def furthest(self, position: Position | None) -> Position | None:
        """Give the last position of that epoch that was heard, or is known."""
        if position is None:
            return None
        epoch, offset = position
        heard = [waiting.offset for waiting in self._waiting if waiting.epoch == epoch]
        return epoch, max([offset, *heard])

    def still_due(self) -> Iterator[Publication]:
        """Leave out what the reading held, or what is in no history any more."""
        for count, waiting in enumerate(self._waiting):
            if not waiting.offset or count >= self._asked:
                yield waiting
