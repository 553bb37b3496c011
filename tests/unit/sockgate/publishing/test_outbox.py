"""What Redis did not take after a commit is tried again: in order and bounded, not in silence."""

import os
from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import ResponseError
from redis import TimeoutError as RedisTimeoutError
from redis.exceptions import MaxConnectionsError
from sockgate.publishing.outbox import MAX_AGE_S, MAX_WAITING, OUTBOX, Outbox
from sockgate.redis_clients.clients import open_client
from sockgate_gateway.wire.publish_request import PublishRequest

from tests.ports import free_port
from tests.waiting import wait_until

DOWN = RedisConnectionError("Error 111 connecting to 127.0.0.1:1. Connection refused.")


def touch(channel: str) -> list[PublishRequest]:
    return [PublishRequest(channel, b"null", is_touch=True)]


PLAIN = [PublishRequest("user:1", b"1")]


class FailingRedis:
    """Fails so often, and then takes everything."""

    def __init__(self, failures: float, error: Exception = DOWN) -> None:
        self.failures = failures
        self.error = error
        self.taken: list[str] = []

    def __call__(self, batch: list[PublishRequest]) -> int:
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        self.taken += [one.channel for one in batch]
        return len(batch)


def test_what_fails_is_sent_later_and_in_order() -> None:
    outbox, redis = Outbox(), FailingRedis(3)
    channels = [f"room:{number}" for number in range(20)]
    for channel in channels:
        outbox.deliver(touch(channel), redis)
    wait_until(lambda: len(redis.taken) == len(channels))
    assert redis.taken == channels
    assert not outbox.dropped
    outbox.deliver(touch("at once"), redis)
    assert redis.taken[-1] == "at once"


def test_what_redis_may_have_already_is_not_sent_again_unless_it_is_a_touch() -> None:
    outbox = Outbox()
    redis = FailingRedis(1, RedisTimeoutError("Timeout reading from socket"))
    with pytest.raises(RedisTimeoutError):
        outbox.deliver(PLAIN, redis)
    assert len(outbox) == 0
    redis.failures = 1
    outbox.deliver(touch("room:1"), redis)
    wait_until(lambda: redis.taken == ["room:1"])


def test_what_redis_py_raises_without_a_server_is_tried_again() -> None:
    """It is known by redis-py's text, which another version may change."""
    client, outbox = open_client(f"redis://127.0.0.1:{free_port()}", 0), Outbox()
    outbox.deliver(PLAIN, lambda _: client.ping())
    assert len(outbox) == 1
    outbox.begin_empty()


def test_what_found_no_free_connection_is_tried_again() -> None:
    outbox = Outbox()
    redis = FailingRedis(1, MaxConnectionsError("Too many connections"))
    outbox.deliver(PLAIN, redis)
    wait_until(lambda: redis.taken == ["user:1"])


def test_what_redis_refuses_is_raised() -> None:
    with pytest.raises(ResponseError):
        Outbox().deliver(touch("room:1"), FailingRedis(1, ResponseError("wrong number")))


def test_waiting_ends_and_is_counted_and_logged(caplog: Any) -> None:
    now = 0.0
    outbox, redis = Outbox(lambda: now), FailingRedis(float("inf"))
    outbox.deliver(PLAIN, redis)
    now = MAX_AGE_S + 1
    wait_until(lambda: not len(outbox))
    assert outbox.dropped == {"user:1": 1}
    assert "1 publications were never sent; now on 'user:1'" in caplog.text


def test_end_of_the_process_is_one_line(caplog: Any) -> None:
    outbox, redis = Outbox(), FailingRedis(float("inf"))
    for number in [*range(1, 8), 1]:
        outbox.deliver(touch(f"room:{number}"), redis)
    outbox.flush(0)
    lines = [record.getMessage() for record in caplog.records if "never sent" in record.msg]
    names = ", ".join(f"'room:{number}'" for number in range(1, 6))
    assert lines == [f"8 publications were never sent; now on {names} and 2 more: the process ends"]
    assert outbox.dropped["room:1"] == 2
    assert len(outbox) == 0


def test_touches_wait_as_long_as_redis_is_away_once_for_each_channel() -> None:
    now = 0.0
    outbox, redis = Outbox(lambda: now), FailingRedis(float("inf"))
    for batch in (touch("room:1"), PLAIN, touch("room:1"), touch("room:2")):
        outbox.deliver(batch, redis)
    now = MAX_AGE_S + 1
    wait_until(lambda: len(outbox) == 2)
    assert outbox.dropped == {"user:1": 1}
    redis.failures = 0
    wait_until(lambda: not len(outbox))
    assert redis.taken == ["room:1", "room:2"]
    assert outbox.dropped == {"user:1": 1}


def test_touches_that_wait_for_long_are_dropped_when_redis_refuses_them() -> None:
    now = 0.0
    outbox, redis = Outbox(lambda: now), FailingRedis(float("inf"))
    outbox.deliver(touch("room:1"), redis)
    now = MAX_AGE_S + 1
    wait_until(lambda: outbox._late)
    redis.error = ResponseError("wrong number")
    wait_until(lambda: not len(outbox))
    assert outbox.dropped == {"room:1": 1}


def test_what_waits_is_bounded() -> None:
    outbox, redis = Outbox(), FailingRedis(float("inf"))
    for _ in range(MAX_WAITING + 5):
        outbox.deliver(PLAIN, redis)
    assert len(outbox) == MAX_WAITING
    assert outbox.dropped.total() == 5
    outbox.flush(0)


def test_touches_that_wait_are_bounded_by_their_channels(monkeypatch: Any) -> None:
    monkeypatch.setattr("sockgate.publishing.outbox.MAX_WAITING", 4)
    monkeypatch.setattr("sockgate.publishing.outbox.MAX_LATE", 2)
    outbox, redis = Outbox(), FailingRedis(float("inf"))
    for number in range(4 + 2 + 3):
        outbox.deliver(touch(f"room:{number}"), redis)
    assert len(outbox) == 4 + 2
    assert outbox.dropped == {"room:2": 1, "room:3": 1, "room:4": 1}
    outbox.flush(0)
    assert outbox.dropped.total() == 9


@pytest.mark.parametrize(("failures", "is_sent"), [(2, True), (float("inf"), False)])
def test_process_that_ends_sends_what_it_can(failures: float, is_sent: bool) -> None:
    outbox, redis = Outbox(), FailingRedis(failures)
    outbox.deliver(touch("room:1"), redis)
    assert outbox.flush(20 if is_sent else 0.01) is is_sent
    assert (redis.taken == ["room:1"], outbox.dropped.total()) == (is_sent, int(not is_sent))


def test_forked_process_begins_empty(monkeypatch: Any) -> None:
    redis = FailingRedis(float("inf"))
    OUTBOX.deliver(touch("room:1"), redis)
    pid = os.fork()
    if not pid:
        os._exit(len(OUTBOX))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(OUTBOX) == 1
    OUTBOX.begin_empty()


def test_error_of_another_kind_stops_nobody_behind_it() -> None:
    outbox, redis = Outbox(), FailingRedis(1)

    def fails(_: object) -> None:
        raise ZeroDivisionError

    outbox.deliver(touch("first"), redis)
    outbox.deliver(touch("second"), fails)
    outbox.deliver(touch("third"), redis)
    wait_until(lambda: redis.taken == ["first", "third"])
    assert outbox.dropped == {"second": 1}
