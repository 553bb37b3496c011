"""``DatabaseMirror``: the part that the ``db`` and ``cached_db`` engines share.

Strategy: a row may also be deleted without the engine, in the admin or by
``Session.objects.all().delete()``, which many projects use to log out all users. A ``post_delete``
receiver ends such sessions. It ignores rows that the engine deletes, because the engine notifies
the gateways itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import router, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.utils import timezone

from ..tenants import pinned
from ..users import outdated
from ..users.subclasses import subclasses_of
from .mirror import IdentityMirror
from .records import Removal, record_of, remove_listed

_DELETED = "The deletion of a session is"
_is_deleted_by_engine = ContextVar("is_deleted_by_engine", default=False)


class DatabaseMirror(IdentityMirror, DatabaseStore):
    """Mirror committed sessions of the database into Redis."""

    @classmethod
    def watch_rows(cls) -> None:
        """From now on, end sessions whose rows are deleted without the engine."""
        for model in subclasses_of(cls.get_model_class()):
            post_delete.connect(_end_deleted, sender=model, dispatch_uid="sockgate")

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user.

        It decodes every live session, because the table has no column for the user.
        """
        for session_key, _ in cls._logins_of(uid):
            cls(session_key).delete()
        remove_listed(uid)

    @classmethod
    def end_logins_with(cls, uid: str, key: str, value: str) -> None:
        """End the sessions of a user whose data has this value under a key.

        It decodes every live session, as ``end_logins`` does.
        """
        for session_key, data in cls._logins_of(uid):
            if data.get(key) == value:
                cls(session_key).delete()

    @classmethod
    def _logins_of(cls, uid: str) -> Iterator[tuple[str, dict[str, Any]]]:
        rows = _rows(cls.get_model_class()).filter(expire_date__gt=timezone.now())
        decode = cls().decode
        for row in rows.only("session_key", "session_data").iterator():
            data = decode(row.session_data)
            if record_of(data).user == uid:
                yield row.session_key, data

    @classmethod
    def clear_expired(cls) -> None:
        """Delete expired rows in one query: their records in Redis have expired by themselves."""
        expired = _rows(cls.get_model_class()).filter(expire_date__lt=timezone.now())
        expired._raw_delete(expired.db)

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do as ``clear_expired``."""
        await sync_to_async(cls.clear_expired)()

    def delete(self, session_key: str | None = None) -> None:
        """End the session; its connections are closed."""
        with _deleting():
            super().delete(session_key)

    async def adelete(self, session_key: str | None = None) -> None:
        """Do as ``delete``."""
        with _deleting():
            await super().adelete(session_key)

    def cycle_key(self) -> None:
        """Move the session to a new key; its connections stay open."""
        with _deleting():
            super().cycle_key()

    async def acycle_key(self) -> None:
        """Do as ``cycle_key``."""
        with _deleting():
            await super().acycle_key()

    def _seconds_left(self) -> int:
        rows = _rows(self.model).filter(pk=self.session_key)
        ends_at = rows.values_list("expire_date", flat=True).first()
        left_s = (ends_at - timezone.now()).total_seconds() if ends_at else 0
        return max(int(left_s), 0)

    def _when_committed(self, act: Callable[[], Any]) -> None:
        transaction.on_commit(pinned(act), using=router.db_for_write(self.model))


def _rows(model: type[AbstractBaseSession]) -> "QuerySet[AbstractBaseSession]":
    """Query the database to which rows are written: a replica may have rows that have ended."""
    return model._default_manager.using(router.db_for_write(model))


@contextmanager
def _deleting() -> Iterator[None]:
    token = _is_deleted_by_engine.set(True)
    try:
        yield
    finally:
        _is_deleted_by_engine.reset(token)


def _end_deleted(*, instance: AbstractBaseSession, using: str, **_: Any) -> None:
    if not _is_deleted_by_engine.get():
        end = Removal(instance.session_key).now
        transaction.on_commit(pinned(partial(outdated.write, _DELETED, end)), using=using)
