"""The touch mark of a channel in a worker, as far as it is known. Pure.

Strategy: it is read with the history, and then follows the touches that arrive. An account that may
only publish can invent touches. So a mark is known only as long as it rises: no invented one brings
an earlier mark back, with which a page would take itself to be fresh. After a touch without a mark,
nothing is known until one with a mark has arrived. From then on, Redis does not count all touches,
so that its mark is not believed after a loss.

While Redis was away, a process of Django may have ended with touches that nobody will send. So
after a loss of the link the mark of Redis is not believed for a while: pages that were rendered
before request themselves once, in the window of all.
"""

from collections.abc import Callable
from math import inf
from time import monotonic, time

from ..wire.publication import Publication, state_touch
from ..wire.touches import NEVER, TOUCH_TTL_MS, UNMARKED, stated_mark

LOSS_S = 3.0
"""How long a process of Django that ends goes on sending what waits (``publishing/outbox.py``)."""

DOUBT_S = 120.0
"""Pages that have lost their connection meanwhile have come back by then."""


class LinkLoss:
    """When the worker's link to Redis was lost, for the marks of all its channels.

    Args:
        clock: returns seconds.
        wall_clock: returns Unix seconds.

    ``ended_at``: the end of the last loss in which touches may have been lost for good.
    """

    def __init__(
        self, clock: Callable[[], float] = monotonic, wall_clock: Callable[[], float] = time
    ) -> None:
        self.clock = clock
        self.wall_clock = wall_clock
        self.ended_at = -inf
        self._began_at = inf
        self._parts_began_at: dict[str, float] = {}

    def begin(self) -> None:
        """Note that touches may be missed from now on."""
        self._began_at = min(self._began_at, self.clock(), *self._parts_began_at.values())
        self._parts_began_at.clear()

    def end(self) -> None:
        """Note that Redis has answered."""
        self._end(self._began_at)
        self._began_at = inf

    def begin_part(self, part: str) -> None:
        """Note that touches of one part of Redis may be missed from now on."""
        self._parts_began_at.setdefault(part, self.clock())

    def end_part(self, part: str) -> None:
        """Note that this part has answered. The marks of the others are not believed either."""
        self._end(self._parts_began_at.pop(part, inf))

    def _end(self, began_at: float) -> None:
        now = self.clock()
        if now - began_at > LOSS_S:
            self.ended_at = now


class TouchMark:
    """``known`` is the mark of the channel as pages receive it; None: unknown."""

    __slots__ = ("_has_uncounted", "_highest", "_loss", "_mark", "_raised_at", "_touched_at")

    def __init__(self, loss: LinkLoss) -> None:
        self._loss = loss
        self._mark: int | None = None
        self._raised_at = self._touched_at = -inf
        self._highest = UNMARKED
        self._has_uncounted = False

    @property
    def known(self) -> int | None:
        """The mark as pages receive it; None: unknown."""
        now = self._loss.clock()
        if self._mark is None or self._is_in_doubt(now):
            return None
        # Redis has forgotten it by then, and Django does not write it into pages any more.
        is_over = now - self._raised_at > TOUCH_TTL_MS / 1000
        return stated_mark(NEVER if is_over else self._mark, self._loss.wall_clock())

    def read(self, mark: int | None) -> bool:
        """Take over what Redis holds; None: unknown. Return whether touches were missed."""
        before, now = self._mark, self._loss.clock()
        self._loss.end()
        self._mark = None if self._has_uncounted else mark
        self._highest = mark or UNMARKED
        is_same = before is not None and self._mark == before
        if not is_same:
            self._raised_at = now
        return not is_same or self._is_in_doubt(now)

    def receive(self, touch: Publication, audience: int) -> Publication:
        """Note a touch that has arrived, and return it as it is delivered."""
        mark = touch.touch or UNMARKED
        if mark == UNMARKED:
            self._has_uncounted = True
        self._highest = max(self._highest, mark)
        self._mark = mark if UNMARKED < mark == self._highest else None
        self._raised_at = self._touched_at = self._loss.clock()
        return state_touch(touch, audience, self._mark)

    def _is_in_doubt(self, now: float) -> bool:
        ended_at = self._loss.ended_at
        # After a touch, the mark differs from that of each page that was rendered before.
        return now < ended_at + DOUBT_S and self._touched_at <= ended_at
