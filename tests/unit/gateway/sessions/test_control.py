"""Control messages reach what they are about; what cannot be read is rejected with the cause."""

from typing import get_args

import pytest
from sockgate_gateway.loop.failure_log import FAILED
from sockgate_gateway.sessions.control import INTERRUPTION_S
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import (
    ControlMessage,
    CountConnections,
    RevokeChannel,
    RevokeSession,
    RevokeUser,
    SessionMoved,
    UserChanged,
)
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.waiting import until


async def test_revoked_session_is_closed(worker):
    client = await worker.connect_client()
    worker.broker.publish_control(RevokeSession("sid"))
    assert client.code is CloseCode.SESSION_ENDED


async def test_revoked_user_is_closed(worker):
    client = await worker.connect_client()
    worker.broker.publish_control(RevokeUser("7"))
    assert client.code is CloseCode.SESSION_ENDED


async def test_revoked_channel_is_unsubscribed(worker):
    client = await worker.connect_client("sid", "7", "editors")
    worker.broker.publish_control(RevokeChannel("7", "group:editors"))
    assert client.connection.channels == ("user:7", "broadcast")


async def test_changed_user_is_read_again(worker):
    client = await worker.connect_client()
    worker.broker.write_user("7", UserRecord("digest", ("group:editors",)))
    worker.broker.publish_control(UserChanged("7"))
    await until(lambda: "group:editors" in client.connection.channels)


async def test_moved_session_is_followed(worker):
    client = await worker.connect_client("old")
    worker.broker.write_session("new", SessionRecord("7", "digest"))
    worker.broker.publish_control(SessionMoved("old", "new"))
    assert client.connection.sid == "new"


async def test_connections_are_counted_by_channel(worker):
    await worker.connect_client("a", "7")
    await worker.connect_client("b", "8")
    worker.broker.publish_control(CountConnections("broadcast", "one"))
    worker.broker.publish_control(CountConnections("user:7", "two"))
    worker.broker.publish_control(CountConnections("user:9", "three"))
    answers = [worker.broker.answers(question) for question in ("one", "two", "three")]
    assert answers == [[2], [1], [0]]


@pytest.mark.parametrize(
    "raw", [b"", b"garbage", b"[]", b'{"op":"unknown"}', b'{"op":"revoke_session"}', b"\xff"]
)
async def test_invalid_control_message_is_rejected_and_logged(worker, caplog, raw):
    client = await worker.connect_client()
    worker.control_messages.receive_control(raw)
    assert client.code is None
    assert "event=control_rejected" in caplog.text


async def test_many_invalid_control_messages_are_counted_and_logged_once_a_minute(worker, caplog):
    before = FAILED["control_rejected"]
    for number in range(1000):
        worker.control_messages.receive_control(b'{"op":"unknown %d"}' % number)
    assert len(caplog.records) == 1
    assert FAILED["control_rejected"] == before + 1000
    worker.clock.advance(61)
    worker.control_messages.receive_control(b"garbage")
    assert "event=control_rejected rejected=1001 cause=" in caplog.records[-1].getMessage()


async def test_lost_and_restored_link_is_notified_once_each(worker):
    client = await worker.connect_client()
    worker.broker.cut()
    worker.control_messages.link_lost()
    worker.clock.advance(3 * INTERRUPTION_S)
    worker.broker.mend()
    types = [frame["type"] for frame in client.frames() if frame["type"] != "gap"]
    assert types == ["interrupted", "resumed"]


async def test_link_restored_at_once_is_not_notified(worker):
    client = await worker.connect_client()
    for _ in range(3):
        worker.broker.cut()
        worker.clock.advance(INTERRUPTION_S / 2)
        worker.broker.mend()
    worker.clock.advance(3 * INTERRUPTION_S)
    assert {frame["type"] for frame in client.frames()} <= {"gap"}


async def test_sessions_are_read_again_when_the_link_is_back(worker):
    client = await worker.connect_client()
    worker.broker.cut()
    worker.broker.delete_session("sid")
    worker.broker.mend()
    await until(lambda: client.code is not None)


def test_every_control_message_has_an_action(worker):
    assert set(worker.control_messages._actions) == set(get_args(ControlMessage))
