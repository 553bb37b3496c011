"""Which channels a worker subscribes in Redis, and which of them Redis has confirmed.

Strategy: the set of wanted channels counts. Changes are collected until the subscriber takes them,
so that all changes of one turn of the loop are sent in one command. A channel without connections
stays subscribed for a while, because users click from page to page. A channel is confirmed from
Redis's reply to the last subscribe that was sent, until its release is decided; the reply to the
unsubscribe does not matter.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from ..errors import BrokerUnavailable
from ..loop.timer_wheel import TimerWheel
from ..wire.names import Names

Waiting = tuple[set[bytes], asyncio.Future[None]]
"""The channels that are not yet confirmed, and the future that ends when all are."""


class SubscriptionState:
    """The subscriptions of one worker, by Redis channel.

    Args:
        names: of this deployment.
        wheel: for the release of channels without connections.
        release_delay_s: how long these stay subscribed.
        permanent: Redis channels that are always subscribed.
    """

    def __init__(
        self, names: Names, wheel: TimerWheel, release_delay_s: float, permanent: Iterable[bytes]
    ) -> None:
        self._names = names
        self._wheel = wheel
        self._release_delay_s = release_delay_s
        self._wanted: set[bytes] = set(permanent)
        self._confirmed: set[bytes] = set()
        self._to_subscribe: set[bytes] = set()
        self._to_unsubscribe: set[bytes] = set()
        self._unanswered: Counter[bytes] = Counter()
        self._idle_since: dict[bytes, float] = {}
        self._waiting: dict[bytes, list[Waiting]] = {}
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._confirmed)

    def subscribe(self, channel: str) -> None:
        """Subscribe a channel, which has its first connection."""
        key = self._key(channel)
        self._idle_since.pop(key, None)
        if key not in self._wanted:
            self._wanted.add(key)
            self._to_subscribe.add(key)
            self.changed.set()

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe a channel, which has no connection, after the release delay."""
        self._idle_since[self._key(channel)] = self._wheel.clock()
        self._wheel.schedule(self, self._release_delay_s)

    def on_timer(self, now: float) -> None:
        """Release the channels whose delay has passed."""
        delay_s = self._release_delay_s
        for key in [key for key, since in self._idle_since.items() if now - since >= delay_s]:
            self._release(key)

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

    def fail(self) -> None:
        """The link is lost: every wait for a confirmation ends with an error."""
        self._confirmed.clear()
        for key in list(self._waiting):
            self._end_waiting(key, BrokerUnavailable("link lost"))

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

    def unconfirmed(self, channels: Iterable[str]) -> list[bytes]:
        """List the Redis channels among these that Redis has not confirmed."""
        keys = map(self._key, channels)
        return [key for key in keys if key not in self._confirmed]

    def all_unconfirmed(self) -> list[bytes]:
        """List every wanted Redis channel that Redis has not confirmed."""
        return [key for key in self._wanted if key not in self._confirmed]

    async def confirmations(self, keys: Iterable[bytes]) -> None:
        """Wait until Redis has confirmed these, as far as they are wanted.

        Raises:
            BrokerUnavailable: the link breaks.
        """
        missing = {key for key in keys if key in self._wanted}
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

    def _release(self, key: bytes) -> None:
        del self._idle_since[key]
        self._end_waiting(key)  # No connection needs it any more.
        self._wanted.discard(key)
        self._confirmed.discard(key)
        if key in self._to_subscribe:
            self._to_subscribe.discard(key)
        else:
            self._to_unsubscribe.add(key)
            self.changed.set()

    def _key(self, channel: str) -> bytes:
        return self._names.channel(channel).encode()
