"""The life of a connection, from its first frame to its end."""

import pytest
from sockgate_gateway.connections.states import State
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.sessions.lifecycle import BURST_S, MAX_EARLY_FRAMES
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.tokens import Token

from tests.unit.gateway.memory_worker import CONNECT_TIMEOUT_S, HELD_LIMIT_BYTES, MemoryWorker
from tests.waiting import turn_loop, until


async def test_browser_is_welcomed_with_its_channels(worker):
    client = worker.open_client()
    client.send_token(worker.log_in("sid", "7", "editors", ttl_s=100))
    await turn_loop()
    (welcome,) = client.frames()
    assert (welcome["type"], welcome["user"]) == ("connected", "7")
    assert list(welcome["channels"]) == ["user:7", "broadcast", "group:editors"]
    assert welcome["expires"] == worker.clock.now + 100
    assert welcome["connection"] == client.connection.id


async def test_welcomed_browser_receives_only_its_channels(worker):
    alice, bob = await worker.connect_client("a", "7"), await worker.connect_client("b", "8")
    worker.broker.publish("user:7", b'"for alice"')
    worker.broker.publish("broadcast", b'"for all"')
    assert [frame["data"] for frame in alice.frames()] == ["for alice", "for all"]
    assert [frame["data"] for frame in bob.frames()] == ["for all"]


async def test_publication_during_the_check_follows_the_welcome(worker):
    release = worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    worker.broker.publish("user:7", b'"early"')
    assert client.frames() == []
    release()
    await turn_loop()
    assert [frame.get("type", frame.get("data")) for frame in client.frames()] == [
        "connected",
        "early",
    ]


async def test_browser_with_too_many_held_frames_is_closed(worker):
    release = worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    for channel in ("user:7", "broadcast") * (HELD_LIMIT_BYTES // 200 + 1):
        worker.broker.publish(channel, b'"%b"' % (b"x" * 100))
    release()
    await turn_loop()
    assert (client.frames(), client.code) == ([], CloseCode.SLOW_CONSUMER)


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", '{"type":"unknown"}', '{"type":"connect"}', '{"type":"ping"}']
)
async def test_first_frame_must_be_a_connect(worker, text):
    client = worker.open_client()
    client.send(text)
    assert client.code is CloseCode.PROTOCOL_ERROR


async def test_second_connect_is_a_breach_even_during_the_check(worker):
    client, token = worker.open_client(), worker.log_in()
    client.send_token(token)
    client.send_token(token)
    await turn_loop()
    assert (client.frames(), client.code) == ([], CloseCode.PROTOCOL_ERROR)


async def test_frames_behind_the_connect_are_answered_after_the_welcome_in_their_order(worker):
    client, token = worker.open_client(), worker.log_in()
    client.send_token(token)
    for frame_id in range(3):
        client.send({"type": "unsubscribe", "channel": "room:7", "id": frame_id})
    client.send({"type": "ping", "id": 3})
    await until(lambda: len(client.transport.frames) == 5)
    answers = [(frame["type"], frame.get("reply_to")) for frame in client.frames()]
    assert answers[0] == ("connected", None)
    assert sorted(answers[1:]) == [("pong", 3), *(("unsubscribed", n) for n in range(3))]
    assert [number for kind, number in answers if kind == "unsubscribed"] == [0, 1, 2]


async def test_frames_behind_the_connect_are_limited(worker):
    client, token = worker.open_client(), worker.log_in()
    client.send_token(token)
    for _ in range(MAX_EARLY_FRAMES):
        client.send({"type": "ping"})
    assert client.code is None
    client.send({"type": "ping"})
    assert client.code is CloseCode.PROTOCOL_ERROR
    await turn_loop()
    assert client.frames() == []


async def test_frames_behind_a_refused_connect_are_not_answered(worker):
    client = worker.open_client()
    client.send_token(worker.signer.issue(Token("no such session", "7")))
    client.send({"type": "subscribe", "channel": "room:7", "id": 1})
    await turn_loop()
    assert (client.frames(), client.code) == ([], CloseCode.SESSION_UNKNOWN)


