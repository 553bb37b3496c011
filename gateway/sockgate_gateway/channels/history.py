"""Requests for the history of a channel, and what a reply is good for. Pure."""

from collections.abc import Iterable
from math import inf

import msgspec

from ..wire.errors import PayloadError
from ..wire.publication import Position, Publication, read_publication, write_publication
from .buffer import PendingPublications


class HistoryRequest(msgspec.Struct, frozen=True, gc=False):
    """What to read of one channel.

    Args:
        channel: its name.
        seen: the furthest position that has arrived at this worker.
        after: publications after this offset are wanted; None: only the position.
    """

    channel: str
    seen: Position | None = None
    after: int | None = None


class HistoryReply(msgspec.Struct, frozen=True, gc=False):
    """What Redis held of one channel at one moment.

    Args:
        position: of the last publication; None when the channel has no epoch, and none could be
            begun, or when its namespace has no history.
        recent: the last publications, without a hole, up to that position.
    """

    position: Position | None
    recent: tuple[Publication, ...] = ()

    def after(self, since: Position) -> tuple[Publication, ...] | None:
        """Return all publications after a position, or None when they are not known."""
        if self.position is None or self.gap_cause(since):
            return None
        missed = self.position[1] - since[1]
        return self.recent[len(self.recent) - missed :]

    def gap_cause(self, since: Position | None) -> str:
        """Return why the publications after a position are not known; empty when they are.

        The causes are ``epoch`` and ``history`` (``sockgate_gaps_total``).
        """
        if since is None or self.position is None or since[0] != self.position[0]:
            return "epoch"
        missed = self.position[1] - since[1]
        return "" if 0 <= missed <= len(self.recent) else "history"


def request_after(positions: Iterable[Position], epoch: str | None) -> int | None:
    """Return the lowest offset among positions of an epoch; of others nothing can be recovered.

    Args:
        positions: up to where connections have received the channel.
        epoch: of the channel; None when it is not known.
    """
    offsets = [at[1] for at in positions if at[0] and epoch in (None, at[0])]
    return min(offsets, default=None)


def is_stale_for(reply: HistoryReply, since: Position | None, pending: PendingPublications) -> bool:
    """Return whether a reply was requested before a pending subscription, and lacks what it needs.

    What it needs may lie further back than was requested. Or the client has received, from
    another worker, what was published after the request, and what is ``pending`` here by now.
    """
    if since is None or reply.position is None or reply.gap_cause(since) != "history":
        return False
    if since[1] > reply.position[1]:
        return pending.reaches(*since)
    return not pending.is_requested_from(since[1])


def history_reply(
    epoch: str, last: int, newest_first: Iterable[tuple[int, bytes]], max_bytes: float = inf
) -> HistoryReply:
    """Return what the history script replied; publications before a hole are dropped.

    Args:
        epoch: of the channel; empty: it has none.
        last: offset of the last publication.
        newest_first: offsets and payloads.
        max_bytes: a larger publication is not delivered, as it is not when it is live.
    """
    if not epoch:
        return HistoryReply(None)
    recent: list[Publication] = []
    for offset, payload in newest_first:
        if offset != last - len(recent):
            break
        recent.append(_publication(payload, epoch, offset, max_bytes))
    return HistoryReply((epoch, last), tuple(reversed(recent)))


def _publication(payload: bytes, epoch: str, offset: int, max_bytes: float) -> Publication:
    """Read a kept payload as a live one is read; what cannot be delivered keeps its offset."""
    nothing = Publication(b"", epoch, offset)
    raw = write_publication(Publication(payload, epoch, offset))
    try:
        return read_publication(raw) if len(raw) <= max_bytes else nothing
    except PayloadError:
        return nothing
