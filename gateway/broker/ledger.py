"""What the hub wants heard, and what Redis has confirmed. Pure but for futures.

Strategy: the set of wanted channels is the truth; changes collect here until the subscriber
takes them, so that all changes of one loop turn leave in one command. A channel that nobody
wants is kept for a while, for people click from page to page. A channel counts as confirmed
from Redis's answer to the last subscribe that was sent until its release is decided, not until
the release is answered.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from ..errors import BrokerUnavailable
from ..timerwheel import TimerWheel
from ..wire.names import Names

Waiting = tuple[set[bytes], asyncio.Future[None]]
"""What somebody still waits for, and where he is told when it is confirmed."""


class Ledger:
    """The subscriptions of one worker, by Redis channel.

    Args:
        names: of this deployment.
        wheel: for the release of channels that nobody wants.
        release_delay_s: how long those are kept.
        permanent: Redis channels that are always wanted.
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

    def want(self, channel: str) -> None:
        """Note that somebody hears a channel."""
        key = self._key(channel)
        self._idle_since.pop(key, None)
        if key not in self._wanted:
            self._wanted.add(key)
            self._to_subscribe.add(key)
            self.changed.set()

    def unwant(self, channel: str) -> None:
        """Note that nobody hears a channel any more."""
        self._idle_since[self._key(channel)] = self._wheel.clock()
        self._wheel.schedule(self, self._release_delay_s)

    def on_timer(self, now: float) -> None:
        """Release what nobody wanted for long enough."""
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
        """Begin on a new link: nothing is confirmed, everything wanted is to be subscribed."""
        self._confirmed.clear()
        self._unanswered.clear()
        self._to_unsubscribe.clear()
        self._to_subscribe = set(self._wanted)
        self.changed.set()

    def fail(self) -> None:
        """The link is lost: tell all who wait."""
        self._confirmed.clear()
        for key in list(self._waiting):
            self._end_waiting(key, BrokerUnavailable("link lost"))

    def confirm(self, key: bytes) -> None:
        """Redis has answered a subscribe; the answer to the last one confirms."""
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

    def unconfirmed_wanted(self) -> list[bytes]:
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
            if all_confirmed.done():  # whoever waited has gone
                continue
            if failure is not None:
                all_confirmed.set_exception(failure)
            elif not missing:
                all_confirmed.set_result(None)

    def _release(self, key: bytes) -> None:
        del self._idle_since[key]
        self._end_waiting(key)  # as nobody wants it, nobody is to wait for it
        self._wanted.discard(key)
        self._confirmed.discard(key)
        if key in self._to_subscribe:
            self._to_subscribe.discard(key)
        else:
            self._to_unsubscribe.add(key)
            self.changed.set()

    def _key(self, channel: str) -> bytes:
        return self._names.channel(channel).encode()
