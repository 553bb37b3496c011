"""How long the loop has had nothing to do.

The share of the processor says nothing under a quota: a worker that may use a tenth of a core is
busy at 10 %. A loop that waits in ``select`` has no work that it could do.
"""

import asyncio
import selectors
from collections.abc import Callable


class IdleTime:
    """Count the seconds that a loop waits for events.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._total_s = 0.0

    def read(self) -> float:
        """Return the seconds so far."""
        return self._total_s

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the waits of this loop; one without a selector counts as always busy."""
        selector = getattr(loop, "_selector", None)
        if not isinstance(selector, selectors.BaseSelector):
            return
        select, clock = selector.select, self._clock

        def wait(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout <= 0:
                return select(timeout)
            began_at = clock()
            ready = select(timeout)
            self._total_s += clock() - began_at
            return ready

        selector.select = wait  # type: ignore[method-assign]
