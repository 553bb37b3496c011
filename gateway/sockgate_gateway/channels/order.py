"""The order of sequenced publications in one channel. Pure.

A channel has two positions: the last one that its connections were brought to (``position``), and
the last one that arrived on the link to Redis (``received``). After a history was read, the first
is ahead of the second, for what the history held still arrives on the link.

Whoever may publish can forge the next position of a channel. The publication that Redis gave this
position comes next, and is not delivered. So ``Deliveries`` notices another publication at a
position that was delivered already.
"""

from array import array

from ..wire.contract import Position
from ..wire.publication import Publication

KEPT = 8
"""Digests of a channel: 144 bytes. A power of two."""


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


class Deliveries:
    """Digests of the publications that were delivered as the link brought them.

    ``are_doubtful``: another publication has come with the position of one of them.
    """

    __slots__ = ("_digests", "_epoch", "_first", "_last", "are_doubtful")

    def __init__(self) -> None:
        self._digests: array[int] | None = None
        self.forget()

    def forget(self) -> None:
        """Forget all, because another link may bring the same again."""
        self._epoch = ""
        self._first = self._last = 0
        self.are_doubtful = False

    def settle(self) -> None:
        """Forget all if they are doubtful: the connections have received a gap."""
        if self.are_doubtful:
            self.forget()

    def add(self, publication: Publication) -> None:
        """Keep the digest of a sequenced publication."""
        offset = publication.offset
        if offset != self._last + 1 or publication.epoch != self._epoch:
            self._epoch, self._first = publication.epoch, offset
            self._digests = self._digests or array("q", bytes(8 * KEPT))
        self._last = offset
        self._digests[offset % KEPT] = _digest(publication)  # type: ignore[index]

    def contradict(self, publication: Publication) -> bool:
        """Return whether another publication was delivered with this position.

        It is taken for another one where the digest is not kept any more: the link brings all in
        order, and a repetition does not come so late.
        """
        offset = publication.offset
        is_known = publication.epoch == self._epoch and self._first <= offset <= self._last
        if not offset or not is_known:  # A plain publication has no position.
            return False
        digests = self._digests
        is_kept = digests is not None and offset > self._last - KEPT
        is_same = is_kept and digests[offset % KEPT] == _digest(publication)  # type: ignore[index]
        self.are_doubtful = self.are_doubtful or not is_same
        return not is_same


def _digest(publication: Publication) -> int:
    # Python's hash has a secret key, so that nobody can make another one with the same.
    return hash((publication.payload, publication.excluded))
