"""Reading sessions in Redis: in batches, and with records that are no sessions."""

import asyncio

import pytest
from sockgate_gateway.broker.sessions import RedisSessionReader
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.loop.batching import MAX_BATCH
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.integration.broker.bench import NAMES
from tests.waiting import until

pytestmark = pytest.mark.integration


async def test_reads_of_one_moment_share_round_trips(bench):
    async with bench() as broker:
        count = 2 * MAX_BATCH
        for number in range(count):
            await broker.write_session(f"sid{number}", SessionRecord(str(number), "digest"))
        before = await scripts_run(broker)
        reads = [broker.read(f"sid{number}", str(number)) for number in range(count)]
        logins = await asyncio.gather(*reads)
        assert [login.session.user for login in logins] == list(map(str, range(count)))
        assert await scripts_run(broker) - before <= 4


async def scripts_run(broker) -> int:
    """Count the round trips that have read sessions."""
    statistics = await broker.django.info("commandstats")
    return statistics.get("cmdstat_evalsha", {}).get("calls", 0)


async def test_reader_reads_again_after_redis_was_down(bench):
    async with bench() as broker:
        await broker.cut()
        with pytest.raises(BrokerUnavailable):
            await broker.read("sid", "7")
        await broker.mend()
        await until(lambda: broker.is_live)
        await broker.write_session("sid", SessionRecord("7", "digest"))
        assert (await broker.read("sid", "7")).session == SessionRecord("7", "digest")


async def test_reader_serves_others_after_a_caller_was_cancelled(bench):
    async with bench() as broker:
        await broker.write_session("sid", SessionRecord("7", "digest"))
        gone = asyncio.ensure_future(broker.read("sid", "7"))
        stays = asyncio.ensure_future(broker.read("sid", "7"))
        await asyncio.sleep(0)  # one turn of the loop: both calls have begun
        gone.cancel()
        assert (await stays).session is not None


async def test_session_of_another_application_is_none(bench):
    async with bench() as broker:
        await broker.django.hset(NAMES.session("sid"), mapping={"data": "opaque"})
        assert (await broker.read("sid", "7")).session is None


async def test_session_that_expires_is_none(bench):
    async with bench() as broker:
        await broker.write_session("sid", SessionRecord("7", "digest"), 0.05)
        while (await broker.read("sid", "7")).session is not None:
            pass


async def test_channels_of_a_user_are_read(bench):
    async with bench() as broker:
        await broker.write_session("sid", SessionRecord("7", "digest"))
        await broker.write_user("7", UserRecord("old digest", ("group:a", "group:b%20c")))
        assert (await broker.read("sid", "7")).user == UserRecord(
            "old digest", ("group:a", "group:b%20c")
        )


async def test_key_of_another_type_is_no_session_and_affects_no_other(bench):
    async with bench() as broker:
        await broker.django.set(NAMES.session("sid"), "text")
        await broker.write_session("other", SessionRecord("8", "digest"))
        spoilt, other = await broker.read_many([("sid", "7"), ("other", "8")])
        assert spoilt.session is None
        assert other.session == SessionRecord("8", "digest")


def write_text(broker, key: str):
    return broker.django.set(key, "text")


def write_endless_age(broker, key: str):
    return broker.django.hset(key, mapping={"user": "7", "auth": "digest", "age": "9" * 30})


@pytest.mark.parametrize("spoil", [write_text, write_endless_age])
async def test_record_made_by_hand_does_not_stop_others_from_being_prolonged(bench, spoil):
    async with bench() as broker:
        key = await write_short_lived(broker, "sid")
        await spoil(broker, NAMES.session("spoilt"))
        await prolong(broker, ("spoilt", "7"), ("sid", "8"))
        assert await broker.django.ttl(key) > 100


@pytest.mark.parametrize("name", [NAMES.user("8"), NAMES.user_sessions("8")])
async def test_key_of_another_type_does_not_stop_others_from_being_prolonged(bench, name):
    async with bench() as broker:
        await broker.django.set(name, "text")
        keys = [await write_short_lived(broker, sid) for sid in ("one", "two")]
        await prolong(broker, ("one", "8"), ("two", "9"))
        assert [await broker.django.ttl(key) > 100 for key in keys] == [True, True]


async def prolong(broker, *claims) -> None:
    await RedisSessionReader(broker.servers, NAMES).prolong(claims)


async def write_short_lived(broker, sid: str) -> str:
    """Write a session that ends soon, but may be prolonged to 1,000 s."""
    key = NAMES.session(sid)
    await broker.django.hset(key, mapping={"user": "8", "auth": "digest", "age": 1000})
    await broker.django.expire(key, 10)
    return key


async def test_sessions_are_not_prolonged_while_redis_is_down(bench):
    async with bench() as broker:
        await broker.cut()
        with pytest.raises(BrokerUnavailable):
            await prolong(broker, ("sid", "8"))
