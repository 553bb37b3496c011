"""Publications that could not be sent after a commit, and are tried again in the background.

Strategy: the change is committed, so that only we can try again. A thread sends what waits, in its
order, until Redis answers or the time is over. While something waits, later publications wait
behind it. What may already be in Redis is not sent again unless that does no harm: touches, and
publications with an idempotency key. What waits is bounded, and what is dropped is counted and
logged with its channel. A touch is only the name of a channel, and its pages would stay old without
a sign. So touches that have waited for too long are kept once for each channel, however long Redis
is away. A process that ends sends what it can within ``EXIT_S``; what it drops, the gateways
suppose after a loss of their link (``channels/touch_mark.py``). A forked process begins empty: its
parent sends what waits there.
"""

import atexit
import logging
import os
from collections import Counter, deque
from collections.abc import Callable
from math import inf
from threading import Condition, Thread
from time import monotonic
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver
from sockgate_gateway.wire.publish_request import PublishRequest

from ..redis_clients import redis_errors

MAX_WAITING = 10_000
MAX_LATE = 10_000
"""Channels whose touches have waited for too long."""
MAX_BYTES = 16 * 1024 * 1024
MAX_AGE_S = 60.0
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 2.0
EXIT_S = 3.0
NAMED = 5
"""Channels that a line of the log names."""

log = logging.getLogger("sockgate")

Batch = list[PublishRequest]
Send = Callable[[Batch], int]
"""Returns how many workers have received a batch."""
_Waiting = tuple[Batch, Send, float]
"""A batch, how it is sent, and until when."""


class Outbox:
    """Publications of this process that wait for Redis.

    Args:
        clock: returns seconds.

    ``dropped`` counts publications that were never sent, by channel: the first 1,000 channels.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.dropped: Counter[str] = Counter()
        self.begin_empty()

    def __len__(self) -> int:
        return self._count + len(self._late)

    def deliver(self, batch: Batch, send: Send) -> int | None:
        """Send a batch now, or when Redis answers.

        Returns:
            How many workers have received it; None: it waits.

        Raises:
            redis.RedisError: Redis refuses it, or may have it already.
        """
        with self._changed:
            is_first = not self._waiting
        if not is_first:
            self._put(batch, send)
            return None
        try:
            return send(batch)
        except redis_errors.RedisError as error:
            self.try_later(batch, send, error)
            return None

    def try_later(self, batch: Batch, send: Send, error: Exception) -> None:
        """Send a batch when Redis answers, which has failed now.

        Raises:
            redis.RedisError: that error, where Redis refuses it, or may have it already.
        """
        if not _may_try_again(batch, error):
            raise error
        log.warning("Publications wait for Redis (%s), first on %s", error, _channel(batch))
        self._put(batch, send)

    def flush(self, within_s: float) -> bool:
        """Wait until nothing waits any more; drop the rest, and return whether all was sent."""
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()
            is_empty = self._changed.wait_for(lambda: not len(self), within_s)
            rest: Batch = []
            while self._waiting:
                rest += self._take()[0]
            self._drop([*rest, *self._late], "the process ends")
            self._late.clear()
            self._is_hurried = False
        return is_empty

    def begin_empty(self) -> None:
        """Begin empty, as a forked process does."""
        self._waiting: deque[_Waiting] = deque()
        self._late: dict[PublishRequest, Send] = {}
        self._count = self._bytes = 0
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_hurried = False

    def _put(self, batch: Batch, send: Send) -> None:
        with self._changed:
            self._waiting.append((batch, send, self._clock() + MAX_AGE_S))
            self._count += len(batch)
            self._bytes += _size(batch)
            while self._count > MAX_WAITING or self._bytes > MAX_BYTES:
                batch, send, _ = self._take()
                self._give_up(batch, send, "too many wait")
            if self._thread is None:
                self._thread = Thread(target=self._run, name="sockgate-outbox", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            with self._changed:
                if not len(self):
                    self._thread = None
                    return
                if not self._is_hurried:
                    self._changed.wait(pause_s)
                if not len(self):
                    continue
                first = self._waiting[0] if self._waiting else self._first_late()
            pause_s = 0 if self._try(first) else min(max(2 * pause_s, FIRST_PAUSE_S), MAX_PAUSE_S)

    def _try(self, waiting: _Waiting) -> bool:
        """Send what waits first, and return whether the next one may follow at once."""
        batch, send, until = waiting
        cause, may_pass = "", False
        try:
            send(batch)
        except redis_errors.RedisError as error:
            cause, may_pass = str(error), _may_try_again(batch, error)
            if may_pass and self._clock() < until:
                return False
        except Exception as error:  # It must not stop those behind it.
            log.exception("A publication in the background failed")
            cause = type(error).__name__
        with self._changed:
            if until == inf:
                self._late.pop(batch[0], None)
            elif self._waiting and self._waiting[0] is waiting:
                self._take()
            else:
                cause = ""  # It was dropped meanwhile, as too many waited.
            if cause and may_pass:
                self._give_up(batch, send, cause)
            elif cause:
                self._drop(batch, cause)
            self._changed.notify_all()
        return True

    def _take(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._count -= len(waiting[0])
        self._bytes -= _size(waiting[0])
        return waiting

    def _first_late(self) -> _Waiting:
        request, send = next(iter(self._late.items()))
        return [request], send, inf

    def _give_up(self, batch: Batch, send: Send, cause: str) -> None:
        """Keep the touches of a batch until Redis answers, and drop the rest."""
        touches = [one for one in batch if one.is_touch]
        if touches and not self._late:
            log.warning("Touches wait until Redis answers, first on %s", _channel(touches))
        for one in touches:
            if one in self._late or len(self._late) < MAX_LATE:
                self._late[one] = send
        self._drop([one for one in batch if not (one.is_touch and one in self._late)], cause)

    def _drop(self, batch: Batch, cause: str) -> None:
        if not batch:
            return
        for request in batch:
            if request.channel in self.dropped or len(self.dropped) < 1000:
                self.dropped[request.channel] += 1
        total = self.dropped.total()
        channels = list(dict.fromkeys(repr(request.channel) for request in batch))
        names = ", ".join(channels[:NAMED])
        more = f" and {len(channels) - NAMED} more" if len(channels) > NAMED else ""
        log.error("%d publications were never sent; now on %s%s: %s", total, names, more, cause)


def _size(batch: Batch) -> int:
    return sum(len(request.payload) for request in batch)


def _channel(batch: Batch) -> str:
    return repr(batch[0].channel) if batch else "no channel"


def _may_try_again(batch: Batch, error: Exception) -> bool:
    """Return whether another try may succeed, and cannot publish twice where that matters."""
    passing = _passing_errors()
    if isinstance(error, redis_errors.ResponseError) and not isinstance(error, passing):
        return False
    may_repeat = all(one.is_touch or one.idempotency_key for one in batch)
    may_repeat = may_repeat or redis_errors.is_own_limit(error)
    return may_repeat or "connecting to" in str(error) or isinstance(error, passing)


def _passing_errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import BusyLoadingError, ReadOnlyError

    return BusyLoadingError, ReadOnlyError


OUTBOX = Outbox()


def _flush_at_exit() -> None:
    if len(OUTBOX):
        OUTBOX.flush(EXIT_S)


@receiver(setting_changed, dispatch_uid="sockgate.publishing.outbox")
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKGATE":  # Redis may be another one.
        OUTBOX.begin_empty()


atexit.register(_flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OUTBOX.begin_empty)
