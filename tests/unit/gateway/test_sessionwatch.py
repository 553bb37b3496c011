"""A connection lives as long as its session, and hears what its user may hear."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.connection import State
from gateway.sessionwatch import CHUNK, REFRESH_S
from gateway.wire.closecodes import CloseCode
from gateway.wire.records import SessionRecord, UserRecord
from tests.waiting import until

from .house import House, Tab

ENDINGS = (CloseCode.SESSION_ENDED, CloseCode.SESSION_UNKNOWN)


async def test_session_that_ended_closes_all_its_connections_and_no_others(house):
    tabs = [await house.welcome("a"), await house.welcome("a")]
    other = await house.welcome("b")
    house.watch.session_ended("a")
    assert [tab.code for tab in tabs] == [CloseCode.SESSION_ENDED] * 2
    assert other.code is None


async def test_user_who_ended_loses_every_connection(house):
    tabs = [await house.welcome("a"), await house.welcome("b")]
    other = await house.welcome("c", "8")
    house.watch.user_ended("7")
    assert [tab.code for tab in tabs] == [CloseCode.SESSION_ENDED] * 2
    assert other.code is None


async def test_session_that_is_gone_is_found_by_a_second_look(house):
    tab = await house.welcome()
    house.broker.delete_session("sid")
    house.watch.user_changed("7")
    await until(lambda: tab.code in ENDINGS)


async def test_session_that_is_back_at_the_second_look_stays(house):
    tab = await house.welcome()
    house.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    renewed = SessionRecord("7", "digest-of-a-new-password")
    reads = count_reads(house, lambda: house.broker.write_session("sid", renewed))
    house.watch.user_changed("7")
    await until(lambda: len(reads) == 2)
    await settled(house)
    assert tab.code is None


def count_reads(house: House, after: Callable[[], None] = lambda: None) -> list[int]:
    """Write down how many claims each reading asks for; do something after each."""
    reads: list[int] = []
    read_many = house.broker.read_many

    async def counting(claims):
        logins = await read_many(claims)
        reads.append(len(claims))
        after()
        return logins

    house.broker.read_many = counting
    return reads


async def settled(house) -> None:
    await until(lambda: house.watch._background.is_idle)


async def test_what_is_told_of_many_users_at_once_is_read_together(house):
    tabs = [await house.welcome(f"sid{number}", str(number)) for number in range(9)]
    reads = count_reads(house)
    for number in range(9):
        house.broker.write_user(str(number), UserRecord("digest", rights="r2"))
        house.watch.user_changed(str(number))
    await settled(house)
    assert reads == [9]
    assert [tab.frames()[0]["rights"] for tab in tabs] == ["r2"] * 9
    house.watch.user_changed("0")
    await settled(house)
    assert reads == [9, 1]


async def test_reply_that_was_overtaken_gives_no_right_back(house):
    """Redis is asked twice, before and after a group was left; the older reply comes last."""
    tab = await house.welcome("sid", "7", "editors")
    late = house.delay_next_reply()
    house.watch.user_changed("7")
    await until(late.is_read.is_set)
    house.broker.write_user("7", UserRecord("digest"))
    house.watch.user_changed("7")
    await until(lambda: "group:editors" not in tab.connection.channels)
    late.may_arrive.set()
    await settled(house)
    assert "group:editors" not in tab.connection.channels


async def test_another_password_sends_to_django(house):
    tab = await house.welcome()
    house.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    house.watch.user_changed("7")
    await until(lambda: tab.code is CloseCode.SESSION_UNKNOWN)


async def test_connections_are_not_closed_while_redis_is_away(house, caplog):
    tab = await house.welcome()
    house.broker.cut()
    house.watch.user_changed("7")
    await settled(house)
    assert tab.code is None
    assert "event=recheck_postponed" in caplog.text


async def test_session_that_moved_is_followed(house):
    tab = await house.welcome("old")
    house.broker.delete_session("old")
    house.broker.write_session("new", SessionRecord("7", "digest"))
    house.watch.session_moved("old", "new")
    await settled(house)
    assert tab.code is None
    house.watch.session_ended("old")
    assert tab.code is None
    house.watch.session_ended("new")
    assert tab.code is CloseCode.SESSION_ENDED


async def test_session_that_moved_unheard_is_followed_when_it_is_looked_at(house):
    tab = await house.welcome("old")
    house.broker.move_session("old", "new")
    house.watch.user_changed("7")
    await settled(house)
    assert (tab.code, tab.connection.sid) == (None, "new")
    house.watch.session_ended("new")
    assert tab.code is CloseCode.SESSION_ENDED


async def logging_in(house) -> Tab:
    """Give a visitor's tab whose session has become a user's under another key."""
    tab = await house.welcome("sid", "")
    house.broker.move_session("sid", "new")
    house.log_in("new", "7")
    house.watch.session_moved("sid", "new")
    await settled(house)
    return tab


async def test_visitor_who_logs_in_is_asked_for_a_token_once(house):
    tab = await logging_in(house)
    house.watch.session_moved("new", "new")
    await settled(house)
    assert tab.frames() == [{"type": "refresh", "within": REFRESH_S}]


async def test_visitors_connection_is_not_the_users_by_itself(house):
    tab = await logging_in(house)
    tab.frames()
    house.broker.publish("user:7", b'"secret"')
    house.broker.publish("broadcast", b'"for all"')
    assert [frame["data"] for frame in tab.frames()] == ["for all"]
    assert (tab.connection.uid, house.registry.by_uid["7"]) == (None, ())


async def test_visitor_who_was_asked_hears_his_own_channel_when_he_has_shown(house):
    tab = await logging_in(house)
    tab.frames()
    await show(house, tab, "new", "7")
    house.broker.publish("user:7", b'"hello"')
    refreshed, subscribed, hello = tab.frames()
    assert (refreshed["type"], refreshed["user"]) == ("refreshed", "7")
    assert (subscribed["type"], subscribed["channel"]) == ("subscribed", "user:7")
    assert hello["data"] == "hello"
    house.clock.advance(2 * REFRESH_S)
    assert tab.code is None


async def show(house, tab: Tab, sid: str, uid: str | None) -> None:
    """Do what a ``refresh`` frame with a token for this session does."""
    house.registry.claim(tab.connection, sid, uid)
    house.watch.apply(tab.connection, await house.endpoint.identify(sid, uid))


async def test_visitor_who_was_asked_and_shows_another_visitors_token_stays_one(house):
    tab = await logging_in(house)
    house.log_in("other", "")
    await show(house, tab, "other", None)
    house.clock.advance(2 * REFRESH_S)
    assert tab.code is None
    assert tab.connection.channels == ("broadcast",)


async def test_visitor_who_was_asked_and_shows_nothing_is_sent_to_django(house):
    tab = await logging_in(house)
    house.clock.advance(REFRESH_S)
    assert tab.code is None
    house.clock.advance(1)
    assert tab.code is CloseCode.SESSION_UNKNOWN


@pytest.mark.parametrize("is_told", [True, False])
async def test_visitor_who_was_asked_goes_when_the_session_ends(house, is_told):
    tab = await logging_in(house)
    house.broker.delete_session("new")
    if is_told:
        house.watch.session_ended("new")
    else:
        house.watch.recheck((tab.connection,))
    await until(lambda: tab.code in ENDINGS)


async def test_visitor_whose_session_became_a_users_unheard_is_asked(house):
    tab = await house.welcome("sid", "")
    house.broker.move_session("sid", "new")
    house.log_in("new", "7")
    house.watch.recheck((tab.connection,))
    await settled(house)
    assert [frame["type"] for frame in tab.frames()] == ["refresh"]


async def test_visitors_session_that_moves_and_stays_one_is_followed(house):
    tab = await house.welcome("sid", "")
    house.broker.move_session("sid", "new")
    house.watch.session_moved("sid", "new")
    await settled(house)
    assert (tab.frames(), tab.connection.sid) == ([], "new")


@pytest.mark.parametrize("uid", ["8", ""])
async def test_users_session_that_becomes_anothers_sends_to_django(house, uid):
    tab = await house.welcome("sid", "7")
    house.log_in("sid", uid)
    house.watch.session_moved("sid", "sid")
    await until(lambda: tab.code is CloseCode.SESSION_UNKNOWN)
    assert tab.frames() == []


async def test_groups_are_given_and_taken(house):
    tab = await house.welcome("sid", "7", "readers")
    house.log_in("sid", "7", "editors")
    house.watch.user_changed("7")
    await settled(house)
    assert [(frame["type"], frame["channel"]) for frame in tab.frames()] == [
        ("unsubscribed", "group:readers"),
        ("subscribed", "group:editors"),
    ]
    assert set(tab.connection.channels) == {"user:7", "broadcast", "group:editors"}


async def test_revoked_channel_is_taken_at_once(house):
    tab = await house.welcome("sid", "7", "editors")
    house.watch.channel_revoked("7", "group:editors")
    (frame,) = tab.frames()
    assert (frame["type"], frame["channel"]) == ("unsubscribed", "group:editors")
    house.broker.publish("group:editors", b'"secret"')
    assert tab.frames() == []


async def test_other_rights_are_told_to_the_browser_and_to_who_listens(house):
    tab = await house.welcome()
    heard = []
    house.watch.on_rights_changed = lambda connection, rights: heard.append(rights)
    house.broker.write_user("7", UserRecord("digest", rights="r2"))
    for _ in range(2):
        house.watch.user_changed("7")
        await settled(house)
    assert heard == ["r2"]
    (frame,) = tab.frames()
    assert (frame["type"], frame["user"], frame["rights"]) == ("refreshed", "7", "r2")


async def test_welcome_names_the_rights(house):
    token = house.log_in()
    house.broker.write_user("7", UserRecord("digest", rights="r1"))
    tab = house.attach()
    tab.shows(token)
    await until(lambda: tab.connection.state is State.OPEN)
    assert tab.frames()[0]["rights"] == "r1"


async def checking(house) -> tuple[Tab, Callable[[], None]]:
    """Give a browser whose session was read, but who hears no channel until the call."""
    release = house.hold_channels()
    tab = house.attach()
    tab.shows(house.log_in("sid", "7", "editors"))
    await until(lambda: tab.connection.channels)
    assert tab.connection.state is State.CHECKING
    return tab, release


async def test_channel_revoked_during_the_check_is_not_in_the_welcome(house):
    tab, release = await checking(house)
    house.log_in("sid", "7")
    house.watch.channel_revoked("7", "group:editors")
    assert tab.frames() == []
    release()
    await until(lambda: tab.connection.state is State.OPEN)
    await settled(house)
    (welcome,) = tab.frames()
    assert list(welcome["channels"]) == ["user:7", "broadcast"]


async def test_channel_revoked_before_it_was_joined_is_taken_after_the_welcome(house):
    reading = asyncio.Event()
    read_many = house.broker.read_many

    async def slow_read(claims):
        logins = await read_many(claims)
        await reading.wait()
        return logins

    house.broker.read_many = slow_read
    tab = house.attach()
    tab.shows(house.log_in("sid", "7", "editors"))
    await asyncio.sleep(0)
    house.log_in("sid", "7")
    house.watch.channel_revoked("7", "group:editors")
    reading.set()
    await until(lambda: tab.connection.channels == ("user:7", "broadcast"))


async def test_user_changed_during_the_check_is_read_again_after_it(house):
    tab, release = await checking(house)
    house.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    house.watch.user_changed("7")
    release()
    await until(lambda: tab.code is CloseCode.SESSION_UNKNOWN)


async def test_session_that_ended_unheard_during_the_check_is_read_again_after_it(house):
    """It was read, then the link went, and with it the message; no audit comes to help."""
    tab, release = await checking(house)
    house.broker.cut()
    house.broker.delete_session("sid")
    house.broker.mend()
    release()
    await until(lambda: tab.code is CloseCode.SESSION_UNKNOWN)


async def test_session_is_closed_when_it_expires(house):
    tab = await house.welcome(ttl_s=20)
    house.clock.advance(19)
    await settled(house)
    assert tab.code is None
    house.clock.advance(2)
    await until(lambda: tab.code in ENDINGS)


async def test_session_that_was_prolonged_is_not_closed(house):
    tab = await house.welcome(ttl_s=20)
    house.log_in(ttl_s=1000)
    house.clock.advance(30)
    await settled(house)
    assert tab.code is None


@asynccontextmanager
async def audited(clock, **limits: int) -> AsyncIterator[House]:
    """Run a worker whose audit hardly pauses."""
    house = House(clock, audit_interval_s=0.01, **limits)
    auditing = asyncio.create_task(house.watch.audit())
    yield house
    auditing.cancel()


async def test_audit_finds_what_no_message_has_told(clock):
    async with audited(clock) as house:
        tab, other = await house.welcome("a"), await house.welcome("b")
        house.broker.delete_session("a")
        await until(lambda: tab.code in ENDINGS)
        assert other.code is None


async def test_audit_goes_on_when_redis_was_away(clock, caplog):
    async with audited(clock) as house:
        tab = await house.welcome()
        house.broker.cut()
        await until(lambda: caplog.text.count("event=recheck_postponed") > 3)
        assert tab.code is None
        house.broker.delete_session("sid")
        house.broker.is_live = True
        await until(lambda: tab.code in ENDINGS)


async def test_audit_reads_all_in_chunks(clock):
    async with audited(clock, total=CHUNK + 1, per_user=CHUNK + 1) as house:
        for number in range(CHUNK + 1):
            await house.welcome(f"sid{number}")
        reads = count_reads(house)
        await until(lambda: CHUNK in reads and 1 in reads)
        assert max(reads) == CHUNK
