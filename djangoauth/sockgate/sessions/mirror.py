"""``IdentityMirror``: any session engine, with the login mirrored into Redis.

To wrap your own engine, put the mixin before it, in the module that ``SESSION_ENGINE`` names::

    class SessionStore(IdentityMirror, my_engine.SessionStore):
        pass

Define ``end_logins`` for ``revoke_user``, ``_when_committed`` for an engine that writes in
transactions, and ``_seconds_left`` for an engine that stores when a session ends.

Strategy: the wrapped engine is the authority, and Redis a copy.

* A save may be late. When Redis does not answer, the error is logged, and the next token writes the
  record.
* A deletion must not be late. The record is removed first, so that a logout without Redis fails as
  a whole. It is removed once more after the engine's deletion, because a token issued in between
  writes it again.
* A change of key ends the old session, so it must not be late either. At a login the old session
  was anonymous, so there an error is only logged.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .. import conf
from ..redis_clients import redis_errors
from ..redis_clients.time_budget import time_budget
from .base import RecordedSession
from .records import Mode, Removal, Save, is_current, record_of

log = logging.getLogger("sockgate")


class IdentityMirror(RecordedSession):
    """Mirror the login of each session that the wrapped engine saves."""

    def save(self, must_create: bool = False) -> None:
        """Save with the wrapped engine, then mirror."""
        if self.session_key is None:
            return self.create()
        super().save(must_create)
        save = self._mirroring("put" if must_create else "update")
        return self._when_committed(partial(_try_to, save.now))

    async def asave(self, must_create: bool = False) -> None:
        """Do as ``save``."""
        if self.session_key is None:
            return await self.acreate()
        await super().asave(must_create)
        save = self._mirroring("put" if must_create else "update")
        return await _atry_to(save.anow)

    def delete(self, session_key: str | None = None) -> None:
        """End the session; its connections are closed."""
        key = self.session_key if session_key is None else session_key
        if key is None:
            return
        Removal(key).now()
        super().delete(key)
        self._when_committed(Removal(key).now)

    async def adelete(self, session_key: str | None = None) -> None:
        """Do as ``delete``."""
        key = self.session_key if session_key is None else session_key
        if key is None:
            return
        await Removal(key).anow()
        await super().adelete(key)
        await Removal(key).anow()

    def cycle_key(self) -> None:
        """Move the session to a new key; its connections stay open."""
        data = self._session
        old_key = self.session_key
        self.create()
        self._session_cache = data
        if old_key:
            super().delete(old_key)
            move = Removal(old_key, self.session_key).now
            self._when_committed(move if record_of(data).user else partial(_try_to, move))

    async def acycle_key(self) -> None:
        """Do as ``cycle_key``."""
        data = await self._aget_session()
        old_key = self.session_key
        await self.acreate()
        self._session_cache = data
        if old_key:
            await super().adelete(old_key)
            move = Removal(old_key, self.session_key).anow
            await (move() if record_of(data).user else _atry_to(move))

    def ensure_recorded(self) -> None:
        """Write the records of the session and its user, where Redis lacks them."""
        key, record = self.session_key, record_of(self)
        if key is None or is_current(key, record):
            return
        left_s = self._seconds_left()
        if left_s:
            Save(key, record, left_s, "put").now()
        # A deletion removes the row first and the record last. So either this process sees that the
        # row is gone, or the deletion removes the record that was just written.
        if not left_s or not self._seconds_left():
            Removal(key).now()

    def seconds_left(self) -> int:
        """Return the seconds until this session ends as it is stored; 0 when it is gone."""
        return 0 if self.session_key is None else self._seconds_left()

    def _seconds_left(self) -> int:
        """Return the seconds until the session ends; 0 when it is gone.

        An engine may not store when a session ends. This default returns the seconds from now on,
        as for a session that is saved now.
        """
        is_there = self.exists(str(self.session_key))
        return int(self.get_expiry_age()) if is_there else 0

    def _mirroring(self, mode: Mode) -> Save:
        return Save(str(self.session_key), record_of(self), int(self.get_expiry_age()), mode)

    def _when_committed(self, act: Callable[[], Any]) -> None:
        """Run an action when the engine's last write is committed; by default at once."""
        act()


def _try_to(act: Callable[[], bool]) -> None:
    try:
        with time_budget(conf.current().page_timeout):
            act()
    except redis_errors.RedisError as error:
        log.warning("A session could not be mirrored; its next token mirrors it: %s", error)


async def _atry_to(act: Callable[[], Awaitable[bool]]) -> None:
    try:
        with time_budget(conf.current().page_timeout):
            await act()
    except redis_errors.RedisError as error:
        log.warning("A session could not be mirrored; its next token mirrors it: %s", error)
