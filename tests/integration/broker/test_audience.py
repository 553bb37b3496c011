"""Counts of connections are pushed to a list that expires."""

import pytest
from sockgate_gateway.broker.audience import TTL_S

from tests.integration.broker.bench import NAMES
from tests.waiting import until

pytestmark = pytest.mark.integration


async def test_counts_of_all_workers_are_collected_and_expire(bench):
    async with bench() as broker:
        for count in (3, 0):
            broker.reply("question", count)
        key = NAMES.reply("question")
        while await broker.django.llen(key) < 2:
            pass
        assert sorted(await broker.django.lrange(key, 0, -1)) == [b"0", b"3"]
        assert 0 < await broker.django.ttl(key) <= TTL_S


async def test_lost_reply_is_logged_when_redis_is_down(bench, caplog):
    async with bench() as broker:
        await broker.cut()
        broker.reply("question", 3)
        await until(lambda: not broker.audience._background._tasks)
        await broker.mend()
    assert "event=reply_lost cause=" in caplog.text
