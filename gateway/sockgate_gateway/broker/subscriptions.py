"""The subscriptions of one connection to Redis: which are wanted, and which are confirmed.

Strategy: the set of wanted channels counts. Changes are collected until they are taken, so that all
changes of one turn of the loop are sent together. A channel is confirmed from Redis's reply to the
last subscribe that was sent, until it is removed; the reply to the unsubscribe does not matter.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from ..errors import BrokerUnavailable

Waiting = tuple[set[bytes], asyncio.Future[None]]
"""The channels that are not yet confirmed, and the future that ends when all are."""


class Subscriptions:
    """The subscriptions of one connection, by Redis channel."""

    def __init__(self) -> None:
        self._wanted: set[bytes] = set()
        self._confirmed: set[bytes] = set()
        self._to_subscribe: set[bytes] = set()
        self._to_unsubscribe: set[bytes] = set()
        self._unanswered: Counter[bytes] = Counter()
        self._waiting: dict[bytes, list[Waiting]] = {}
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._confirmed)

    def __contains__(self, key: bytes) -> bool:
        """Return whether Redis has confirmed a channel."""
        return key in self._confirmed

    @property
    def wanted(self) -> frozenset[bytes]:
        """All channels, confirmed or not."""
        return frozenset(self._wanted)

    def add(self, key: bytes) -> None:
        """Subscribe a channel."""
        if key not in self._wanted:
            self._wanted.add(key)
            self._to_subscribe.add(key)
            self.changed.set()

    def remove(self, key: bytes) -> None:
        """Unsubscribe a channel."""
        self._end_waiting(key)  # No connection needs it any more.
        self._wanted.discard(key)
        self._confirmed.discard(key)
        if key in self._to_subscribe:
            self._to_subscribe.discard(key)
        else:
            self._to_unsubscribe.add(key)
            self.changed.set()

    def forget(self, key: bytes) -> None:
        """Drop a channel that this connection has not subscribed, whatever was sent."""
        self._end_waiting(key)
        self._wanted.discard(key)
        self._confirmed.discard(key)
        self._to_subscribe.discard(key)
        del self._unanswered[key]

    def renew(self, key: bytes) -> bool:
        """Subscribe a channel again if Redis has ended its subscription; return whether it has."""
        if key not in self._confirmed:
            return False  # It is the answer to an unsubscribe.
        self._confirmed.discard(key)
        self._to_subscribe.add(key)
        self.changed.set()
        return True

    def take_changes(self) -> tuple[set[bytes], set[bytes]]:
        """Return what to unsubscribe, then what to subscribe, in this order."""
        self.changed.clear()
        changes = self._to_unsubscribe, self._to_subscribe
        self._to_unsubscribe, self._to_subscribe = set(), set()
        self._unanswered.update(changes[1])
        return changes

    def start_over(self) -> None:
        """Begin on a new link: nothing is confirmed, and everything wanted is subscribed again."""
        self._confirmed.clear()
        self._unanswered.clear()
        self._to_unsubscribe.clear()
        self._to_subscribe = set(self._wanted)
        self.changed.set()

    def fail(self) -> set[bytes]:
        """The link is lost: every wait for a confirmation ends with an error.

        Returns:
            The channels that were confirmed.
        """
        lost, self._confirmed = self._confirmed, set()
        for key in list(self._waiting):
            self._end_waiting(key, BrokerUnavailable("link lost"))
        return lost

    def confirm(self, key: bytes) -> None:
        """Redis has replied to a subscribe; the reply to the last one confirms the channel."""
        self._unanswered[key] -= 1
        if self._unanswered[key] > 0:
            return
        del self._unanswered[key]
        if key not in self._wanted or key in self._to_subscribe:
            return
        self._confirmed.add(key)
        self._end_waiting(key)

    def all_unconfirmed(self) -> list[bytes]:
        """List every wanted channel that Redis has not confirmed."""
        return [key for key in self._wanted if key not in self._confirmed]

    async def confirmations(self, keys: Iterable[bytes]) -> None:
        """Wait until Redis has confirmed these, as far as they are wanted.

        Raises:
            BrokerUnavailable: the link breaks.
        """
        missing = {key for key in keys if key in self._wanted and key not in self._confirmed}
        if not missing:
            return
        waiting = missing, asyncio.get_running_loop().create_future()
        for key in missing:
            self._waiting.setdefault(key, []).append(waiting)
        await waiting[1]

    def _end_waiting(self, key: bytes, failure: BrokerUnavailable | None = None) -> None:
        for missing, all_confirmed in self._waiting.pop(key, ()):
            missing.discard(key)
            if all_confirmed.done():  # the waiting task was cancelled
                continue
            if failure is not None:
                all_confirmed.set_exception(failure)
            elif not missing:
                all_confirmed.set_result(None)
