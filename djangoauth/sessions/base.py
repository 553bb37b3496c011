"""What every session engine of ours can do beside what Django asks of it."""

from abc import abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase


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
        """Heal what Redis has lost, or has never known, of this live session and its user.

        Raises:
            redis.RedisError: Redis cannot be asked.
        """

    @classmethod
    def watch_rows(cls) -> None:
        """End sessions from now on that others delete where the engine keeps them."""

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user, whose pk is ``uid`` as text.

        Raises:
            NotImplementedError: the engine cannot find them.
        """
        raise NotImplementedError(f"{cls.__module__} cannot find the sessions of a user")


def recorded_engine() -> type[RecordedSession] | None:
    """Give the project's session engine, unless the gateway cannot see its logins."""
    try:
        engine = import_module(settings.SESSION_ENGINE).SessionStore
    except (ImportError, AttributeError):
        return None
    return engine if issubclass(engine, RecordedSession) else None
