"""Control messages reach what they are about; what cannot be read is refused with a word."""

from typing import get_args

import pytest

from gateway.control import INTERRUPTION_S
from gateway.wire.closecodes import CloseCode
from gateway.wire.control import (
    ControlMessage,
    CountConnections,
    Drain,
    RevokeChannel,
    RevokeSession,
    RevokeUser,
    SessionMoved,
    UserChanged,
)
from gateway.wire.records import SessionRecord, UserRecord
from tests.waiting import until


async def test_revoked_session_is_closed(house):
    tab = await house.welcome()
    house.broker.tell(RevokeSession("sid"))
    assert tab.code is CloseCode.SESSION_ENDED


async def test_revoked_user_is_closed(house):
    tab = await house.welcome()
    house.broker.tell(RevokeUser("7"))
    assert tab.code is CloseCode.SESSION_ENDED


async def test_revoked_channel_is_taken(house):
    tab = await house.welcome("sid", "7", "editors")
    house.broker.tell(RevokeChannel("7", "group:editors"))
    assert tab.connection.channels == ("user:7", "broadcast")


async def test_changed_user_is_read_again(house):
    tab = await house.welcome()
    house.broker.write_user("7", UserRecord("digest", ("group:editors",)))
    house.broker.tell(UserChanged("7"))
    await until(lambda: "group:editors" in tab.connection.channels)


async def test_moved_session_is_followed(house):
    tab = await house.welcome("old")
    house.broker.write_session("new", SessionRecord("7", "digest"))
    house.broker.tell(SessionMoved("old", "new"))
    assert tab.connection.sid == "new"


async def test_connections_are_counted_by_channel(house):
    await house.welcome("a", "7")
    await house.welcome("b", "8")
    house.broker.tell(CountConnections("broadcast", "one"))
    house.broker.tell(CountConnections("user:7", "two"))
    house.broker.tell(CountConnections("user:9", "three"))
    answers = [house.broker.answers(question) for question in ("one", "two", "three")]
    assert answers == [[2], [1], [0]]


async def test_drain_of_another_node_disturbs_nobody(house):
    tab = await house.welcome()
    house.broker.tell(Drain("another"))
    assert (tab.frames(), tab.code) == ([], None)


@pytest.mark.parametrize(
    "raw", [b"", b"garbage", b"[]", b'{"op":"unknown"}', b'{"op":"revoke_session"}', b"\xff"]
)
async def test_what_is_no_control_message_is_refused_with_a_word(house, caplog, raw):
    tab = await house.welcome()
    house.listener.control(raw)
    assert tab.code is None
    assert "event=control_refused" in caplog.text


async def test_browsers_are_told_of_a_lost_link_once_and_of_its_return(house):
    tab = await house.welcome()
    house.broker.cut()
    house.listener.link_lost()
    house.clock.advance(3 * INTERRUPTION_S)
    house.broker.mend()
    types = [frame["type"] for frame in tab.frames() if frame["type"] != "gap"]
    assert types == ["interrupted", "resumed"]


async def test_browsers_hear_nothing_of_a_link_that_is_back_at_once(house):
    tab = await house.welcome()
    for _ in range(3):
        house.broker.cut()
        house.clock.advance(INTERRUPTION_S / 2)
        house.broker.mend()
    house.clock.advance(3 * INTERRUPTION_S)
    assert {frame["type"] for frame in tab.frames()} <= {"gap"}


async def test_sessions_are_read_again_when_the_link_is_back(house):
    tab = await house.welcome()
    house.broker.cut()
    house.broker.delete_session("sid")
    house.broker.mend()
    await until(lambda: tab.code is not None)


def test_every_control_message_has_an_action(house):
    assert set(house.listener._actions) == set(get_args(ControlMessage))
