"""What connections receive of a history: the publications that they missed, or a gap. Pure."""

from collections.abc import Iterable
from math import inf

from ..connections.replay_budget import ReplayRoom
from ..wire.contract import Position
from ..wire.namespaces import Policy
from ..wire.publication import Publication, publication_frame, state_touch
from .audience import Audience
from .history import HistoryReply
from .pending_subscriptions import PendingSubscription, SubscriptionResult


def replay(head: bytes, missed: Iterable[Publication]) -> tuple[bytes, ...]:
    """Return the frames of missed publications.

    Args:
        head: the first part of each frame of the channel.
        missed: in their order; one without a payload cannot be delivered.
    """
    return tuple([publication_frame(head, found) for found in missed if found.payload])


def newest(
    head: bytes, reply: HistoryReply, count: int, room: ReplayRoom | None = None
) -> tuple[Position | None, tuple[bytes, ...]]:
    """Return the position before the newest publications, and their frames, as many as may be sent.

    Args:
        head: the first part of each frame of the channel.
        reply: what Redis held of the channel.
        count: how many at most.
        room: how much of them may be delivered; None: all.
    """
    may_recover = room is None or room.may_recover
    left_bytes = inf if room is None else room.left_bytes if may_recover else 0
    begin, frames, size_bytes = reply.position, [], 0
    read = reply.recent[-count:] if count else ()
    for found in reversed(read):
        frame = publication_frame(head, found) if found.payload else b""
        size_bytes += len(frame)
        if size_bytes > left_bytes:
            break
        if frame:  # The first one is one that can be delivered, so no hole is before it.
            begin = (found.epoch, found.offset - 1)
            frames.append(frame)
    if room is not None:
        room.spend(sum(map(len, frames)), is_delivered=True)
        if may_recover:
            room.spend(_size_bytes(read[: len(read) - len(frames)]), is_delivered=False)
    return begin, tuple(reversed(frames))


def begin(
    subscription: PendingSubscription,
    reply: HistoryReply,
    head: bytes,
    audience: Audience,
    state_count: int,
) -> tuple[bytes, ...]:
    """Confirm a subscription without a position that receives some of the newest publications.

    The confirmation has the position before them. Where nothing of what the client asked for, or
    was promised, may be delivered, it receives a gap.

    Args:
        subscription: is confirmed.
        reply: what Redis held of the channel.
        head: the first part of each frame of the channel.
        audience: counts the gap where nothing may be delivered.
        state_count: how many of the newest publications each newcomer receives.

    Returns:
        The frames of the newest publications.
    """
    count = max(subscription.newest, state_count)
    position, frames = newest(head, reply, count, subscription.room)
    is_recovered = True if subscription.newest else None
    is_refused = not frames and any(found.payload for found in reply.recent[-count:])
    if is_refused or position is None or not subscription.room.may_recover:
        audience.count_gap(subscription, "epoch" if position is None else "size", position)
        is_recovered = False
    has_state, touched = state_count > 0, reply.touched
    subscription.confirm(SubscriptionResult(position, is_recovered, has_state, touched))
    return frames


def recover(
    subscription: PendingSubscription,
    since: Position,
    reply: HistoryReply,
    head: bytes,
    audience: Audience,
    state_count: int,
) -> tuple[bytes, ...]:
    """Confirm a subscription that requests recovery.

    Args:
        subscription: is confirmed.
        since: the last position that the client has received.
        reply: what Redis held of the channel.
        head: the first part of each frame of the channel.
        audience: counts the gap where not all that was missed is known, or it is too much.
        state_count: how many of the newest publications a client receives after a gap.

    Returns:
        The frames that the client missed.
    """
    missed = reply.after(since)
    frames = replay(head, missed or ())
    size_bytes = sum(map(len, frames))
    is_recovered = missed is not None and size_bytes <= subscription.room.left_bytes
    subscription.room.spend(size_bytes, is_delivered=is_recovered)
    if is_recovered:
        if frames:
            connection, channel = subscription.connection, subscription.channel
            audience.journal.recovered(connection, channel, since, len(frames))
        subscription.confirm(SubscriptionResult(since, True, state_count > 0, reply.touched))
        return frames
    position, frames = newest(head, reply, state_count, subscription.room)
    audience.count_gap(subscription, reply.gap_cause(since) or "size", position)
    subscription.confirm(SubscriptionResult(position, False, state_count > 0, reply.touched))
    return frames


def confirm(
    subscription: PendingSubscription,
    reply: HistoryReply,
    head: bytes,
    audience: Audience,
    state_count: int,
) -> tuple[bytes, ...]:
    """Confirm a subscription, and return what it missed if that is known and not too much."""
    since = subscription.since
    if since is not None:
        return recover(subscription, since, reply, head, audience, state_count)
    if subscription.newest or state_count:
        return begin(subscription, reply, head, audience, state_count)
    subscription.confirm(SubscriptionResult(reply.position, touched=reply.touched))
    return ()


def charge_cancelled(
    subscriptions: Iterable[PendingSubscription], reply: HistoryReply, state_count: int
) -> None:
    """Charge what was read for subscriptions that were cancelled meanwhile."""
    for subscription in subscriptions:
        since, count = subscription.since, subscription.newest or state_count
        read = None if since is None else reply.after(since)
        if read is None:
            read = reply.recent[-count:] if count else ()
        subscription.room.spend(_size_bytes(read), is_delivered=False)


def _size_bytes(publications: Iterable[Publication]) -> int:
    return sum([len(found.payload) for found in publications])


def with_stated_touches(reply: HistoryReply, audience: int, touched: int | None) -> HistoryReply:
    """Return a reply whose touches are stated by us, and with the touch mark that is known.

    Touches that are in a history have no mark of their own: it is one of another time.
    """
    recent = [
        one if one.touch is None else state_touch(one, audience, None) for one in reply.recent
    ]
    return HistoryReply(reply.position, tuple(recent), touched)


def gap_cause(
    reply: HistoryReply,
    position: Position | None,
    policy: Policy,
    *,
    lacks_plain: bool,
    lacks_touches: bool,
    is_doubtful: bool,
) -> str:
    """Return why subscribed connections may lack something after a reply; empty: nothing.

    Args:
        reply: what Redis held of the channel.
        position: the last position that the connections were brought to.
        policy: of the channel.
        lacks_plain: publications that are in no history may have been missed.
        lacks_touches: if so, touches were, or it is not known.
        is_doubtful: another publication came with a position that was delivered.
    """
    cause = reply.gap_cause(position) if policy.recover else ""
    if is_doubtful and cause != "epoch":
        return "repeated"
    if cause or not lacks_plain:
        return cause
    return "plain" if policy.plain else "touch" if lacks_touches else ""
