"""Publications of clients are sent in their order, and each gets its offset or its error."""

import asyncio

import pytest
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.publish_request import PublishRequest

from tests.integration.broker.bench import NAMES

pytestmark = pytest.mark.integration

ROOM = "room:7"


def numbered(count: int) -> list[PublishRequest]:
    return [PublishRequest(ROOM, b"%d" % number, Policy()) for number in range(count)]


async def test_publications_of_one_moment_keep_their_order(bench):
    async with bench() as broker:
        await broker.django.script_flush()
        offsets = await asyncio.gather(*map(broker.publisher.publish, numbered(300)))
        assert offsets == list(range(1, 301))
        (kept,) = await broker.django.lrange(NAMES.history(ROOM), -1, -1)
        assert kept.endswith(b" 299")
        assert await broker.publisher.publish(PublishRequest(ROOM, b"plain")) == 0


async def test_publication_that_redis_rejects_affects_no_other(bench):
    async with bench() as broker:
        await broker.django.set(NAMES.offset("room:broken"), "no hash")
        broken = PublishRequest("room:broken", b"1", Policy())
        first, failure, second = await asyncio.gather(
            *map(broker.publisher.publish, [*numbered(1), broken, *numbered(1)]),
            return_exceptions=True,
        )
        assert (first, second) == (1, 2)
        assert isinstance(failure, BrokerUnavailable)


async def test_redis_that_is_down_is_unavailable(bench):
    async with bench() as broker:
        await broker.cut()
        with pytest.raises(BrokerUnavailable):
            await broker.publisher.publish(PublishRequest(ROOM, b"1", Policy()))
        await broker.mend()
