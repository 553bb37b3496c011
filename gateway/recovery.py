"""What a history tells: where a channel stands, and who can be given what he missed. Pure."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from .backlog import Backlog
from .wire.errors import PayloadError
from .wire.publication import Position, Publication, read_publication, write_publication


class Question(NamedTuple):
    """What to read of one channel.

    Args:
        channel: its name.
        seen: the furthest position that this worker has heard itself.
        after: publications after this offset are wanted; None: only the position.
    """

    channel: str
    seen: Position | None = None
    after: int | None = None


class Reading(NamedTuple):
    """What Redis held of one channel at one moment.

    Args:
        position: where the channel stood; None when it had no epoch, and none could be begun.
        recent: the last publications, without a hole, up to that position.
    """

    position: Position | None
    recent: tuple[Publication, ...] = ()

    def after(self, since: Position) -> tuple[Publication, ...] | None:
        """Give all that was published after a position, or None when that is not known."""
        if self.position is None or self.hinders(since):
            return None
        missed = self.position[1] - since[1]
        return self.recent[len(self.recent) - missed :]

    def hinders(self, since: Position | None) -> str:
        """Name the cause why what was published after a position is not known, or nothing."""
        if since is None or self.position is None or since[0] != self.position[0]:
            return "epoch"
        missed = self.position[1] - since[1]
        return "" if 0 <= missed <= len(self.recent) else "history"


def came_too_soon(reading: Reading, since: Position | None, held: Backlog) -> bool:
    """Tell whether a reading says too little to somebody for it was asked for before he came.

    What he lacks may lie further back than was asked for; or he has heard, elsewhere, what was
    published after it, and what ``held`` knows by now.
    """
    if since is None or reading.position is None or reading.hinders(since) != "history":
        return False
    if since[1] > reading.position[1]:
        return held.goes_on_to(*since)
    return not held.reaches_back_to(since[1])


def reading_of(
    epoch: str, last: int, newest_first: Iterable[tuple[int, bytes]], max_bytes: float = inf
) -> Reading:
    """Make a reading of what the script returned; what lies before a hole is of no use.

    Args:
        epoch: of the channel; empty: it has none.
        last: offset of the last publication.
        newest_first: offsets and payloads.
        max_bytes: a larger publication is not delivered, as it is not when it is live.
    """
    if not epoch:
        return Reading(None)
    recent: list[Publication] = []
    for offset, payload in newest_first:
        if offset != last - len(recent):
            break
        recent.append(_publication(payload, epoch, offset, max_bytes))
    return Reading((epoch, last), tuple(reversed(recent)))


def _publication(payload: bytes, epoch: str, offset: int, max_bytes: float) -> Publication:
    """Read a kept payload as it was read live; what cannot be delivered keeps its offset."""
    nothing = Publication(b"", epoch, offset)
    raw = write_publication(Publication(payload, epoch, offset))
    try:
        return read_publication(raw) if len(raw) <= max_bytes else nothing
    except PayloadError:
        return nothing
