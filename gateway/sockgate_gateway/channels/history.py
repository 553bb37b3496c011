"""Requests for the history of a channel, and what a reply is good for. Pure."""

from collections.abc import Iterable
from math import inf

import msgspec

from ..wire.contract import Position
from ..wire.errors import PayloadError
from ..wire.namespaces import POSITION_TTL_S
from ..wire.publication import TIMED_EVERY, Publication, read_publication, write_publication
from .buffer import PendingPublications
from .pending_subscriptions import PendingSubscription

_TIME_BYTES = len("::1700000000000")
"""Of the time that ``publish.lua`` wrote into the message."""


class HistoryRequest(msgspec.Struct, frozen=True, gc=False):
    """What to read of one channel.

    Args:
        channel: its name.
        seen: the furthest position that has arrived at this worker.
        after: publications after this offset are wanted; None: only the position. Below 0: so many
            of the newest.
        has_history: False: only the touch mark is read.
        ttl_s: how long its position lives at least, until the next publication.
    """

    channel: str
    seen: Position | None = None
    after: int | None = None
    has_history: bool = True
    ttl_s: int = POSITION_TTL_S


class HistoryReply(msgspec.Struct, frozen=True, gc=False):
    """What Redis held of one channel at one moment.

    Args:
        position: of the last publication; None when the channel has no epoch, and none could be
            begun, or when its namespace has no history.
        recent: the last publications, without a hole, up to that position.
        touched: the touch mark; None: unknown.
    """

    position: Position | None
    recent: tuple[Publication, ...] = ()
    touched: int | None = None

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


def request_after(
    subscriptions: Iterable[PendingSubscription],
    known: Position | None,
    state_count: int,
    *,
    is_shared: bool,
) -> int | None:
    """Return from where to read, for ``HistoryRequest``.

    Nothing is read for a subscription whose user may recover nothing now.

    Args:
        subscriptions: are pending.
        known: a position of the channel; None: its epoch is not known. Of other epochs nothing can
            be recovered.
        state_count: how many of the newest publications a newcomer receives.
        is_shared: connections are subscribed. They have received the channel up to ``known``, and
            receive the newest publications after a gap.
    """
    positions = [known] if is_shared and known is not None else []
    newest = state_count if is_shared else 0
    for pending in subscriptions:
        if not (wants_history(pending, state_count) and pending.room.may_recover):
            continue
        newest = max(newest, state_count)
        if pending.since is not None:
            positions.append(pending.since)
        elif pending.newest > newest:
            newest = pending.newest
    if not positions:
        return -newest or None
    offsets = [at[1] for at in positions if at[0] and (known is None or known[0] == at[0])]
    if not offsets:
        return -newest or None
    if newest and known is not None:
        offsets.append(max(known[1] - newest, 0))
    return min(offsets)  # Where this does not reach the newest, they are read once more.


def wants_history(subscription: PendingSubscription, state_count: int) -> bool:
    """Return whether publications of the past are read for a subscription within its budget."""
    return subscription.since is not None or bool(subscription.newest or state_count)


def is_stale_for(
    reply: HistoryReply,
    subscription: PendingSubscription,
    state_count: int,
    pending: PendingPublications,
    known: Position | None,
) -> bool:
    """Return whether a reply was requested before a pending subscription, and lacks what it needs.

    What it needs may lie further back than was requested. Or the client has received, from
    another worker, what was published after the request, and what is ``pending`` here by now.

    Args:
        reply: what Redis held of the channel.
        subscription: waits for it.
        state_count: how many of the newest publications a newcomer receives.
        pending: knows what was requested, and what has arrived since.
        known: the position of the channel when the reply was requested.
    """
    since, count = subscription.since, subscription.newest or state_count
    if reply.position is None or not wants_history(subscription, state_count):
        return False
    if not subscription.room.may_recover:
        return False  # Nothing is read for it, so that a newer reply would lack the same.
    cause, last = reply.gap_cause(since) if since else "", reply.position[1]
    if since and cause == "history":
        if since[1] > last:
            is_lacking = pending.reaches(*since)
        else:
            is_lacking = not pending.is_requested_from(since[1])
        if is_lacking:
            return True
    if not count or (since and not cause):
        return False
    is_same_epoch = known is not None and known[0] == reply.position[0]
    needed = min(count, last)
    return len(reply.recent) < needed and not pending.is_newest_requested(
        needed, last if is_same_epoch else 0
    )


def history_reply(
    epoch: str,
    last: int,
    newest_first: Iterable[tuple[int, bytes]],
    max_bytes: float = inf,
    touched: int | None = None,
) -> HistoryReply:
    """Return what the history script replied; publications before a hole are dropped.

    Args:
        epoch: of the channel; empty: it has none.
        last: offset of the last publication.
        newest_first: offsets and payloads.
        max_bytes: a larger publication is not delivered, as it is not when it is live.
        touched: the touch mark; None: unknown.
    """
    if not epoch:
        return HistoryReply(None, (), touched)
    recent: list[Publication] = []
    for offset, payload in newest_first:
        if offset != last - len(recent):
            break
        recent.append(_publication(payload, epoch, offset, max_bytes))
    return HistoryReply((epoch, last), tuple(reversed(recent)), touched)


def _publication(payload: bytes, epoch: str, offset: int, max_bytes: float) -> Publication:
    """Read a kept payload as a live one is read; what cannot be delivered keeps its offset."""
    nothing = Publication(b"", epoch, offset)
    raw = write_publication(Publication(payload, epoch, offset))
    try:
        size_bytes = len(raw) + (_TIME_BYTES if offset % TIMED_EVERY == 1 else 0)
        return read_publication(raw) if size_bytes <= max_bytes else nothing
    except PayloadError:
        return nothing
