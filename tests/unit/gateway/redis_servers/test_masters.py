"""Which master counts when several Sentinels report different ones."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sockgate_gateway.redis_servers.masters import Master, Masters, WhenDown
from sockgate_gateway.redis_servers.sentinel import open_async_sentinel, open_sentinel
from sockgate_gateway.wire.addresses import read_address

ADDRESS = read_address("redis+sentinel://a:1,b:2,c:3/shop")


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


class Tracker:
    """Asks as the gateway does, and returns the master that counts."""

    def __init__(self, sentinels: list[Any]) -> None:
        self._sentinels = open_async_sentinel(ADDRESS, 1, WhenDown.FOLLOW)
        self._sentinels.sentinels = sentinels

    async def update(self) -> Master | None:
        await self._sentinels.discover_master("shop")
        return self._sentinels.masters.current


@pytest.fixture
def sentinels() -> list[FakeSentinel]:
    return [FakeSentinel(), FakeSentinel(), FakeSentinel()]


@pytest.fixture
def tracker(sentinels) -> Tracker:
    return Tracker([*sentinels])


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


def state(epoch: int, *, is_down: bool = False) -> dict[str, Any]:
    sentinel = FakeSentinel()
    sentinel.name("a", epoch, is_down=is_down)
    return {"shop": sentinel.state}


@pytest.mark.parametrize("is_known", [True, False])
def test_django_follows_no_master_that_is_down(is_known):
    masters = Masters("shop", WhenDown.FAIL)
    if is_known:
        inquiry = masters.begin(1)
        assert inquiry.add_reply(state(3))
        assert inquiry.finish() == Master(("a", 6379), 3)
    inquiry = masters.begin(1)
    assert not inquiry.add_reply(state(3, is_down=True))
    with pytest.raises(RedisConnectionError, match="no Sentinel names a master of shop: it is"):
        inquiry.finish()


def test_django_fails_where_no_sentinel_answers_although_a_master_is_known():
    masters = Masters("shop", WhenDown.FAIL)
    inquiry = masters.begin(1)
    inquiry.add_reply(state(3))
    inquiry.finish()
    inquiry = masters.begin(1)
    inquiry.add_failure(RedisConnectionError("away"))
    with pytest.raises(RedisConnectionError, match="away"):
        inquiry.finish()
    assert masters.current == Master(("a", 6379), 3)


def test_service_that_no_sentinel_knows_is_named():
    inquiry = Masters("shop", WhenDown.FOLLOW).begin(1)
    assert not inquiry.add_reply({})
    with pytest.raises(RedisConnectionError, match="master of shop: they do not know it"):
        inquiry.finish()


def test_answer_does_not_count_after_that_to_a_later_question():
    masters = Masters("shop", WhenDown.FOLLOW)
    first, second = masters.begin(1), masters.begin(1)
    second.add_reply(state(4))
    second.finish()
    first.add_reply(state(3))
    assert first.finish() == masters.current == Master(("a", 6379), 4)


class BlockingSentinel(FakeSentinel):
    """The same for blocking clients."""

    questions = 0

    def sentinel_masters(self) -> dict[str, Any]:  # type: ignore[override]
        self.questions += 1
        if self.state is None:
            raise RedisConnectionError("away")
        return {"shop": self.state}


def test_sentinel_that_answers_is_asked_first_the_next_time():
    down, up = BlockingSentinel(), BlockingSentinel()
    up.name("a", 3)
    client = open_sentinel(ADDRESS, 1)
    client.sentinels = [down, up]
    assert [client.discover_master("shop") for _ in range(3)] == [("a", 6379)] * 3
    assert (down.questions, up.questions) == (1, 3)
