"""A connection lives as long as its session, and receives what its user may receive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import ref

import pytest
from sockgate_gateway.connections.states import State
from sockgate_gateway.sessions.access import REFRESH_S
from sockgate_gateway.sessions.revalidation import MAX_BATCH
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.unit.gateway.memory_worker import FakeClient, MemoryWorker
from tests.waiting import until

ENDINGS = (CloseCode.SESSION_ENDED, CloseCode.SESSION_UNKNOWN)


async def test_ended_session_closes_only_its_connections(worker):
    clients = [await worker.connect_client("a"), await worker.connect_client("a")]
    other = await worker.connect_client("b")
    worker.monitor.session_ended("a")
    assert [client.code for client in clients] == [CloseCode.SESSION_ENDED] * 2
    assert other.code is None


async def test_revoked_user_loses_every_connection(worker):
    clients = [await worker.connect_client("a"), await worker.connect_client("b")]
    other = await worker.connect_client("c", "8")
    worker.monitor.user_ended("7")
    assert [client.code for client in clients] == [CloseCode.SESSION_ENDED] * 2
    assert other.code is None


async def test_missing_session_is_confirmed_by_a_second_read(worker):
    client = await worker.connect_client()
    worker.broker.delete_session("sid")
    worker.monitor.user_changed("7")
    await until(lambda: client.code in ENDINGS)


async def test_session_that_exists_at_the_second_read_stays(worker):
    client = await worker.connect_client()
    worker.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    renewed = SessionRecord("7", "digest-of-a-new-password")
    reads = count_reads(worker, lambda: worker.broker.write_session("sid", renewed))
    worker.monitor.user_changed("7")
    await until(lambda: len(reads) == 2)
    await settled(worker)
    assert client.code is None


def count_reads(worker: MemoryWorker, after: Callable[[], None] = lambda: None) -> list[int]:
    """Write down how many claims each reading asks for; do something after each."""
    reads: list[int] = []
    read_many = worker.broker.read_many

    async def counting(claims):
        logins = await read_many(claims)
        reads.append(len(claims))
        after()
        return logins

    worker.broker.read_many = counting
    return reads


async def settled(worker) -> None:
    await until(lambda: not worker.revalidator._background._tasks)


async def test_changes_of_many_users_are_read_together(worker):
    clients = [await worker.connect_client(f"sid{number}", str(number)) for number in range(9)]
    reads = count_reads(worker)
    for number in range(9):
        worker.broker.write_user(str(number), UserRecord("digest", rights="r2"))
        worker.monitor.user_changed(str(number))
    await settled(worker)
    assert reads == [9]
    assert [client.frames()[0]["rights"] for client in clients] == ["r2"] * 9
    worker.monitor.user_changed("0")
    await settled(worker)
    assert reads == [9, 1]


async def test_pages_of_many_users_ask_django_one_after_the_other(worker, monkeypatch):
    """What was refused may be granted under the new rights, and old grants are refused."""
    monkeypatch.setattr(worker.hub.audience, "_clock", lambda: 0.0)
    clients = [await worker.connect_client(f"sid{number}", str(number)) for number in range(99)]
    for number in range(99):
        worker.broker.write_user(str(number), UserRecord("digest", rights="r2"))
        worker.monitor.user_changed(str(number))
    await settled(worker)
    frames = [client.frames()[0] for client in clients]
    assert {(frame["audience"], frame["within"]) for frame in frames} == {(99, 3)}
    for client in clients:
        client.send({"type": "subscribe", "channel": "room:7", "grant": "old", "id": 1})
    await until(lambda: not worker.requests._background._tasks)
    frames = [client.frames()[0] for client in clients]
    assert {(one["code"], one["audience"], one["within"]) for one in frames} == {
        ("not_allowed", 99, 3)
    }


async def test_outdated_reply_restores_no_right(worker):
    """Redis is asked twice, before and after a group was left; the older reply comes last."""
    client = await worker.connect_client("sid", "7", "editors")
    late = worker.delay_next_reply()
    worker.monitor.user_changed("7")
    await until(late.is_read.is_set)
    worker.broker.write_user("7", UserRecord("digest"))
    worker.monitor.user_changed("7")
    await until(lambda: "group:editors" not in client.connection.channels)
    late.may_arrive.set()
    await settled(worker)
    assert "group:editors" not in client.connection.channels


async def test_changed_password_requires_a_new_token(worker):
    client = await worker.connect_client()
    worker.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    worker.monitor.user_changed("7")
    await until(lambda: client.code is CloseCode.SESSION_UNKNOWN)


async def test_connections_are_not_closed_while_redis_is_down(worker, caplog):
    client = await worker.connect_client()
    worker.broker.cut()
    worker.monitor.user_changed("7")
    await until(lambda: "event=revalidation_postponed" in caplog.text)
    assert client.code is None


async def test_session_that_moved_is_followed(worker):
    client = await worker.connect_client("old")
    worker.broker.delete_session("old")
    worker.broker.write_session("new", SessionRecord("7", "digest"))
    worker.monitor.session_moved("old", "new")
    await settled(worker)
    assert client.code is None
    worker.monitor.session_ended("old")
    assert client.code is None
    worker.monitor.session_ended("new")
    assert client.code is CloseCode.SESSION_ENDED


async def test_session_that_moved_without_a_control_message_is_followed_at_the_next_read(worker):
    client = await worker.connect_client("old")
    worker.broker.move_session("old", "new")
    worker.monitor.user_changed("7")
    await settled(worker)
    assert (client.code, client.connection.sid) == (None, "new")
    worker.monitor.session_ended("new")
    assert client.code is CloseCode.SESSION_ENDED


async def logging_in(worker) -> FakeClient:
    """Give a visitor's client whose session has become a user's under another key."""
    client = await worker.connect_client("sid", "")
    worker.broker.move_session("sid", "new")
    worker.log_in("new", "7")
    worker.monitor.session_moved("sid", "new")
    await settled(worker)
    return client


async def test_login_of_a_visitor_requests_one_token(worker):
    client = await logging_in(worker)
    worker.monitor.session_moved("new", "new")
    await settled(worker)
    assert client.frames() == [{"type": "refresh", "within": REFRESH_S}]


async def test_connection_of_a_visitor_does_not_become_that_of_the_user_without_a_token(worker):
    client = await logging_in(worker)
    client.frames()
    worker.broker.publish("user:7", b'"secret"')
    worker.broker.publish("broadcast", b'"for all"')
    assert [frame["data"] for frame in client.frames()] == ["for all"]
    assert (client.connection.uid, worker.registry.by_uid["7"]) == (None, ())


async def test_visitor_receives_the_user_channel_after_the_requested_token(worker):
    client = await logging_in(worker)
    client.frames()
    await show(worker, client, "new", "7")
    worker.broker.publish("user:7", b'"hello"')
    refreshed, subscribed, hello = client.frames()
    assert (refreshed["type"], refreshed["user"]) == ("refreshed", "7")
    assert (subscribed["type"], subscribed["channel"]) == ("subscribed", "user:7")
    assert hello["data"] == "hello"
    worker.clock.advance(2 * REFRESH_S)
    assert client.code is None


async def show(worker, client: FakeClient, sid: str, uid: str | None) -> None:
    """Do what a ``refresh`` frame with a token for this session does."""
    worker.registry.claim(client.connection, sid, uid)
    identity = await worker.token_refresh.read_claimed_identity(client.connection)
    worker.registry.unclaim(client.connection)
    worker.registry.file(client.connection, sid, uid)
    worker.revalidator.apply(client.connection, identity)


async def test_visitor_with_the_token_of_another_visitor_stays_a_visitor(worker):
    client = await logging_in(worker)
    worker.log_in("other", "")
    await show(worker, client, "other", None)
    worker.clock.advance(2 * REFRESH_S)
    assert client.code is None
    assert client.connection.channels == ("broadcast",)


async def test_visitor_without_the_requested_token_is_closed(worker):
    client = await logging_in(worker)
    worker.clock.advance(REFRESH_S)
    assert client.code is None
    worker.clock.advance(1)
    assert client.code is CloseCode.SESSION_UNKNOWN


@pytest.mark.parametrize("is_notified", [True, False])
async def test_visitor_with_a_requested_token_is_closed_when_the_session_ends(worker, is_notified):
    client = await logging_in(worker)
    worker.broker.delete_session("new")
    if is_notified:
        worker.monitor.session_ended("new")
    else:
        worker.revalidator.request((client.connection,))
    await until(lambda: client.code in ENDINGS)


async def test_token_is_requested_when_the_login_sent_no_control_message(worker):
    client = await worker.connect_client("sid", "")
    worker.broker.move_session("sid", "new")
    worker.log_in("new", "7")
    worker.revalidator.request((client.connection,))
    await settled(worker)
    assert [frame["type"] for frame in client.frames()] == ["refresh"]


async def test_moved_session_of_a_visitor_is_followed(worker):
    client = await worker.connect_client("sid", "")
    worker.broker.move_session("sid", "new")
    worker.monitor.session_moved("sid", "new")
    await settled(worker)
    assert (client.frames(), client.connection.sid) == ([], "new")


@pytest.mark.parametrize("uid", ["8", ""])
async def test_session_that_becomes_another_users_requires_a_new_token(worker, uid):
    client = await worker.connect_client("sid", "7")
    worker.log_in("sid", uid)
    worker.monitor.session_moved("sid", "sid")
    await until(lambda: client.code is CloseCode.SESSION_UNKNOWN)
    assert client.frames() == []


async def test_groups_are_added_and_removed(worker):
    client = await worker.connect_client("sid", "7", "readers")
    worker.log_in("sid", "7", "editors")
    worker.monitor.user_changed("7")
    await settled(worker)
    assert [(frame["type"], frame["channel"]) for frame in client.frames()] == [
        ("unsubscribed", "group:readers"),
        ("subscribed", "group:editors"),
    ]
    assert set(client.connection.channels) == {"user:7", "broadcast", "group:editors"}


async def test_revoked_channel_is_unsubscribed_at_once(worker):
    client = await worker.connect_client("sid", "7", "editors")
    worker.monitor.channel_revoked("7", "group:editors")
    (frame,) = client.frames()
    assert (frame["type"], frame["channel"]) == ("unsubscribed", "group:editors")
    worker.broker.publish("group:editors", b'"secret"')
    assert client.frames() == []


async def test_other_rights_are_sent_to_the_client_and_end_grants_once(worker, monkeypatch):
    client, applied = await worker.connect_client(), []
    monkeypatch.setattr(worker.access, "_apply_rights", lambda _, rights: applied.append(rights))
    worker.broker.write_user("7", UserRecord("digest", rights="r2"))
    for _ in range(2):
        worker.monitor.user_changed("7")
        await settled(worker)
    assert applied == ["r2"]
    (frame,) = client.frames()
    assert (frame["type"], frame["user"], frame["rights"]) == ("refreshed", "7", "r2")


async def test_welcome_names_the_rights(worker):
    token = worker.log_in()
    worker.broker.write_user("7", UserRecord("digest", rights="r1"))
    client = worker.open_client()
    client.send_token(token)
    await until(lambda: client.connection.is_open)
    assert client.frames()[0]["rights"] == "r1"


async def checking(worker) -> tuple[FakeClient, Callable[[], None]]:
    """Return a client whose session was read, and whose joins are pending until the call."""
    release = worker.hold_channels()
    client = worker.open_client()
    client.send_token(worker.log_in("sid", "7", "editors"))
    await until(lambda: client.connection.channels)
    assert client.connection.state is State.CHECKING
    return client, release


async def test_channel_revoked_during_the_check_is_not_in_the_welcome(worker):
    client, release = await checking(worker)
    worker.log_in("sid", "7")
    worker.monitor.channel_revoked("7", "group:editors")
    assert client.frames() == []
    release()
    await until(lambda: client.connection.is_open)
    await settled(worker)
    (welcome,) = client.frames()
    assert list(welcome["channels"]) == ["user:7", "broadcast"]


async def test_channel_revoked_before_its_join_is_unsubscribed_after_the_welcome(worker):
    reading = asyncio.Event()
    read_many = worker.broker.read_many

    async def slow_read(claims):
        logins = await read_many(claims)
        await reading.wait()
        return logins

    worker.broker.read_many = slow_read
    client = worker.open_client()
    client.send_token(worker.log_in("sid", "7", "editors"))
    await asyncio.sleep(0)  # One turn of the loop: the read has begun.
    worker.log_in("sid", "7")
    worker.monitor.channel_revoked("7", "group:editors")
    reading.set()
    await until(lambda: client.connection.channels == ("user:7", "broadcast"))


async def test_user_changed_during_the_check_is_read_again_after_it(worker):
    client, release = await checking(worker)
    worker.broker.write_user("7", UserRecord("digest-of-a-new-password"))
    worker.monitor.user_changed("7")
    release()
    await until(lambda: client.code is CloseCode.SESSION_UNKNOWN)


async def test_session_that_ended_during_the_check_is_read_again_after_it(worker):
    """It was read, then the link went, and with it the message; no audit comes to help."""
    client, release = await checking(worker)
    worker.broker.cut()
    worker.broker.delete_session("sid")
    worker.broker.mend()
    release()
    await until(lambda: client.code is CloseCode.SESSION_UNKNOWN)


async def test_session_is_closed_when_it_expires(worker):
    client = await worker.connect_client(ttl_s=20)
    worker.clock.advance(19)
    await settled(worker)
    assert client.code is None
    worker.clock.advance(2)
    await until(lambda: client.code in ENDINGS)


async def test_expired_session_of_a_visitor_requires_a_new_token(worker):
    client = await worker.connect_client(uid="", ttl_s=20)
    worker.clock.advance(21)
    await until(lambda: client.code is CloseCode.SESSION_UNKNOWN)


async def test_session_that_was_prolonged_is_not_closed(worker):
    client = await worker.connect_client(ttl_s=20)
    worker.log_in(ttl_s=1000)
    worker.clock.advance(30)
    await settled(worker)
    assert client.code is None


@asynccontextmanager
async def audited(clock, **limits: int) -> AsyncIterator[MemoryWorker]:
    """Run a worker whose audit hardly pauses."""
    worker = MemoryWorker(clock, audit_interval_s=0.01, **limits)
    auditing = asyncio.create_task(worker.monitor.audit())
    yield worker
    auditing.cancel()


async def test_audit_closes_sessions_without_a_control_message(clock):
    async with audited(clock) as worker:
        client, other = await worker.connect_client("a"), await worker.connect_client("b")
        worker.broker.delete_session("a")
        await until(lambda: client.code in ENDINGS)
        assert other.code is None


async def test_audit_keeps_no_closed_connection_alive(clock):
    async with audited(clock) as worker:
        client = await worker.connect_client()
        reads = count_reads(worker)
        await until(lambda: reads)
        connection = ref(client.connection)
        client.disconnect()
        del client
        await until(lambda: connection() is None)


async def test_audit_continues_after_redis_was_down(clock, caplog):
    async with audited(clock) as worker:
        client = await worker.connect_client()
        worker.broker.cut()
        await until(lambda: "event=revalidation_postponed" in caplog.text)
        assert client.code is None
        worker.broker.delete_session("sid")
        worker.broker.is_live = True
        await until(lambda: client.code in ENDINGS)


async def test_audit_reads_all_in_chunks(clock):
    async with audited(clock, max_connections=MAX_BATCH + 1, max_per_user=MAX_BATCH + 1) as worker:
        for number in range(MAX_BATCH + 1):
            await worker.connect_client(f"sid{number}")
        reads = count_reads(worker)
        await until(lambda: MAX_BATCH in reads and 1 in reads)
        assert max(reads) == MAX_BATCH
