"""Sessions with a pending change of the password hash or of the key.

Strategy: a site that changes a password saves the user first and its own session a moment later. A
site that sends a mail in between does so much later. Until then, the session looks like any other
session that the new password has ended. If ``request.user`` is read then, Django flushes the
session, and the site's second save finds nothing. So for ``CHANGE_PENDING_S`` seconds, such a
session is not reported as ended, and ``request.user`` is not read. The key may change as well. Then
the browser sends the old cookie until it has the site's response.
"""

from time import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from sockgate_gateway.wire.records import SessionRecord

from .. import conf
from ..redis_clients import pools
from ..tenants import sid_of
from .base import RecordedSession
from .records import record_of

CHANGE_PENDING_S = 30
"""The time that a request may take between saving the user and saving the session."""


def is_change_pending(request: HttpRequest) -> bool:
    """Check that the session of a request has a pending change, so that it may not have ended.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    session = request.session
    if not isinstance(session, RecordedSession):
        return False
    record = record_of(session)  # Loads the session; a missing one loses its key.
    if record.user:
        return _has_former_hash(record)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return session.session_key is None and bool(key) and _has_moved(str(key))


def _has_former_hash(record: SessionRecord) -> bool:
    names = conf.current().names
    fields: Any = pools.records().hmget(names.user(record.user), "auth", "changed")
    auth, changed = ((field or b"").decode() for field in fields)
    has_changed = bool(changed) and time() - float(changed) < CHANGE_PENDING_S
    return has_changed and record.auth not in auth.split()


def _has_moved(key: str) -> bool:
    return bool(pools.records().hexists(conf.current().names.session(sid_of(key)), "moved"))
