"""Publications that arrive on a channel while it is not live. Pure.

A publication that arrived before the history was requested is in the reply, or in no history any
more. One that arrived later may be newer than the reply.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ..wire.contract import Position
from ..wire.publication import Publication


class PendingPublications:
    """Publications that wait until the history was read.

    Args:
        limit_bytes: how many bytes of payloads may wait.
    """

    __slots__ = ("_limit_bytes", "_publications", "_requested_after", "_requested_count", "_size")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._publications: list[Publication] = []
        self._size = 0
        self._requested_count = 0
        self._requested_after: int | None = None

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._publications)

    @property
    def has_plain(self) -> bool:
        """Whether a plain publication is pending, which is in no history."""
        return not all(publication.offset for publication in self._publications)

    def add(self, publication: Publication) -> bool:
        """Keep a publication, and return whether all of them are within the limit."""
        self._publications.append(publication)
        self._size += len(publication.payload)
        return self._size <= self._limit_bytes

    def clear(self) -> None:
        """Drop all publications; they are in the history, or behind a gap."""
        self._publications.clear()
        self._size = self._requested_count = 0

    def note_request(self, after: int | None) -> None:
        """Note that the history is read from now on.

        Args:
            after: publications after this offset are requested; None: only the position; below 0:
                so many of the newest.
        """
        self._requested_count = len(self._publications)
        self._requested_after = after

    def is_requested_from(self, offset: int) -> bool:
        """Return whether publications after this offset were requested."""
        return self._requested_after is not None and offset >= self._requested_after >= 0

    def is_newest_requested(self, count: int, last: int) -> bool:
        """Return whether so many of the newest publications were requested.

        Args:
            count: of publications.
            last: offset of the last publication, in the numbering of the request; 0: in another.
        """
        after = self._requested_after
        if after is None or after < 0:
            return after is not None and count <= -after
        return after <= max(last - count, 0) < last

    def reaches(self, epoch: str, offset: int) -> bool:
        """Return whether what arrived after the request goes as far as this position."""
        later = self._publications[self._requested_count :]
        return any(found.epoch == epoch and found.offset >= offset for found in later)

    def furthest(self, position: Position | None) -> Position | None:
        """Return the furthest position of an epoch, among this one and those that are pending."""
        if position is None:
            return None
        epoch, offset = position
        offsets = [found.offset for found in self._publications if found.epoch == epoch]
        return epoch, max([offset, *offsets])

    def with_exclusions(self, missed: tuple[Publication, ...]) -> tuple[Publication, ...]:
        """Return publications of a history; those that are pending exclude what they exclude."""
        excluding = {
            (found.epoch, found.offset): found.excluded
            for found in self._publications
            if found.excluded and found.offset
        }
        if not excluding:
            return missed
        return tuple(
            [replace(one, excluded=excluding.get((one.epoch, one.offset), "")) for one in missed]
        )

    def still_due(self) -> Iterator[Publication]:
        """Yield plain publications, and those that arrived after the request."""
        for count, publication in enumerate(self._publications):
            if not publication.offset or count >= self._requested_count:
                yield publication
