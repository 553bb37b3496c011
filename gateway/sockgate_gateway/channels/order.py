"""The order of sequenced publications in one channel. Pure.

A channel has two positions: the last one that its connections were brought to (``position``), and
the last one that arrived on the link to Redis (``received``). After a history was read, the first
is ahead of the second, for what the history held still arrives on the link.
"""

from ..wire.publication import Position


def begins_epoch(at: Position, position: Position | None, received: Position | None) -> bool:
    """Return whether a publication is the first of another epoch, and follows the last one.

    Args:
        at: the position of the publication.
        position: up to where the connections of the channel are.
        received: the last position that arrived on the link.
    """
    if at[1] != 1 or position is None or at[0] == position[0]:
        return False
    # Redis has begun another epoch, and while the link stands nothing lies between. But where the
    # last epoch is known from a history only, what arrives now may be older than the history.
    return received is not None and received[0] == position[0]


def is_repeated(at: Position, position: Position | None, received: Position | None) -> bool:
    """Return whether a publication was in the last history, and arrives only now.

    The link brings each publication once and in order. A position that it has brought before, or
    has passed, belongs to another publication: a server that lacks the last ones assigns their
    offsets again.
    """
    if position is None or at[0] != position[0] or at[1] > position[1]:
        return False
    return received is None or received[0] != at[0] or received[1] < at[1]
