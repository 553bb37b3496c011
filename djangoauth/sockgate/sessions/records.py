"""Session records in Redis: made from a Django session, saved and removed.

Strategy: sync and asyncio clients share pipelines and scripts. The keys of one command never span
two slots. The commands are ordered so that a crash in between leaves too little access, never too
much: a session is listed for its user before its record exists, and is delisted after its record
is removed. On a cluster the commands of one pipeline run on their nodes in parallel. There, a
record may exist whose listing failed, but then the save fails, and no browser receives the key.
"""

from collections.abc import Mapping
from time import time
from typing import Any, Literal, NamedTuple, cast

from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from sockgate_gateway.wire.control import RevokeSession, SessionMoved, write_control
from sockgate_gateway.wire.names import auth_digest
from sockgate_gateway.wire.records import (
    MOVED_S,
    SESSION_FIELDS,
    USER_MARGIN_S,
    SessionRecord,
    read_session,
)

from .. import conf
from ..redis_clients import pools
from ..redis_clients.scripts import END_RECORD, SAVE_SESSION
from ..tenants import qualify, sid_of
from ..users import records

Mode = Literal["create", "update", "put"]
"""``create`` fails on a record that exists, ``update`` on a missing one, ``put`` on neither."""


def record_of(data: Mapping[str, Any]) -> SessionRecord:
    """Make the record of a session from its data."""
    user = str(data.get(SESSION_KEY) or "")
    if not user:
        return SessionRecord("", "")
    return SessionRecord(qualify(user), auth_digest(data.get(HASH_SESSION_KEY) or ""))


class Save(NamedTuple):
    """One save of a session record.

    Args:
        session_key: Django's; only its sid goes to Redis.
        record: the user and the digest of the password.
        ttl_s: seconds until the session ends.
        mode: whether a record must exist, must not exist, or may.
        data: the encoded session, for the ``redis`` engine; else None.
        age_s: seconds that the session lives again after each use; 0 when its end is fixed.
    """

    session_key: str
    record: SessionRecord
    ttl_s: int
    mode: Mode
    data: str | None = None
    age_s: int = 0

    def now(self) -> bool:
        """Write the record, and the user record where it lacks this login.

        Returns:
            False when the mode forbids it.

        Raises:
            redis.RedisError: Redis fails or does not answer; the record may have been written.
        """
        with pools.records().pipeline(transaction=False) as pipe:
            self._queue(pipe)
            *before, is_saved = pipe.execute()
        if is_saved and self._lacks_user_record(before):
            records.restore(self.record.user, self._user_ttl_s)
        return bool(is_saved)

    async def anow(self) -> bool:
        """Do as ``now``, with the client of the running loop."""
        client = await pools.async_records()
        async with client.pipeline(transaction=False) as pipe:
            self._queue(pipe)
            *before, is_saved = await pipe.execute()
        if is_saved and self._lacks_user_record(before):
            await sync_to_async(records.restore)(self.record.user, self._user_ttl_s)
        return bool(is_saved)

    @property
    def _user_ttl_s(self) -> int:
        return self.ttl_s + USER_MARGIN_S

    def _queue(self, pipe: Any) -> None:
        if self.record.user:
            self._queue_listing(pipe, self.record.user)
        names, sid = conf.current().names, sid_of(self.session_key)
        message = write_control(SessionMoved(sid, sid))
        fields = (self.record.user, self.record.auth, names.control, message)
        data = () if self.data is None else (self.data, self.age_s)
        saved = (names.session(sid), self.mode, self.ttl_s, *fields, *data)
        # The pipeline of a cluster has no ``eval``, but takes the command.
        pipe.execute_command("EVAL", SAVE_SESSION, 1, *saved)

    def _queue_listing(self, pipe: Any, uid: str) -> None:
        names, now_s = conf.current().names, time()
        listing, user = names.user_sessions(uid), names.user(uid)
        pipe.zadd(listing, {sid_of(self.session_key): now_s + self.ttl_s})
        pipe.zremrangebyscore(listing, "-inf", now_s)
        pipe.expire(listing, self._user_ttl_s, nx=True)
        pipe.expire(listing, self._user_ttl_s, gt=True)
        pipe.expire(user, self._user_ttl_s, gt=True)
        pipe.hmget(user, records.LOGIN_FIELDS)

    def _lacks_user_record(self, replies: list[Any]) -> bool:
        return bool(replies) and self.ttl_s > 0 and not records.has_login(replies[-1], self.record)


class Removal(NamedTuple):
    """One removal of a session record.

    Args:
        session_key: Django's.
        moved_to: the new key of the session, whose connections stay open; None: it ends.

    A move leaves the new sid under the old key for ``MOVED_S`` seconds. It is not a session and
    gives no access. A gateway that missed the control message finds the new session by it.
    """

    session_key: str
    moved_to: str | None = None

    def now(self) -> bool:
        """Remove the record and notify the gateways.

        Returns:
            False when there was no record.

        Raises:
            redis.RedisError: Redis fails or does not answer; the record may still be there.
        """
        client: Any = pools.records()
        user = client.eval(*self._script())
        if user:
            client.zrem(*self._listing(user))
        return user is not None

    async def anow(self) -> bool:
        """Do as ``now``, with the client of the running loop."""
        client: Any = await pools.async_records()
        user = await client.eval(*self._script())
        if user:
            await client.zrem(*self._listing(user))
        return user is not None

    def _script(self) -> tuple[Any, ...]:
        names, sid = conf.current().names, sid_of(self.session_key)
        if self.moved_to is None:
            notice: tuple[Any, ...] = (write_control(RevokeSession(sid)),)
        else:
            new_sid = sid_of(self.moved_to)
            notice = (write_control(SessionMoved(sid, new_sid)), new_sid, MOVED_S)
        return END_RECORD, 1, names.session(sid), names.control, *notice

    def _listing(self, user: bytes) -> tuple[str, str]:
        return conf.current().names.user_sessions(user.decode()), sid_of(self.session_key)


def is_current(session_key: str, record: SessionRecord) -> bool:
    """Check that Redis has this record of the session, and a user record with this login."""
    names = conf.current().names
    with pools.records().pipeline(transaction=False) as pipe:
        pipe.hmget(names.session(sid_of(session_key)), SESSION_FIELDS)
        pipe.hmget(names.user(record.user), records.LOGIN_FIELDS)
        (user, auth), user_fields = pipe.execute()
    has_user = not record.user or records.has_login(user_fields, record)
    return has_user and read_session({"user": user, "auth": auth}) == record


def remove_listed(uid: str) -> None:
    """Remove every listed session record of a user.

    It repeats until the list is empty: a session that moves is listed under its new key first.
    """
    names = conf.current().names
    while sids := listed(uid):
        with pools.records().pipeline(transaction=False) as pipe:
            for sid in sids:
                pipe.delete(names.session(sid))
            pipe.zrem(names.user_sessions(uid), *sids)
            pipe.execute()


def remove_sid(sid: str) -> None:
    """Remove one session record by its sid, and notify the gateways."""
    names, client = conf.current().names, cast(Any, pools.records())
    notice = write_control(RevokeSession(sid))
    user = client.eval(END_RECORD, 1, names.session(sid), names.control, notice)
    if user:
        client.zrem(names.user_sessions(user.decode()), sid)


def listed(uid: str) -> list[str]:
    """Return the sids of a user's sessions; some may have expired."""
    sids: list[Any] = pools.records().zrange(conf.current().names.user_sessions(uid), 0, -1)
    return [sid.decode() for sid in sids]
