"""One thread of a process, which sends what could not be sent at once, until it could."""

import atexit
import logging
import os
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic
from typing import Protocol

from ...redis_clients import redis_errors

MIN_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0
GIVE_UP_S = 300.0
"""How long what waits is kept without Redis; then it is dropped, and logged."""

WAIT_AT_EXIT_S = 5.0
"""How long a process that ends waits for Redis, when something is not sent yet."""

MAX_WAITING = 1000

log = logging.getLogger("sockgate")


class Waiting(Protocol):
    """Something that waits to be sent, in its newest form."""

    def send_newest(self) -> None:
        """Send it; raises ``redis.RedisError``."""

    def give_up(self) -> None:
        """Drop it."""

    def wait(self, timeout_s: float) -> None:
        """Wait until it was sent or dropped."""


class Background:
    """Send what waits, in the order in which it came, with growing pauses while Redis fails.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.start_over()

    def start_over(self) -> None:
        """Have nothing to send: in a child after a fork, all belongs to the parent."""
        self._lock = Lock()
        self._waiting: dict[Waiting, float] = {}
        self._in_flight: Waiting | None = None
        self._thread: Thread | None = None
        self._ended = Event()
        self._is_failing = False

    def reset(self) -> None:
        """End the thread, and forget what waits."""
        self._ended.set()
        self.start_over()

    @property
    def is_failing(self) -> bool:
        """Whether Redis has failed, and has not answered since."""
        return self._is_failing

    def note_failure(self) -> bool:
        """Note that Redis has failed; True: it is the first failure since it has answered."""
        with self._lock:
            is_first, self._is_failing = not self._is_failing, True
        return is_first

    def add(self, waiting: Waiting) -> None:
        """Send something, as soon as Redis answers."""
        with self._lock:
            if is_full := len(self._waiting) >= MAX_WAITING:
                log.warning("A progress could not be reported: %d others wait too", MAX_WAITING)
            else:
                self._waiting[waiting] = self._clock() + GIVE_UP_S
            if self._thread is None:
                self._ended = Event()
                self._thread = Thread(
                    target=self._run, args=(self._ended,), name="sockgate-progress", daemon=True
                )
                self._thread.start()
        if is_full:
            waiting.give_up()

    def close(self) -> None:
        """Wait a moment for what was not sent yet; called at the end of the process."""
        end = self._clock() + WAIT_AT_EXIT_S
        for waiting in filter(None, [self._in_flight, *self._waiting]):
            waiting.wait(max(end - self._clock(), 0))

    def _run(self, ended: Event) -> None:
        pause_s = MIN_PAUSE_S
        while (found := self._next(ended)) is not None:
            if self._send(*found):
                pause_s = MIN_PAUSE_S
            else:
                ended.wait(pause_s)
                pause_s = min(pause_s * 2, MAX_PAUSE_S)

    def _next(self, ended: Event) -> tuple[Waiting, float] | None:
        """Take the next one out of those that wait; None: the thread ends."""
        with self._lock:
            self._in_flight = None
            if self._ended is not ended:
                return None
            if not self._waiting:
                self._thread, self._is_failing = None, False
                return None
            waiting = next(iter(self._waiting))
            self._in_flight = waiting
            return waiting, self._waiting.pop(waiting)

    def _send(self, waiting: Waiting, until: float) -> bool:
        """Send one, or let it wait again; False: Redis has failed."""
        try:
            waiting.send_newest()
        except redis_errors.RedisError as error:
            self._is_failing = True
            if self._clock() < until:
                with self._lock:
                    self._waiting[waiting] = until
                return False
            log.warning("A progress was not reported, and is given up: %s", error)
            waiting.give_up()
            return False
        except Exception:
            log.exception("A progress was not reported, and is given up")
            waiting.give_up()
            return True
        self._is_failing = False
        return True


BACKGROUND = Background()
atexit.register(BACKGROUND.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=BACKGROUND.start_over)
