"""The Lua scripts, on one real server and on a real cluster."""

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from sockgate_gateway.wire import scripts
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.publication import TIMED_EVERY, Publication, read_publication

pytestmark = pytest.mark.integration

NAMES = Names()
CHANNEL = "room:7"
DAY_MS = 24 * 3600 * 1000


def publish(
    redis,
    payload=b"1",
    *,
    epoch="fresh1",
    size=100,
    age_ms=DAY_MS,
    once=None,
    how="PUBLISH",
    excluded="",
):
    """Publish as any publisher does."""
    keys = [NAMES.history(CHANNEL), NAMES.offset(CHANNEL)]
    keys.append(NAMES.published(CHANNEL, once) if once else keys[1])
    arguments = [NAMES.channel(CHANNEL), payload, epoch, size, age_ms]
    arguments += [60_000 if once else 0, how, DAY_MS, excluded]
    epoch, offset, is_new, receivers = redis.eval(scripts.PUBLISH, 3, *keys, *arguments)
    return epoch.decode(), offset, bool(is_new), receivers


def read(redis, after=None, *, limit=1000, limit_bytes=10**6, begin="begun", seen=("", 0)):
    """Read as the gateway does."""
    keys = [NAMES.history(CHANNEL), NAMES.offset(CHANNEL)]
    wanted = (0, 0) if after is None else (after, limit)
    arguments = [*seen, *wanted, limit_bytes, begin, DAY_MS]
    epoch, last, found = redis.eval(scripts.HISTORY, 2, *keys, *arguments)
    return epoch.decode(), last, dict(zip(found[::2], found[1::2], strict=True))


def test_publish_counts_from_one_and_keeps_its_epoch(redis):
    assert publish(redis, epoch="first") == ("first", 1, True, 0)
    assert publish(redis, epoch="second") == ("first", 2, True, 0)


def test_publish_counts_beyond_what_lua_writes_in_digits(redis):
    redis.hset(NAMES.offset(CHANNEL), mapping={"epoch": "e", "offset": 10**15})
    publish(redis, b"7")
    assert read(redis, 10**15) == ("e", 10**15 + 1, {10**15 + 1: b"7"})


def test_publish_keeps_no_more_than_its_size(redis):
    for number in range(30):
        publish(redis, b"%d" % number, size=10)
    assert list(read(redis, 0)[2]) == list(range(30, 20, -1))


def test_publish_stores_no_history_of_a_channel_without_history(redis):
    publish(redis, size=0)
    assert read(redis, 0) == ("fresh1", 1, {})


def test_publish_drops_old_publications(redis):
    for _ in range(8):
        publish(redis)
    redis.delete(NAMES.history(CHANNEL))
    redis.rpush(NAMES.history(CHANNEL), *(f"{offset} 1000 1" for offset in range(9, 17)))
    redis.hset(NAMES.offset(CHANNEL), "offset", 31)
    publish(redis)
    assert list(read(redis, 1)[2]) == [32]


def test_publish_replaces_the_stream_of_an_earlier_version(redis):
    publish(redis, b"1")
    redis.delete(NAMES.history(CHANNEL))
    redis.xadd(NAMES.history(CHANNEL), {"p": "1", "t": 1}, id="1-0")
    assert read(redis, 0) == ("fresh1", 1, {}), "which is a gap"
    assert publish(redis, b"2")[:2] == ("fresh1", 2)
    assert read(redis, 0) == ("fresh1", 2, {2: b"2"})


def test_history_of_a_restored_value_has_no_offset_twice(redis):
    for number in range(1, 6):
        publish(redis, b"%d" % number)
    redis.hset(NAMES.offset(CHANNEL), "offset", 3)
    assert read(redis, 0)[2] == {}, "the entries are newer than the position"
    publish(redis, b"another 4")
    assert read(redis, 0)[2] == {4: b"another 4"}


def test_history_skips_what_was_not_kept(redis):
    for number in range(1, 6):
        publish(redis, b"%d" % number, size=0 if number == 3 else 100)
    assert read(redis, 1)[2] == {5: b"5", 4: b"4", 2: b"2"}


def test_history_of_a_silent_channel_expires_and_its_position_stays(redis):
    publish(redis, age_ms=5000)
    assert 0 < redis.pttl(NAMES.history(CHANNEL)) <= 5000
    assert redis.pttl(NAMES.offset(CHANNEL)) > DAY_MS / 2
    redis.delete(NAMES.history(CHANNEL))
    assert publish(redis, b"2")[:2] == ("fresh1", 2)


