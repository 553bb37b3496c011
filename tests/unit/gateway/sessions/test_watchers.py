"""The channel of an operator's page is touched while somebody looks, and only then."""

import pytest
from sockgate_gateway.sessions.watchers import MAX_WATCHED, TOUCH_S, WATCH_S, Watchers
from sockgate_gateway.wire.publish_request import PublishRequest

from tests.unit.gateway.memory_worker import MemoryWorker
from tests.waiting import turn_loop


class Touches:
    """A publisher that writes down which channels were touched."""

    def __init__(self) -> None:
        self.channels: list[str] = []

    async def publish(self, request: PublishRequest) -> int:
        assert request.is_touch
        self.channels.append(request.channel)
        return 0

    async def take(self) -> list[str]:
        await turn_loop()
        found, self.channels = self.channels, []
        return found


@pytest.fixture
def touches() -> Touches:
    return Touches()


@pytest.fixture
def watchers(worker: MemoryWorker, touches: Touches) -> Watchers:
    return Watchers(worker.lifecycle, touches, worker.wheel)


async def test_nobody_looks_and_nothing_is_touched(
    worker: MemoryWorker, watchers: Watchers, touches: Touches
) -> None:
    await worker.connect_client()
    worker.clock.advance(2 * WATCH_S)
    assert await touches.take() == []


async def test_connections_that_come_and_go_are_touched_together(
    worker: MemoryWorker, watchers: Watchers, touches: Touches
) -> None:
    watchers.watch("page")
    clients = [await worker.connect_client(f"sid{number}") for number in range(5)]
    worker.clock.advance(2 * TOUCH_S)
    assert await touches.take() == ["page"]
    worker.clock.advance(2 * TOUCH_S)
    assert await touches.take() == []
    clients[0].disconnect()
    worker.clock.advance(2 * TOUCH_S)
    assert await touches.take() == ["page"]


async def test_page_is_touched_once_more_at_the_end_and_asks_again_or_not(
    worker: MemoryWorker, watchers: Watchers, touches: Touches
) -> None:
    watchers.watch("page")
    worker.clock.advance(WATCH_S + 2 * TOUCH_S)
    assert await touches.take() == ["page"]
    await worker.connect_client()
    worker.clock.advance(2 * WATCH_S)
    assert await touches.take() == []
    watchers.watch("page")
    await worker.connect_client("another")
    worker.clock.advance(2 * TOUCH_S)
    assert await touches.take() == ["page"]


async def test_watched_channels_are_bounded(
    worker: MemoryWorker, watchers: Watchers, touches: Touches
) -> None:
    for number in range(MAX_WATCHED + 5):
        watchers.watch(f"page{number}")
    await worker.connect_client()
    worker.clock.advance(2 * TOUCH_S)
    assert len(await touches.take()) == MAX_WATCHED
