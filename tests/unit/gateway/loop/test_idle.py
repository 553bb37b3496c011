"""How long a loop has had nothing to do."""

import asyncio
import selectors

from sockgate_gateway.loop.idle import IdleTime


class Selector(selectors.DefaultSelector):
    """Waits on a clock of the test."""

    now = 0.0

    def select(self, timeout=None):
        if timeout:
            self.now += timeout
        return super().select(0)


def test_only_waits_of_the_loop_are_idle():
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)
    idle = IdleTime(lambda: selector.now)
    idle.watch(loop)

    def work() -> None:
        selector.now += 100

    try:
        loop.run_until_complete(asyncio.sleep(0))
        assert idle.read() == 0
        loop.call_soon(work)
        selector.select(7)
        assert idle.read() == 7
        loop.run_until_complete(asyncio.sleep(0))
        assert idle.read() == 7
    finally:
        loop.close()


def test_loop_without_a_selector_counts_as_busy():
    idle = IdleTime(lambda: 0.0)
    idle.watch(asyncio.AbstractEventLoop())
    assert idle.read() == 0