async def test_invalid_token_closes_with_its_code(worker):
    worker.log_in()
    old = worker.signer.issue(Token("sid", "7"))
    cases = {
        "garbage": CloseCode.TOKEN_INVALID,
        worker.signer.issue(Token("unknown", "7")): CloseCode.SESSION_UNKNOWN,
        worker.signer.issue(Token("sid", "8")): CloseCode.SESSION_UNKNOWN,
    }
    for token, code in cases.items():
        client = worker.open_client()
        client.send_token(token)
        await turn_loop()
        assert client.code is code
    worker.clock.advance(3700)
    client = worker.open_client()
    client.send_token(old)
    assert client.code is CloseCode.TOKEN_EXPIRED


async def test_connects_are_refused_while_redis_is_down(worker):
    client, token = worker.open_client(), worker.log_in()
    worker.broker.cut()
    client.send_token(token)
    await turn_loop()
    assert (client.frames(), client.code) == ([], CloseCode.UNAVAILABLE)


async def test_internal_error_closes_with_its_code(worker, monkeypatch, caplog):
    async def fail(*args):
        raise KeyError

    monkeypatch.setattr(worker.broker, "read_many", fail)
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    assert client.code is CloseCode.INTERNAL_ERROR
    assert "event=task_failed" in caplog.text


async def test_browser_must_send_its_first_frame_in_time(worker):
    client = worker.open_client()
    worker.clock.advance(CONNECT_TIMEOUT_S - 1)
    assert client.code is None
    worker.clock.advance(2)
    assert client.code is CloseCode.CONNECT_TIMEOUT


async def test_browser_whose_check_takes_long_is_welcomed_all_the_same(worker):
    release = worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    for _ in range(4):
        worker.clock.advance(CONNECT_TIMEOUT_S)
    assert client.code is None
    release()
    await turn_loop()
    assert [frame["type"] for frame in client.frames()] == ["connected"]
    for _ in range(20):
        worker.clock.advance(CONNECT_TIMEOUT_S)
    assert client.code is None


async def test_browser_whose_check_has_no_answer_is_sent_away(worker):
    worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    for _ in range(8):
        worker.clock.advance(CONNECT_TIMEOUT_S + 1)
    assert client.code is CloseCode.UNAVAILABLE
    assert "user:7" not in worker.hub.channels()
    assert worker.lifecycle.admission.waiting == 0


async def test_frame_that_a_late_worker_has_not_read_counts_as_sent(worker):
    client = worker.open_client()
    wheel = worker.clock.wheel
    worker.clock.now += CONNECT_TIMEOUT_S + 5  # The process had no processor.
    wheel.turn()
    assert (wheel.is_late, client.code) == (True, None)
    client.send_token(worker.log_in())
    await turn_loop()
    assert [frame["type"] for frame in client.frames()] == ["connected"]


async def test_frame_that_waits_in_the_socket_counts_as_sent(worker):
    client = worker.open_client()
    client.transport.has_unread = True
    worker.clock.advance(CONNECT_TIMEOUT_S + 5)
    assert (worker.clock.wheel.is_late, client.code) == (False, None)
    client.transport.has_unread = False
    worker.clock.advance(5)
    assert client.code is CloseCode.CONNECT_TIMEOUT


async def test_connects_beyond_the_pace_of_the_worker_learn_when_to_come_back(worker):
    release = worker.hold_channels()
    first = [worker.open_client() for _ in range(40)]
    for number, client in enumerate(first):
        client.send_token(worker.log_in(f"sid{number}", f"{number}"))
    await turn_loop()
    assert worker.lifecycle.admission.waiting == 40
    late = worker.open_client()
    worker.clock.advance(CONNECT_TIMEOUT_S - 1)
    with pytest.raises(Disconnect, match="too many connects wait"):
        worker.open_client()
    late.send_token(worker.log_in("late", "late"))
    assert late.code is CloseCode.OVERLOADED
    assert late.transport.reason == "busy, come back in 2 s"
    release()
    await turn_loop()
    assert [client.frames()[0]["type"] for client in first] == ["connected"] * 40
    assert worker.lifecycle.admission.waiting == 0
    again = worker.open_client()
    again.send_token(worker.log_in("late", "late"))
    await turn_loop()
    assert [frame["type"] for frame in again.frames()] == ["connected"]


