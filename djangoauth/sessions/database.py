"""What the two engines that keep sessions in the database share.

Strategy: a row may also be deleted behind the engine's back, in the admin or by
``Session.objects.all().delete()``, the well-known way to log everybody out. A receiver ends such
sessions; what the engine deletes itself, it tells of itself.
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

from ..heirs import heirs_of
from .mirror import IdentityMirror
from .records import Removal, record_of, remove_listed

_is_deleted_by_engine = ContextVar("is_deleted_by_engine", default=False)


class DatabaseMirror(IdentityMirror, DatabaseStore):
    """Mirror what the database has committed."""

    @classmethod
    def watch_rows(cls) -> None:
        """End sessions from now on whose rows are deleted by others."""
        for model in heirs_of(cls.get_model_class()):
            post_delete.connect(_end_deleted, sender=model, dispatch_uid="djangoauth")

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user; decodes every live session, for the table has no user."""
        rows = _kept(cls.get_model_class()).filter(expire_date__gt=timezone.now())
        decode = cls().decode
        for row in rows.only("session_key", "session_data").iterator():
            if record_of(decode(row.session_data)).user == uid:
                cls(row.session_key).delete()
        remove_listed(uid)

    @classmethod
    def clear_expired(cls) -> None:
        """Delete expired rows without looking at each: their mirrors have ended by themselves."""
        expired = _kept(cls.get_model_class()).filter(expire_date__lt=timezone.now())
        expired._raw_delete(expired.db)

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do as ``clear_expired``."""
        await sync_to_async(cls.clear_expired)()

    def delete(self, session_key: str | None = None) -> None:
        """End the session, and with it its connections."""
        with _deleting():
            super().delete(session_key)

    async def adelete(self, session_key: str | None = None) -> None:
        """Do as ``delete``."""
        with _deleting():
            await super().adelete(session_key)

    def cycle_key(self) -> None:
        """Go on under a new key; connections follow."""
        with _deleting():
            super().cycle_key()

    async def acycle_key(self) -> None:
        """Do as ``cycle_key``."""
        with _deleting():
            await super().acycle_key()

    def _seconds_left(self) -> int:
        rows = _kept(self.model).filter(pk=self.session_key)
        ends_at = rows.values_list("expire_date", flat=True).first()
        left_s = (ends_at - timezone.now()).total_seconds() if ends_at else 0
        return max(int(left_s), 0)

    def _when_kept(self, act: Callable[[], Any]) -> None:
        transaction.on_commit(act, using=router.db_for_write(self.model))


def _kept(model: type[AbstractBaseSession]) -> "QuerySet[AbstractBaseSession]":
    """Give the rows where they are written: a replica may still have one that has ended."""
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
        transaction.on_commit(partial(Removal(instance.session_key).now), using=using)