def test_publish_with_a_key_publishes_once(redis):
    assert publish(redis, once="order 7 {paid}") == ("fresh1", 1, True, 0)
    assert publish(redis, once="order 7 {paid}", epoch="other") == ("fresh1", 1, False, 0)
    assert publish(redis, once="order 8") == ("fresh1", 2, True, 0)
    assert len(read(redis, 0)[2]) == 2


def test_publish_after_the_position_was_lost_begins_anew(redis):
    for _ in range(3):
        publish(redis, epoch="first")
    redis.delete(NAMES.offset(CHANNEL))
    assert publish(redis, b"9", epoch="second") == ("second", 1, True, 0)
    assert read(redis, 0) == ("second", 1, {1: b"9"})


def test_publication_carries_its_position(redis_server):
    with Redis.from_url(redis_server.connection_url) as redis:
        redis.flushall()
        with redis.pubsub() as pubsub:
            pubsub.subscribe(NAMES.channel(CHANNEL))
            assert pubsub.get_message(timeout=5)["type"] == "subscribe"
            assert publish(redis, b'{"a":1}')[3] == 1
            raw = pubsub.get_message(timeout=5)["data"]
            found = read_publication(raw)
            assert found == Publication(b'{"a":1}', "fresh1", 1, published_ms=found.published_ms)


@pytest.mark.parametrize("excluded", ["", "c1"])
def test_some_publications_carry_the_time_of_redis(redis_server, excluded):
    with Redis.from_url(redis_server.connection_url) as redis:
        redis.flushall()
        with redis.pubsub() as pubsub:
            pubsub.subscribe(NAMES.channel(CHANNEL))
            assert pubsub.get_message(timeout=5)["type"] == "subscribe"
            before_ms = unix_ms(redis)
            for _ in range(2 * TIMED_EVERY):
                publish(redis, b"1", excluded=excluded)
            after_ms = unix_ms(redis)
            raws = [pubsub.get_message(timeout=5)["data"] for _ in range(2 * TIMED_EVERY)]
    found = list(map(read_publication, raws))
    assert {one.excluded for one in found} == {excluded}
    timed = {one.offset: one.published_ms for one in found if one.published_ms}
    assert list(timed) == [1, TIMED_EVERY + 1]
    assert all(before_ms <= ms <= after_ms for ms in timed.values())


def unix_ms(redis):
    seconds, microseconds = redis.time()
    return seconds * 1000 + microseconds // 1000


def test_publication_travels_sharded_on_a_cluster(nodes):
    with nodes.emptied() as client:
        node = client.get_node_from_key(NAMES.channel(CHANNEL))
        with Redis(port=node.port) as redis, redis.pubsub() as pubsub:
            pubsub.ssubscribe(NAMES.channel(CHANNEL))
            assert pubsub.get_sharded_message(timeout=5)["type"] == "ssubscribe"
            assert publish(client, b"5", how="SPUBLISH")[3] == 1
            assert pubsub.get_sharded_message(timeout=5)["data"].startswith(b"#fresh1:1::")


def test_history_begins_an_epoch_that_the_first_publication_continues(redis):
    assert read(redis, begin="begun") == ("begun", 0, {})
    assert read(redis, begin="later") == ("begun", 0, {})
    assert publish(redis, b"1", epoch="other")[:2] == ("begun", 1)
    assert read(redis, 0) == ("begun", 1, {1: b"1"})


def test_history_returns_publications_after_a_position(redis):
    for number in range(1, 6):
        publish(redis, b"%d" % number)
    assert read(redis, 3) == ("fresh1", 5, {4: b"4", 5: b"5"})
    assert read(redis, 5) == ("fresh1", 5, {})
    assert read(redis) == ("fresh1", 5, {})


def test_history_returns_the_newest_within_its_limits(redis):
    for _ in range(5):
        publish(redis, b"x" * 100)
    assert list(read(redis, 0, limit=2)[2]) == [5, 4]
    assert list(read(redis, 0, limit_bytes=350)[2]) == [5, 4, 3]


@pytest.mark.parametrize(
    ("after", "expected"),
    [(-1, [5]), (-3, [3, 4, 5]), (-5, [1, 2, 3, 4, 5]), (-(2**53), [1, 2, 3, 4, 5])],
)
def test_history_returns_so_many_of_the_newest(redis, after, expected):
    for number in range(1, 6):
        publish(redis, b"%d" % number)
    epoch, last, found = read(redis, after)
    assert (last, sorted(found)) == (5, expected)
    assert read(redis, after, limit=2) == (
        epoch,
        5,
        {4: b"4", 5: b"5"} if after < -1 else {5: b"5"},
    )


