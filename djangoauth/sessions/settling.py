"""Sessions that are about to go on under another hash or key: whoever asks must ask again.

Strategy: a site that changes a password saves the user first and its own session a moment later,
and a slow one, which sends a mail in between, much later. Meanwhile that session looks like any
other that the new password has ended; and Django, if it is asked for the request's user, flushes
it, so that the site's second save finds nothing. So for a while nobody is told that such a
session has ended, nor is Django asked. Its key may change as well: then the browser goes on
showing the old one until the site's answer reaches it.
"""

from time import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from gateway.wire.names import sid_of
from gateway.wire.records import SessionRecord

from .. import conf, redis_clients
from .base import RecordedSession
from .records import record_of

SETTLING_S = 30
"""For how long; a request that takes longer than this between its saves is at fault itself."""


def is_settling(request: HttpRequest) -> bool:
    """Tell whether it is too early to say that the session of a request has ended.

    Raises:
        redis.RedisError: Redis cannot be asked.
    """
    session = request.session
    if not isinstance(session, RecordedSession):
        return False
    record = record_of(session)  # Loads it: one that is gone loses its key.
    if record.user:
        return _is_under_a_former_hash(record)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return session.session_key is None and bool(key) and _has_moved(str(key))


def _is_under_a_former_hash(record: SessionRecord) -> bool:
    names = conf.current().names
    fields: Any = redis_clients.records().hmget(names.user(record.user), "auth", "changed")
    auth, changed = ((field or b"").decode() for field in fields)
    has_changed = bool(changed) and time() - float(changed) < SETTLING_S
    return has_changed and record.auth not in auth.split()


def _has_moved(key: str) -> bool:
    return bool(redis_clients.records().hexists(conf.current().names.session(sid_of(key)), "moved"))
