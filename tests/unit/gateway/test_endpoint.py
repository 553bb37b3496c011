"""The life of a connection, from its first frame to its end."""

import pytest

from gateway.connection import State
from gateway.endpoint import BURST_S
from gateway.errors import Refused
from gateway.wire.closecodes import CloseCode
from gateway.wire.tokens import Token
from tests.waiting import turn_loop

from .house import CONNECT_TIMEOUT_S, HELD_LIMIT_BYTES, House


async def test_browser_is_welcomed_with_its_channels(house):
    tab = house.attach()
    tab.shows(house.log_in("sid", "7", "editors", ttl_s=100))
    await turn_loop()
    (welcome,) = tab.frames()
    assert (welcome["type"], welcome["user"]) == ("connected", "7")
    assert list(welcome["channels"]) == ["user:7", "broadcast", "group:editors"]
    assert welcome["expires"] == house.clock.now + 100
    assert welcome["connection"] == tab.connection.id


async def test_welcomed_browser_hears_its_channels_alone(house):
    alice, bob = await house.welcome("a", "7"), await house.welcome("b", "8")
    house.broker.publish("user:7", b'"for alice"')
    house.broker.publish("broadcast", b'"for all"')
    assert [frame["data"] for frame in alice.frames()] == ["for alice", "for all"]
    assert [frame["data"] for frame in bob.frames()] == ["for all"]


async def test_what_is_published_during_the_check_follows_the_welcome(house):
    release = house.hold_channels()
    tab = house.attach()
    tab.shows(house.log_in())
    await turn_loop()
    house.broker.publish("user:7", b'"early"')
    assert tab.frames() == []
    release()
    await turn_loop()
    assert [frame.get("type", frame.get("data")) for frame in tab.frames()] == [
        "connected",
        "early",
    ]


async def test_browser_that_is_told_too_much_during_the_check_is_closed(house):
    release = house.hold_channels()
    tab = house.attach()
    tab.shows(house.log_in())
    await turn_loop()
    for _ in range(HELD_LIMIT_BYTES // 100 + 1):
        house.broker.publish("user:7", b'"%b"' % (b"x" * 100))
    release()
    await turn_loop()
    assert (tab.frames(), tab.code) == ([], CloseCode.SLOW_CONSUMER)


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", '{"type":"unknown"}', '{"type":"connect"}', '{"type":"ping"}']
)
async def test_first_frame_must_be_a_connect(house, text):
    tab = house.attach()
    tab.says(text)
    assert tab.code is CloseCode.PROTOCOL_ERROR


async def test_second_connect_is_a_breach_even_during_the_check(house):
    tab, token = house.attach(), house.log_in()
    tab.shows(token)
    tab.shows(token)
    await turn_loop()
    assert (tab.frames(), tab.code) == ([], CloseCode.PROTOCOL_ERROR)


async def test_refused_token_is_told_by_its_code(house):
    house.log_in()
    old = house.signer.issue(Token("sid", "7"))
    cases = {
        "garbage": CloseCode.TOKEN_INVALID,
        house.signer.issue(Token("unknown", "7")): CloseCode.SESSION_UNKNOWN,
        house.signer.issue(Token("sid", "8")): CloseCode.SESSION_UNKNOWN,
    }
    for token, code in cases.items():
        tab = house.attach()
        tab.shows(token)
        await turn_loop()
        assert tab.code is code
    house.clock.advance(3700)
    tab = house.attach()
    tab.shows(old)
    assert tab.code is CloseCode.TOKEN_EXPIRED


async def test_nobody_is_let_in_while_redis_is_away(house):
    tab, token = house.attach(), house.log_in()
    house.broker.cut()
    tab.shows(token)
    await turn_loop()
    assert (tab.frames(), tab.code) == ([], CloseCode.UNAVAILABLE)


async def test_failure_within_is_told_as_such(house, monkeypatch, caplog):
    async def fail(*args):
        raise KeyError

    monkeypatch.setattr(house.broker, "read_many", fail)
    tab = house.attach()
    tab.shows(house.log_in())
    await turn_loop()
    assert tab.code is CloseCode.INTERNAL_ERROR
    assert "event=task_failed" in caplog.text


@pytest.mark.parametrize("has_shown_a_token", [False, True])
async def test_browser_must_be_welcomed_in_time(house, has_shown_a_token):
    house.hold_channels()
    tab = house.attach()
    if has_shown_a_token:
        tab.shows(house.log_in())
    await turn_loop()
    house.clock.advance(CONNECT_TIMEOUT_S - 1)
    assert tab.code is None
    house.clock.advance(2)
    assert tab.code is CloseCode.CONNECT_TIMEOUT
    assert not house.hub.is_heard("user:7")


async def test_welcomed_browser_has_no_deadline(house):
    tab = await house.welcome()
    house.clock.advance(3 * CONNECT_TIMEOUT_S)
    assert tab.code is None


async def test_browser_that_leaves_during_the_check_leaves_nothing(house):
    release = house.hold_channels()
    tab = house.attach()
    tab.shows(house.log_in())
    await turn_loop()
    tab.leaves()
    release()
    await turn_loop()
    assert tab.frames() == []
    assert (house.registry.connections, house.hub.channels(), house.broker.heard) == ({}, [], set())


async def test_closed_browser_leaves_nothing_and_is_told_once(house):
    tab = await house.welcome()
    house.endpoint.close(tab.connection, CloseCode.SESSION_ENDED)
    house.endpoint.close(tab.connection, CloseCode.DRAIN)
    house.endpoint.closed(tab.connection)
    tab.says({"type": "ping"})
    assert tab.transport.codes == [CloseCode.SESSION_ENDED]
    assert tab.frames() == []
    assert tab.connection.state is State.CLOSED
    assert (house.registry.connections, house.hub.channels()) == ({}, [])
    assert house.endpoint.closed_count == {CloseCode.SESSION_ENDED: 1}


async def test_draining_worker_admits_nobody(house):
    house.endpoint.is_draining = True
    with pytest.raises(Refused) as refused:
        house.attach()
    assert refused.value.code is CloseCode.DRAIN


def test_full_worker_admits_nobody(clock):
    house = House(clock, total=1)
    house.attach()
    with pytest.raises(Refused) as refused:
        house.attach()
    assert refused.value.code is CloseCode.OVERLOADED
    assert len(house.registry.connections) == 1


async def test_user_with_too_many_connections_is_told(clock):
    house = House(clock, per_user=1)
    await house.welcome()
    tab = house.attach()
    tab.shows(house.log_in())
    assert tab.code is CloseCode.TOO_MANY_CONNECTIONS


async def test_browser_may_say_much_at_once_but_not_for_long(clock):
    house = House(clock, max_frames_per_second=2)
    tab = house.attach()
    for _ in range(int(2 * BURST_S)):
        assert house.endpoint.admits(tab.connection)
    assert not house.endpoint.admits(tab.connection)
    assert tab.code is CloseCode.FLOOD


async def test_browser_may_say_a_little_for_ever(clock):
    house = House(clock, max_frames_per_second=2)
    tab = await house.welcome()
    for _ in range(100):
        clock.advance(0.5)
        tab.says({"type": "ping"})
    assert tab.code is None


async def test_connection_is_found_by_its_session_before_it_is_read(house):
    tab = house.attach()
    tab.shows(house.log_in())
    assert house.registry.by_sid["sid"] == house.registry.by_uid["7"] == (tab.connection,)
    house.watch.session_ended("sid")
    await turn_loop()
    assert (tab.frames(), tab.code) == ([], CloseCode.SESSION_ENDED)
