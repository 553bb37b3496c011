"""The ``redis`` session engine: the session record in Redis is the session.

Set ``SESSION_ENGINE = "sockgate.sessions.redis"``. Redis has the sid, never the session key, so
that a reader of Redis cannot make a cookie. Redis deletes expired sessions itself.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from .. import conf
from ..redis_clients import pools
from ..tenants import sid_of
from ..users import records
from .base import RecordedSession, ends_at_a_date
from .records import Removal, Save, is_current, listed, record_of, remove_listed, remove_sid


class SessionStore(RecordedSession):
    """A Django session in a Redis hash: ``user``, ``auth``, and, encoded by Django, ``data``."""

    def load(self) -> dict[str, Any]:
        """Read the session; a missing session loses its key."""
        return self._loaded(pools.records().hget(self._record_key(), "data"))

    async def aload(self) -> dict[str, Any]:
        """Do as ``load``."""
        client = await pools.async_records()
        return self._loaded(await client.hget(self._record_key(), "data"))

    def exists(self, session_key: str) -> bool:
        """Check that there is a session under this key."""
        return bool(pools.records().hexists(_record_key(session_key), "data"))

    async def aexists(self, session_key: str) -> bool:
        """Do as ``exists``."""
        client = await pools.async_records()
        return bool(await client.hexists(_record_key(session_key), "data"))

    def create(self) -> None:
        """Save under a new key."""
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    async def acreate(self) -> None:
        """Do as ``create``."""
        while True:
            self._session_key = await self._aget_new_session_key()
            try:
                await self.asave(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write the session.

        Raises:
            CreateError: ``must_create``, and the key is taken.
            UpdateError: the session was deleted in between; it stays deleted.
        """
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)
        if not self._save_of(data, must_create).now():
            raise CreateError if must_create else UpdateError
        return None

    async def asave(self, must_create: bool = False) -> None:
        """Do as ``save``."""
        if self.session_key is None:
            return await self.acreate()
        data = await self._aget_session(no_load=must_create)
        if not await self._save_of(data, must_create).anow():
            raise CreateError if must_create else UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End the session; its connections are closed."""
        key = self.session_key if session_key is None else session_key
        if key is not None:
            Removal(key).now()

    async def adelete(self, session_key: str | None = None) -> None:
        """Do as ``delete``."""
        key = self.session_key if session_key is None else session_key
        if key is not None:
            await Removal(key).anow()

    def cycle_key(self) -> None:
        """Move the session to a new key; its connections stay open.

        Raises:
            SessionInterrupted: the login ended in between, and must not return.
        """
        data = self._session
        old_key = self.session_key
        self.create()
        self._session_cache = data
        if old_key and not Removal(old_key, self.session_key).now() and record_of(data).user:
            self.delete()
            raise SessionInterrupted("The session ended while its key was changed.")

    async def acycle_key(self) -> None:
        """Do as ``cycle_key``."""
        data = await self._aget_session()
        old_key = self.session_key
        await self.acreate()
        self._session_cache = data
        was_there = not old_key or await Removal(old_key, self.session_key).anow()
        if not was_there and record_of(data).user:
            await self.adelete()
            raise SessionInterrupted("The session ended while its key was changed.")

    def ensure_recorded(self) -> None:
        """Write the user record where it lacks this login; the session is its own record."""
        record = record_of(self)
        if self.session_key and record.user and not is_current(self.session_key, record):
            records.restore(record.user, int(self.get_expiry_age()))

    def seconds_left(self) -> int:
        """Return the seconds until this session ends as it is stored; 0 when it is gone."""
        return max(int(pools.records().ttl(self._record_key())), 0)

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user."""
        remove_listed(uid)

    @classmethod
    def end_logins_with(cls, uid: str, key: str, value: str) -> None:
        """End the sessions of a user whose data has this value under a key."""
        names, decode = conf.current().names, cls().decode
        checked: set[str] = set()
        # A session that moves meanwhile is listed under its new key first.
        while sids := [sid for sid in listed(uid) if sid not in checked]:
            for sid in sids:
                encoded: Any = pools.records().hget(names.session(sid), "data")
                if encoded and decode(encoded.decode()).get(key) == value:
                    remove_sid(sid)
            checked.update(sids)

    @classmethod
    def clear_expired(cls) -> None:
        """Do nothing: Redis deletes expired sessions."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do nothing: Redis deletes expired sessions."""

    def _record_key(self) -> str:
        return _record_key(self.session_key)

    def _loaded(self, encoded: Any) -> dict[str, Any]:
        if encoded is None:
            self._session_key = None
            return {}
        return self.decode(encoded.decode())

    def _save_of(self, data: Mapping[str, Any], must_create: bool) -> Save:
        ttl_s = int(self.get_expiry_age())
        return Save(
            session_key=str(self.session_key),
            record=record_of(data),
            ttl_s=ttl_s,
            mode="create" if must_create else "update",
            data=self.encode(dict(data)),
            age_s=0 if ends_at_a_date(data) else ttl_s,
        )


def _record_key(session_key: str | None) -> str:
    return conf.current().names.session(sid_of(session_key or ""))
