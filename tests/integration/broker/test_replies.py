"""Answers are pushed to a list that does not stay."""

import pytest

from gateway.broker.replies import TTL_S
from tests.waiting import until

from .bench import NAMES

pytestmark = pytest.mark.integration


async def test_answers_of_all_workers_are_collected_and_do_not_stay(bench):
    async with bench() as broker:
        for count in (3, 0):
            broker.reply("question", count)
        key = NAMES.reply("question")
        while await broker.django.llen(key) < 2:
            pass
        assert sorted(await broker.django.lrange(key, 0, -1)) == [b"0", b"3"]
        assert 0 < await broker.django.ttl(key) <= TTL_S


async def test_answer_is_lost_with_a_word_when_redis_is_away(bench, caplog):
    async with bench() as broker:
        await broker.cut()
        broker.reply("question", 3)
        await until(lambda: broker.replies._background.is_idle)
        await broker.mend()
    assert "event=reply_lost cause=" in caplog.text
