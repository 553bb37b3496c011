"""Publications that could not be sent after a commit, and are tried again in the background.

Strategy: the change is committed, so that only we can try again. A thread sends what waits, in its
order, until Redis answers or the time is over. While something waits, later publications wait
behind it. What may already be in Redis is not sent again unless that does no harm: touches, and
publications with an idempotency key. What waits is bounded, and what is dropped is counted and
logged with its channel. A process that ends sends what it can within ``EXIT_S``. A forked process
begins empty: its parent sends what waits there.
"""

import atexit
import logging
import os
from collections import Counter, deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver
from sockgate_gateway.wire.publish_request import PublishRequest

from ..redis_clients import redis_errors

MAX_WAITING = 10_000
MAX_BYTES = 16 * 1024 * 1024
MAX_AGE_S = 60.0
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 2.0
EXIT_S = 3.0

log = logging.getLogger("sockgate")

Batch = list[PublishRequest]
Send = Callable[[Batch], None]
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
        return self._count

    def deliver(self, batch: Batch, send: Send) -> None:
        """Send a batch now, or when Redis answers.

        Raises:
            redis.RedisError: Redis refuses it, or may have it already.
        """
        with self._changed:
            is_first = not self._waiting
        if not is_first or not _is_sent(batch, send):
            self._put(batch, send)

    def flush(self, within_s: float) -> bool:
        """Wait until nothing waits any more; drop the rest, and return whether all was sent."""
        with self._changed:
            self._is_hurried = True
            self._changed.notify_all()
            is_empty = self._changed.wait_for(lambda: not self._count, within_s)
            while self._waiting:
                self._drop(self._take()[0], "the process ends")
            self._is_hurried = False
        return is_empty

    def begin_empty(self) -> None:
        """Begin empty, as a forked process does."""
        self._waiting: deque[_Waiting] = deque()
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
                self._drop(self._take()[0], "too many wait")
            if self._thread is None:
                self._thread = Thread(target=self._run, name="sockgate-outbox", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            with self._changed:
                if not self._waiting:
                    self._thread = None
                    return
                if not self._is_hurried:
                    self._changed.wait(pause_s)
                if not self._waiting:
                    continue
                first = self._waiting[0]
            pause_s = 0 if self._try(first) else min(max(2 * pause_s, FIRST_PAUSE_S), MAX_PAUSE_S)

    def _try(self, waiting: _Waiting) -> bool:
        """Send what waits first, and return whether the next one may follow at once."""
        batch, send, until = waiting
        cause = ""
        try:
            send(batch)
        except redis_errors.RedisError as error:
            cause = str(error)
            if _may_try_again(batch, error) and self._clock() < until:
                return False
        except Exception as error:  # It must not stop those behind it.
            log.exception("A publication in the background failed")
            cause = type(error).__name__
        with self._changed:
            if self._waiting and self._waiting[0] is waiting:
                self._take()
                if cause:
                    self._drop(batch, cause)
            self._changed.notify_all()
        return True

    def _take(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._count -= len(waiting[0])
        self._bytes -= _size(waiting[0])
        return waiting

    def _drop(self, batch: Batch, cause: str) -> None:
        for request in batch:
            if request.channel in self.dropped or len(self.dropped) < 1000:
                self.dropped[request.channel] += 1
        total = self.dropped.total()
        log.error("%d publications were never sent; now on %s: %s", total, _channel(batch), cause)


def _is_sent(batch: Batch, send: Send) -> bool:
    try:
        send(batch)
    except redis_errors.RedisError as error:
        if not _may_try_again(batch, error):
            raise
        log.warning("Publications wait for Redis (%s), first on %s", error, _channel(batch))
        return False
    return True


def _size(batch: Batch) -> int:
    return sum(len(request.payload) for request in batch)


def _channel(batch: Batch) -> str:
    return repr(batch[0].channel) if batch else "no channel"


def _may_try_again(batch: Batch, error: Exception) -> bool:
    """Return whether another try may succeed, and cannot publish twice where that matters."""
    if isinstance(error, redis_errors.ResponseError) and not _is_passing(error):
        return False
    may_repeat = all(one.is_touch or one.idempotency_key for one in batch)
    may_repeat = may_repeat or redis_errors.is_own_limit(error)
    return may_repeat or "connecting to" in str(error) or isinstance(error, _passing_errors())


def _passing_errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import BusyLoadingError, ReadOnlyError

    return BusyLoadingError, ReadOnlyError


def _is_passing(error: Exception) -> bool:
    return isinstance(error, _passing_errors())


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