def test_history_of_the_newest_is_empty_where_nothing_was_published(redis):
    assert read(redis, -3) == ("begun", 0, {})
    assert read(redis, -3) == ("begun", 0, {})


def test_history_of_the_future_ends_the_epoch(redis):
    for _ in range(3):
        publish(redis)
    assert read(redis, 9, begin="new") == ("fresh1", 3, {})
    assert read(redis, seen=("other", 9), begin="new") == ("fresh1", 3, {})
    assert read(redis, seen=("fresh1", 3), begin="new") == ("fresh1", 3, {})
    assert read(redis, seen=("fresh1", 4), begin="new") == ("new", 3, {})
    assert publish(redis)[:2] == ("new", 4)
    assert list(read(redis, 0, seen=("fresh1", 4))[2]) == [4, 3, 2, 1]


def test_history_is_read_when_memory_is_full(redis_server):
    with Redis.from_url(redis_server.connection_url) as redis:
        redis.flushall()
        publish(redis)
        redis.config_set("maxmemory", "1")
        try:
            assert read(redis, 0)[1] == 1
            redis.delete(NAMES.history(CHANNEL), NAMES.offset(CHANNEL))
            assert read(redis) == ("", 0, {})
            with pytest.raises(ResponseError):
                publish(redis)
        finally:
            redis.config_set("maxmemory", "0")
        assert publish(redis)[1] == 1


def note_presence(redis, count, *workers):
    """Note a count at the first of these workers."""
    keys = [NAMES.presence(CHANNEL, worker) for worker in workers]
    return redis.eval(
        scripts.PRESENCE, len(keys), *keys, "7", count, 60_000, NAMES.control, "came", "went"
    )


def test_presence_reports_only_first_joins_and_last_leaves(redis):
    assert note_presence(redis, 1, "a", "b") == 1
    assert note_presence(redis, 2, "a", "b") == 0
    assert note_presence(redis, 1, "b", "a") == 0
    assert note_presence(redis, 0, "a", "b") == 0
    assert note_presence(redis, 0, "b", "a") == -1
    assert note_presence(redis, 0, "b", "a") == 0
    assert not redis.exists(NAMES.presence(CHANNEL, "a"))


def read_in(redis, generation: int, begin: str) -> tuple[str, int]:
    """Read as a gateway does that knows the generation of the master."""
    keys = [NAMES.history(CHANNEL), NAMES.offset(CHANNEL)]
    server = redis.eval(
        "return string.match(redis.call('INFO'), 'master_replid:(%w+)')", 1, keys[0]
    )
    arguments = ["", 0, 0, 0, 10**6, begin, DAY_MS, server, generation]
    epoch, last, _ = redis.eval(scripts.HISTORY, 2, *keys, *arguments)
    return epoch.decode(), last


def test_epoch_ends_with_the_generation_of_the_master(redis):
    assert read_in(redis, 3, "first") == ("first", 0)
    publish(redis)
    assert read_in(redis, 3, "second") == ("first", 1)
    assert read_in(redis, 4, "third") == ("third", 1)
    assert read_in(redis, 4, "fourth") == ("third", 1)


def test_epoch_does_not_end_for_a_gateway_that_is_behind(redis):
    read_in(redis, 3, "first")
    assert read_in(redis, 2, "second") == ("first", 0)
    assert read_in(redis, 3, "third") == ("first", 0)


def test_published_epoch_ends_at_its_first_read_after_a_failover(redis):
    publish(redis, epoch="first")
    assert read_in(redis, 3, "second") == ("second", 1)
    publish(redis)
    assert read_in(redis, 3, "third") == ("second", 2)


def test_published_epoch_continues_where_no_master_was_ever_replaced(redis):
    publish(redis, epoch="first")
    assert read_in(redis, 0, "second") == ("first", 1)
    assert read_in(redis, 0, "third") == ("first", 1)


def test_epoch_that_another_server_began_ends_when_it_is_first_read_in_a_generation(redis):
    publish(redis, epoch="first")
    redis.hset(NAMES.offset(CHANNEL), "server", "another")
    assert read_in(redis, 3, "second") == ("second", 1)