async def test_welcomed_browser_has_no_deadline(worker):
    client = await worker.connect_client()
    worker.clock.advance(3 * CONNECT_TIMEOUT_S)
    assert client.code is None


async def test_browser_disconnected_during_the_check_leaves_no_state(worker):
    release = worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    client.disconnect()
    release()
    await turn_loop()
    assert client.frames() == []
    assert (worker.registry.connections, worker.hub.channels(), worker.broker.subscribed) == (
        {},
        [],
        set(),
    )


async def test_close_is_sent_once_and_leaves_no_state(worker):
    client = await worker.connect_client()
    worker.lifecycle.close(client.connection, CloseCode.SESSION_ENDED)
    worker.lifecycle.close(client.connection, CloseCode.DRAIN)
    worker.lifecycle.transport_closed(client.connection, 1006, "lost")
    client.send({"type": "ping"})
    assert client.transport.codes == [CloseCode.SESSION_ENDED]
    assert client.frames() == []
    assert client.connection.state is State.CLOSED
    assert (worker.registry.connections, worker.hub.channels()) == ({}, [])
    assert worker.lifecycle.closed_count == {"4500": 1}


async def test_lost_connection_is_logged_with_its_cause(worker, caplog):
    caplog.set_level("INFO", "sockgate.access")
    client = await worker.connect_client()
    client.disconnect()
    assert "code=1006 by=gateway cause='the connection was lost'" in caplog.text


async def test_draining_worker_refuses_connects(worker):
    worker.lifecycle.is_draining = True
    with pytest.raises(Disconnect) as refused:
        worker.open_client()
    assert refused.value.code is CloseCode.DRAIN


def test_oldest_connection_without_a_token_is_displaced(clock):
    worker = MemoryWorker(clock, max_unauthenticated=1)
    first, second = worker.open_client(), worker.open_client()
    assert first.code is CloseCode.OVERLOADED
    assert second.code is None
    assert worker.lifecycle.displaced_count == 1
    assert list(worker.registry.connections) == [second.connection]


async def test_full_worker_refuses_connects(clock):
    worker = MemoryWorker(clock, max_connections=1)
    await worker.connect_client()
    with pytest.raises(Disconnect) as refused:
        worker.open_client()
    assert refused.value.code is CloseCode.OVERLOADED
    assert len(worker.registry.connections) == 1


async def test_connect_over_the_limit_of_the_user_is_refused(clock):
    worker = MemoryWorker(clock, max_per_user=1)
    await worker.connect_client()
    client = worker.open_client()
    client.send_token(worker.log_in())
    await turn_loop()
    assert client.code is CloseCode.TOO_MANY_CONNECTIONS


async def test_browser_may_send_a_burst_within_the_limit(clock):
    worker = MemoryWorker(clock, max_frames_per_second=2)
    client = worker.open_client()
    for _ in range(int(2 * BURST_S)):
        assert worker.lifecycle.allow_frames(client.connection)
    assert not worker.lifecycle.allow_frames(client.connection)
    assert client.code is CloseCode.FLOOD


async def test_browser_may_send_below_the_rate_without_end(clock):
    worker = MemoryWorker(clock, max_frames_per_second=2)
    client = await worker.connect_client()
    for _ in range(100):
        clock.advance(0.5)
        client.send({"type": "ping"})
    assert client.code is None


async def test_connection_is_indexed_by_its_session_before_the_read(worker):
    client = worker.open_client()
    client.send_token(worker.log_in())
    assert worker.registry.of_session("sid") == worker.registry.of_user("7") == {client.connection}
    assert worker.registry.by_sid["sid"] == worker.registry.by_uid["7"] == ()
    worker.monitor.session_ended("sid")
    await turn_loop()
    assert (client.frames(), client.code) == ([], CloseCode.SESSION_ENDED)
