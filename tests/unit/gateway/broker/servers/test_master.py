"""Which master counts when several Sentinels report different ones."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sockgate_gateway.broker.servers.master import Master, MasterTracker


class FakeSentinel:
    """A Sentinel that can be down."""

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None

    def name(self, host: str, epoch: int, *, is_down: bool = False, flags: str = "master") -> None:
        down = {"is_master": True, "is_sdown": is_down, "is_odown": False}
        self.state = {"ip": host, "port": 6379, "config-epoch": epoch, "flags": flags, **down}

    async def sentinel_masters(self) -> dict[str, Any]:
        if self.state is None:
            raise RedisConnectionError("away")
        return {"shop": self.state}


class Sentinels:
    def __init__(self) -> None:
        self.sentinels = [FakeSentinel(), FakeSentinel(), FakeSentinel()]


@pytest.fixture
def sentinels() -> list[FakeSentinel]:
    return []


@pytest.fixture
def tracker(sentinels) -> MasterTracker:
    service: Any = Sentinels()
    sentinels += service.sentinels
    return MasterTracker(service, "shop")


async def test_no_answer_ever_is_an_error_that_names_the_service(tracker):
    with pytest.raises(RedisConnectionError, match="no Sentinel names a master of shop: away"):
        await tracker.update()


async def test_known_master_is_kept_while_no_sentinel_answers(tracker, sentinels):
    sentinels[1].name("a", 3)
    await tracker.update()
    sentinels[1].state = None
    assert await tracker.update() == Master(("a", 6379), 3)


async def test_outdated_sentinel_is_ignored(tracker, sentinels):
    sentinels[0].name("b", 4)
    await tracker.update()
    sentinels[0].state = None
    sentinels[1].name("a", 3)
    assert await tracker.update() == Master(("b", 6379), 4)


async def test_later_master_counts_although_it_is_down(tracker, sentinels):
    sentinels[0].name("a", 3)
    await tracker.update()
    sentinels[0].name("b", 4, is_down=True)
    assert await tracker.update() == Master(("b", 6379), 4)


async def test_master_that_came_back_is_another(tracker, sentinels):
    sentinels[0].name("a", 3)
    before = await tracker.update()
    sentinels[0].name("a", 5)
    assert await tracker.update() != before


async def test_master_stays_until_it_is_replaced(tracker, sentinels):
    sentinels[0].name("a", 3)
    await tracker.update()
    sentinels[0].name("a", 4, flags="s_down,master,failover_in_progress")
    assert await tracker.update() == Master(("a", 6379), 3)


async def test_lower_epoch_counts_when_all_sentinels_report_it(tracker, sentinels):
    sentinels[0].name("a", 3)
    await tracker.update()
    for sentinel in sentinels:
        sentinel.name("b", 0)
    assert await tracker.update() == Master(("b", 6379), 0)
