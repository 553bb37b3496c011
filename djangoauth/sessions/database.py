"""What the two engines that keep sessions in the database share."""

from collections.abc import Callable
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import router, transaction
from django.utils import timezone

from .mirror import IdentityMirror
from .records import record_of, remove_listed


class DatabaseMirror(IdentityMirror, DatabaseStore):
    """Mirror what the database has committed."""

    @classmethod
    def end_logins(cls, uid: str) -> None:
        """End every session of a user; decodes every live session, for the table has no user."""
        rows = cls.get_model_class().objects.filter(expire_date__gt=timezone.now())
        decode = cls().decode
        for row in rows.only("session_key", "session_data").iterator():
            if record_of(decode(row.session_data)).user == uid:
                cls(row.session_key).delete()
        remove_listed(uid)

    def _when_kept(self, act: Callable[[], Any]) -> None:
        transaction.on_commit(act, using=router.db_for_write(self.model))
