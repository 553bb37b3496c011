"""Any session engine, with the identity mirrored into Redis.

To wrap an engine of your own, put the mixin before it, in a module that ``SESSION_ENGINE`` names::

    class SessionStore(IdentityMirror, my_engine.SessionStore):
        pass

and define ``end_logins`` if ``revoke_user`` shall work, ``_when_kept`` if the engine writes in
transactions, and ``_seconds_left`` if it knows when a session ends that was saved some time ago.

Strategy: the engine is the truth. A grant may wait: a save that Redis does not hear is logged, and
healed by the next token. An end may not: Redis is told first, so that a logout which cannot reach
it fails whole; and once more when the engine has forgotten the session, for a token that was
issued in between has mirrored it again. A change of key ends the old one, so it may not wait
either; but who logs in has only been a stranger under the old one, and need not be kept out.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis import RedisError

from .base import RecordedSession
from .records import Mode, Removal, Save, is_current, record_of

log = logging.getLogger("djangoauth")


class IdentityMirror(RecordedSession):
    """Mirror who is logged in, of each session that the wrapped engine keeps."""

    def save(self, must_create: bool = False) -> None:
        """Save with the wrapped engine, then mirror."""
        if self.session_key is None:
            return self.create()
        super().save(must_create)
        save = self._mirroring("put" if must_create else "update")
        return self._when_kept(partial(_try_to, save.now))

    async def asave(self, must_create: bool = False) -> None:
        """Do as ``save``."""
        if self.session_key is None:
            return await self.acreate()
        await super().asave(must_create)
        save = self._mirroring("put" if must_create else "update")
        return await _atry_to(save.anow)

    def delete(self, session_key: str | None = None) -> None:
        """End the session, and with it its connections."""
        key = self.session_key if session_key is None else session_key
        if key is None:
            return
        Removal(key).now()
        super().delete(key)
        self._when_kept(Removal(key).now)

    async def adelete(self, session_key: str | None = None) -> None:
        """Do as ``delete``."""
        key = self.session_key if session_key is None else session_key
        if key is None:
            return
        await Removal(key).anow()
        await super().adelete(key)
        await Removal(key).anow()

    def cycle_key(self) -> None:
        """Go on under a new key; connections follow."""
        data = self._session
        old_key = self.session_key
        self.create()
        self._session_cache = data
        if old_key:
            super().delete(old_key)
            move = Removal(old_key, self.session_key).now
            self._when_kept(move if record_of(data).user else partial(_try_to, move))

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
        """Mirror a session that Redis does not know, and heal its user's record."""
        key, record = self.session_key, record_of(self)
        if key is None or is_current(key, record):
            return
        left_s = self._seconds_left()
        if left_s:
            Save(key, record, left_s, "put").now()
        # Who ends the session forgets it first and tells Redis last: one of us two sees the other.
        if not left_s or not self._seconds_left():
            Removal(key).now()

    def _seconds_left(self) -> int:
        """Tell how long the engine will keep the session, which was saved some time ago; 0: gone.

        Here, at most as long as if it were saved now: not every engine can tell.
        """
        is_kept = self.exists(str(self.session_key))
        return int(self.get_expiry_age()) if is_kept else 0

    def _mirroring(self, mode: Mode) -> Save:
        return Save(str(self.session_key), record_of(self), int(self.get_expiry_age()), mode)

    def _when_kept(self, act: Callable[[], Any]) -> None:
        """Act when the engine's last write is there to stay: here, at once."""
        act()


def _try_to(act: Callable[[], bool]) -> None:
    try:
        act()
    except RedisError:
        log.exception("A session could not be mirrored; its next token heals it")


async def _atry_to(act: Callable[[], Awaitable[bool]]) -> None:
    try:
        await act()
    except RedisError:
        log.exception("A session could not be mirrored; its next token heals it")
