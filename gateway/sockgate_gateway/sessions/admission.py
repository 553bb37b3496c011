"""Whether a connect is begun now, or refused at once with a time to come back. Pure.

Strategy: after a restart, all clients of a worker come back together, and a busy machine may need a
minute for them. Work that is begun must be finished before the client gives it up, or all of it is
done again and again. So the worker measures how many connects it completes in a second while others
wait, and begins no more than it completes in ``TARGET_S``. Each further client learns when to come
back: in the first second that is not promised to as many clients as the worker completes, or else
in the second that is promised to the fewest. So most are refused once, they come back evenly, and
nobody has to guess. While nothing has been measured, every connect is begun.

Latency is not a lack of capacity: while the loop waits for events most of the time, another place
is slow (Redis), more connects cost nothing, and none is refused. Over HTTP a connect takes several
requests, and the accept queue is between them: there it begins with the opening of the session.
"""

import logging
from collections.abc import Callable

from ..connections.fair_count import FairCount
from ..errors import Disconnect
from ..loop.timer_wheel import LATE_S
from ..wire.closecodes import CloseCode

log = logging.getLogger("sockgate.access")

TARGET_S = 3.0
"""The time that a new connection may wait for those before it."""

LONGEST_S = 9.0
"""So long a connect may wait, once its connection is open: less than any client waits."""

WINDOW_S = 0.5
"""The pace is measured over windows at least as long, while at least one connect waits."""

WINDOW_CONNECTS = 32
"""The number of finished connects that ends a window, because many are finished at a moment."""

ALWAYS_BEGUN = 32
"""So few connects wait that refusing one more would help nobody."""

LONGEST_WAIT_S = 30
"""As long as a client waits by itself at most. The pace is lowest while many are refused."""

OPENING = 0.5
"""The part of a connect over HTTP that is done when its session is open.

A crowd's first frames wait behind all its openings: without this part, the pace would be unknown
until too many have begun.
"""

IDLE_SHARE = 0.5
"""A loop that has nothing to do for this share of a window does not lack the processor."""

LOG_INTERVAL_S = 10.0


class Promises:
    """How many clients were asked to come back in each of the next seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (LONGEST_WAIT_S + 1)
        self._second = 0

    def choose(self, now: float, per_second: float) -> int:
        """Return after how many seconds the next client shall come back, 1 or more."""
        self._turn(int(now))
        later = self._counts[1:]
        wait_s = next((s for s, n in enumerate(later, 1) if n < per_second), 0)
        wait_s = wait_s or 1 + later.index(min(later))
        self._counts[wait_s] += 1
        return wait_s

    def _turn(self, second: int) -> None:
        passed = min(second - self._second, len(self._counts))
        self._counts = self._counts[passed:] + [0] * passed
        self._second = second


class Admission:
    """The connects of one worker that have begun and are not finished.

    Args:
        clock: returns monotonic seconds.
        idle_s: returns how many seconds the loop had nothing to do, so far.

    ``waiting`` counts them, and ``refused_count`` the refused ones. ``unsent`` are those that have
    begun with an opening over HTTP, and whose first frame has not come.
    """

    def __init__(self, clock: Callable[[], float], idle_s: Callable[[], float] = float) -> None:
        self._clock = clock
        self._idle_s = idle_s
        self.waiting = 0
        self.unsent = 0
        self._unsent = FairCount()
        self._postponed_until = 0.0
        self.refused_count = 0
        self._promises = Promises()
        self._pace = 0.0
        self._began_at = self._idle_before_s = 0.0
        self._is_idle = False
        self._finished = 0.0
        self._logged_at = -LOG_INTERVAL_S

    def check(self, limit_s: float, source: str = "", unread: int = 0) -> None:
        """Check that one more connect may begin.

        Args:
            limit_s: how long it may wait for those before it.
            source: of the client. Sessions over HTTP that others have opened, and in which they
                send nothing, are hardly in its way.
            unread: how many are about to begin: their first frame has not been read.

        Raises:
            Disconnect: too many wait; it carries the seconds after which the client comes back.
        """
        ahead = self.waiting - self.unsent + self.unsent_ahead_of(source) + unread
        if ahead <= ALWAYS_BEGUN:
            return
        now = self._clock()
        self._measure(now)
        if self._pace and ahead > limit_s * self._pace:
            if self._is_idle:
                self._log_slowness(now)
            else:
                self._refuse(now)

    def begin(self) -> None:
        """Count a connect that begins."""
        if not self.waiting:
            self._restart(self._clock())
            self._pace = 0.0
        self.waiting += 1

    def end(self) -> None:
        """Count a connect as finished, with a welcome or another way."""
        self.waiting -= 1
        self._finished += 1

    def open(self, source: str) -> None:
        """Count a session over HTTP: its connect begins before its first frame has come."""
        self.begin()
        self.unsent += 1
        self._unsent.add(source)
        self._finished += OPENING

    def close(self, source: str) -> None:
        """Count a session over HTTP as finished that has sent no first frame."""
        self.note_sent(source)
        self.end()

    def note_sent(self, source: str) -> None:
        """Note that the first frame of a session over HTTP has come."""
        self.unsent -= 1
        self._unsent.remove(source)
        self._finished -= OPENING

    def unsent_ahead_of(self, source: str) -> int:
        """Return how many sessions without a first frame are in the way of a source."""
        return self._unsent.ahead_of(source)

    def note_postponed(self) -> None:
        """Note that connections are left in the accept queue."""
        self._postponed_until = self._clock() + LATE_S

    @property
    def has_unaccepted(self) -> bool:
        """Whether requests of clients may wait in the accept queue, or did until just now."""
        return self._clock() < self._postponed_until

    def _measure(self, now: float) -> None:
        elapsed_s = now - self._began_at
        if elapsed_s < WINDOW_S or (self._finished < WINDOW_CONNECTS and elapsed_s < TARGET_S):
            return
        pace = max(self._finished, 1) / elapsed_s
        self._pace = (self._pace + pace) / 2 if self._pace else pace
        self._is_idle = self._idle_s() - self._idle_before_s > IDLE_SHARE * elapsed_s
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._began_at, self._finished, self._idle_before_s = now, 0, self._idle_s()

    def _is_log_due(self, now: float) -> bool:
        """Return whether the log may have another line; it counts as written."""
        is_due = now - self._logged_at >= LOG_INTERVAL_S
        if is_due:
            self._logged_at = now
        return is_due

    def _log_slowness(self, now: float) -> None:
        if self._is_log_due(now):
            log.warning(
                "event=connects_slow waiting=%d per_second=%.0f "
                "hint='this worker is idle and waits for Redis: see redis_slow in /ready'",
                self.waiting,
                self._pace,
            )

    def _refuse(self, now: float) -> None:
        self.refused_count += 1
        wait_s = self._promises.choose(now, self._pace)
        if self._is_log_due(now):
            log.warning(
                "event=connects_refused waiting=%d per_second=%.0f within=%d refused=%d "
                "hint='more clients come than this worker can serve: add workers or processors'",
                self.waiting,
                self._pace,
                wait_s,
                self.refused_count,
            )
        cause = "too many connects wait"
        raise Disconnect(CloseCode.OVERLOADED, cause, come_back_s=wait_s, refusal="busy")
