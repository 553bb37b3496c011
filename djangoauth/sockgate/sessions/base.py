"""``RecordedSession``: the base of Sockgate's session engines.

A session that Sockgate starts for the token of an anonymous visitor lives
``ANONYMOUS_SESSION_AGE`` seconds. ``VISITOR_KEY`` in its data marks it. When the site stores
anything else in it, or the visitor logs in, it has the age of any other Django session.

As in Django, the expiry methods do not load the session when they get an ``expiry``: ``cached_db``
calls them so while it loads a session that is not in the cache.
"""

from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from .. import conf

VISITOR_KEY = "_sockgate_visitor"
_CSRF_KEY = "_csrftoken"
"""Where Django keeps a visitor's CSRF token under ``CSRF_USE_SESSIONS``."""


class RecordedSession(SessionBase):
    """A session whose identity the gateway can read in Redis."""

    if TYPE_CHECKING:  # Django's, and missing in django-stubs.
        _session: dict[str, Any]
        _session_cache: dict[str, Any]

        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...
        async def _aget_session(self, no_load: bool = False) -> dict[str, Any]: ...
        def _get_new_session_key(self) -> str: ...
        async def _aget_new_session_key(self) -> str: ...

    @abstractmethod
    def ensure_recorded(self) -> None:
        """Write the records of this live session and its user, where Redis lacks them.

        Raises:
            redis.RedisError: Redis fails or does not answer.
        """

    @abstractmethod
    def seconds_left(self) -> int:
        """Return the seconds until this session ends as it is stored; 0 when it is gone.

        Raises:
            redis.RedisError: Redis fails or does not answer.
        """

    def mark_visitor(self) -> None:
        """Mark the session as a visitor's, which ends soon while it holds nothing else."""
        self[VISITOR_KEY] = 1

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return the seconds until the session ends; ``ANONYMOUS_SESSION_AGE`` for a visitor's."""
        if "expiry" not in kwargs:
            kwargs |= _visitor_age(self.keys())
        return super().get_expiry_age(**kwargs)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return the time at which the session ends."""
        if "expiry" not in kwargs:
            kwargs |= _visitor_age(self.keys())
        return super().get_expiry_date(**kwargs)

    async def aget_expiry_age(self, **kwargs: Any) -> int:
        """Do as ``get_expiry_age``."""
        if "expiry" not in kwargs:
            kwargs |= _visitor_age(await self.akeys())
        return await super().aget_expiry_age(**kwargs)

    async def aget_expiry_date(self, **kwargs: Any) -> datetime:
        """Do as ``get_expiry_date``."""
        if "expiry" not in kwargs:
            kwargs |= _visitor_age(await self.akeys())
        return await super().aget_expiry_date(**kwargs)

    @classmethod
    def watch_rows(cls) -> None:
        """From now on, end sessions whose rows are deleted without the engine."""

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user.

        Args:
            uid: of the current tenant, as ``wire_uid`` gives it.

        Raises:
            NotImplementedError: the engine cannot find the sessions of a user.
        """
        raise NotImplementedError(f"{cls.__module__} cannot find the sessions of a user")

    @classmethod
    def end_logins_with(cls, uid: str, key: str, value: str) -> None:
        """End the sessions of a user whose data has this value under a key.

        Args:
            uid: as for ``end_logins``.
            key: of the session's data.
            value: what the data has there.

        Raises:
            NotImplementedError: the engine cannot find the sessions of a user.
        """
        raise NotImplementedError(f"{cls.__module__} cannot find the sessions of a user")


def ends_at_a_date(data: Any) -> bool:
    """Check a session, or its data, for the date of ``set_expiry``, which no request prolongs.

    Django stores it as a text.
    """
    return isinstance(data.get("_session_expiry"), str | datetime)


def _visitor_age(keys: Collection[str]) -> dict[str, Any]:
    """Return the ``expiry`` option of a session with these keys; nothing unless a visitor's."""
    is_visitors = VISITOR_KEY in keys and {VISITOR_KEY, _CSRF_KEY}.issuperset(keys)
    return {"expiry": conf.current().anonymous_session_age} if is_visitors else {}


def recorded_engine() -> type[RecordedSession] | None:
    """Return the project's session engine; None when the gateway cannot read its logins."""
    try:
        engine = import_module(settings.SESSION_ENGINE).SessionStore
    except (ImportError, AttributeError):
        return None
    return engine if issubclass(engine, RecordedSession) else None
