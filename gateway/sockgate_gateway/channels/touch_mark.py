"""The touch mark of a channel in a worker, as far as it is known. Pure.

Strategy: it is read with the history, and then follows the touches that arrive. An account that may
only publish can invent touches. So a mark is known only as long as it rises: no invented one brings
an earlier mark back, with which a page would take itself to be fresh. After a touch without a mark,
nothing is known until one with a mark has arrived. From then on, Redis does not count all touches,
so that its mark is not believed after a loss.
"""

from ..wire.publication import Publication, state_touch
from ..wire.touches import UNMARKED


class TouchMark:
    """``known`` is the mark of the channel; None: unknown."""

    __slots__ = ("_has_uncounted", "_highest", "known")

    def __init__(self) -> None:
        self.known: int | None = None
        self._highest = UNMARKED
        self._has_uncounted = False

    def read(self, mark: int | None) -> bool:
        """Take over what Redis holds; None: unknown. Return whether touches were missed."""
        was_known = self.known
        self.known = None if self._has_uncounted else mark
        self._highest = mark or UNMARKED
        return was_known is None or self.known != was_known

    def receive(self, touch: Publication, audience: int) -> Publication:
        """Note a touch that has arrived, and return it as it is delivered."""
        mark = touch.touch or UNMARKED
        if mark == UNMARKED:
            self._has_uncounted = True
        self._highest = max(self._highest, mark)
        self.known = mark if UNMARKED < mark == self._highest else None
        return state_touch(touch, audience, self.known)
