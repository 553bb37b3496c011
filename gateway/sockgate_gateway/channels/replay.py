"""What connections receive of a history: the publications that they missed, or a gap. Pure."""

from collections import Counter
from collections.abc import Iterable

from ..wire.publication import Position, Publication, publication_frame
from .history import HistoryReply
from .pending_subscriptions import PendingSubscription, SubscriptionResult


def replay(head: bytes, missed: Iterable[Publication]) -> tuple[bytes, ...]:
    """Return the frames of missed publications.

    Args:
        head: the first part of each frame of the channel.
        missed: in their order; one without a payload cannot be delivered.
    """
    return tuple([publication_frame(head, found) for found in missed if found.payload])


def recover(
    subscription: PendingSubscription,
    since: Position,
    reply: HistoryReply,
    head: bytes,
    gaps: Counter[str],
) -> tuple[bytes, ...]:
    """Confirm a subscription that requests recovery.

    Args:
        subscription: is confirmed.
        since: the last position that the client has received.
        reply: what Redis held of the channel.
        head: the first part of each frame of the channel.
        gaps: counts the cause where not all that was missed is known, or it is too much.

    Returns:
        The frames that the client missed; nothing after a gap.
    """
    missed = reply.after(since)
    frames = replay(head, missed or ())
    size_bytes = sum(map(len, frames))
    is_recovered = missed is not None and size_bytes <= subscription.room.left_bytes
    subscription.room.spend(size_bytes, is_delivered=is_recovered)
    if is_recovered:
        subscription.confirm(SubscriptionResult(since, is_recovered=True))
        return frames
    gaps[reply.gap_cause(since) or "size"] += 1
    subscription.confirm(SubscriptionResult(reply.position, is_recovered=False))
    return ()


def gap_cause(
    reply: HistoryReply,
    position: Position | None,
    *,
    has_recovery: bool,
    is_lossy: bool,
    has_plain: bool,
) -> str:
    """Return why subscribed connections may lack something after a reply; empty: nothing.

    Args:
        reply: what Redis held of the channel.
        position: the last position that the connections were brought to.
        has_recovery: the policy of the channel has ``recover``.
        is_lossy: plain publications may have been missed.
        has_plain: plain publications were delivered, or were dropped while they were pending.
    """
    if not has_recovery:
        return "plain" if is_lossy else ""
    # Where nothing was ever sequenced, plain publications are what was missed.
    was_sequenced = reply.position is not None and reply.position[1] > 0
    may_lack_plain = is_lossy and (has_plain or not was_sequenced)
    return reply.gap_cause(position) or ("plain" if may_lack_plain else "")
