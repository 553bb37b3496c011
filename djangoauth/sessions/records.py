"""Session records: how a Django session becomes one, and how it is written and removed.

Pipelines and scripts are what sync and asyncio clients share; the keys of one command never span
two slots, and their order is such that a crash in between leaves too little access, never too
much: a session is listed before it exists, and removed before that is told. On a cluster the
commands of one pipeline go to their nodes side by side: a session that could not be listed may
exist there, but the save has failed, and no browser was given its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY

from gateway.wire.control import RevokeSession, SessionMoved, write_control
from gateway.wire.names import auth_digest, sid_of
from gateway.wire.records import (
    MOVED_S,
    SESSION_FIELDS,
    USER_FIELDS,
    USER_MARGIN_S,
    SessionRecord,
    read_session,
)

from .. import conf, redis_clients, users
from ..lua import END_RECORD, SAVE_SESSION

Mode = Literal["create", "update", "put"]
"""``create`` refuses a record that exists, ``update`` one that is gone, ``put`` takes any."""


def record_of(data: Mapping[str, Any]) -> SessionRecord:
    """Find who is logged in, from what is in the session."""
    user = str(data.get(SESSION_KEY) or "")
    return SessionRecord(user, auth_digest(data.get(HASH_SESSION_KEY) or "") if user else "")


@dataclass(frozen=True, slots=True)
class Save:
    """One save of a session record.

    Args:
        session_key: Django's; only its sid goes to Redis.
        record: who is logged in.
        ttl_s: seconds until the session ends.
        mode: what to make of a record that exists, or does not.
        data: the encoded session, with the native engine.
        age_s: what ``ttl_s`` becomes again when the session is used; 0 when its end is fixed.
    """

    session_key: str
    record: SessionRecord
    ttl_s: int
    mode: Mode
    data: str | None = None
    age_s: int = 0

    def now(self) -> bool:
        """Write the record; False when the mode refuses.

        A login that the user record does not know heals that record.

        Raises:
            redis.RedisError: it is not known whether it was written.
        """
        with redis_clients.records().pipeline(transaction=False) as pipe:
            self._queue(pipe)
            *before, is_saved = pipe.execute()
        if is_saved and self._is_stranger(before):
            users.heal(self.record.user, self._user_ttl_s)
        return bool(is_saved)

    async def anow(self) -> bool:
        """Do as ``now``, on the running loop's client."""
        client = await redis_clients.async_records()
        async with client.pipeline(transaction=False) as pipe:
            self._queue(pipe)
            *before, is_saved = await pipe.execute()
        if is_saved and self._is_stranger(before):
            await sync_to_async(users.heal)(self.record.user, self._user_ttl_s)
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
        # The pipeline of a cluster refuses ``eval``, but not the command.
        pipe.execute_command("EVAL", SAVE_SESSION, 1, *saved)

    def _queue_listing(self, pipe: Any, uid: str) -> None:
        names, now_s = conf.current().names, time()
        listing, user = names.user_sessions(uid), names.user(uid)
        pipe.zadd(listing, {sid_of(self.session_key): now_s + self.ttl_s})
        pipe.zremrangebyscore(listing, "-inf", now_s)
        pipe.expire(listing, self._user_ttl_s, nx=True)
        pipe.expire(listing, self._user_ttl_s, gt=True)
        pipe.expire(user, self._user_ttl_s, gt=True)
        pipe.hmget(user, USER_FIELDS)

    def _is_stranger(self, replies: list[Any]) -> bool:
        return bool(replies) and self.ttl_s > 0 and not users.knows(replies[-1], self.record)


@dataclass(frozen=True, slots=True)
class Removal:
    """One end of a session record; with ``moved_to`` its connections go on under that key.

    What a move leaves under the old key is no session and opens nothing: it tells a gateway that
    has not heard of the move where its connections belong.
    """

    session_key: str
    moved_to: str | None = None

    def now(self) -> bool:
        """Remove the record and tell the gateways; False when it was gone already.

        Raises:
            redis.RedisError: the record may still be there.
        """
        client: Any = redis_clients.records()
        user = client.eval(*self._script())
        if user:
            client.zrem(*self._listing(user))
        return user is not None

    async def anow(self) -> bool:
        """Do as ``now``, on the running loop's client."""
        client: Any = await redis_clients.async_records()
        user = await client.eval(*self._script())
        if user:
            await client.zrem(*self._listing(user))
        return user is not None

    def _script(self) -> tuple[Any, ...]:
        names, sid = conf.current().names, sid_of(self.session_key)
        if self.moved_to is None:
            told: tuple[Any, ...] = (write_control(RevokeSession(sid)),)
        else:
            new_sid = sid_of(self.moved_to)
            told = (write_control(SessionMoved(sid, new_sid)), new_sid, MOVED_S)
        return END_RECORD, 1, names.session(sid), names.control, *told

    def _listing(self, user: bytes) -> tuple[str, str]:
        return conf.current().names.user_sessions(user.decode()), sid_of(self.session_key)


def is_current(session_key: str, record: SessionRecord) -> bool:
    """Tell whether Redis knows the session as it is, and its user as one who may have it."""
    names = conf.current().names
    with redis_clients.records().pipeline(transaction=False) as pipe:
        pipe.hmget(names.session(sid_of(session_key)), SESSION_FIELDS)
        pipe.hmget(names.user(record.user), USER_FIELDS)
        (user, auth), user_fields = pipe.execute()
    is_known = not record.user or users.knows(user_fields, record)
    return is_known and read_session({"user": user, "auth": auth}) == record


def remove_listed(uid: str) -> None:
    """Remove every session record of a user.

    Until the list stays empty: a session that moves meanwhile is listed under its new key first.
    """
    names = conf.current().names
    while sids := _listed(uid):
        with redis_clients.records().pipeline(transaction=False) as pipe:
            for sid in sids:
                pipe.delete(names.session(sid))
            pipe.zrem(names.user_sessions(uid), *sids)
            pipe.execute()


def _listed(uid: str) -> list[str]:
    sids: list[Any] = redis_clients.records().zrange(conf.current().names.user_sessions(uid), 0, -1)
    return [sid.decode() for sid in sids]
