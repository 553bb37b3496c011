"""A login for a program: a session of a user that ends with the program."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from ..sessions.base import RecordedSession, recorded_engine

MAX_AGE_S = 24 * 3600
"""The lifetime of a session whose program was killed."""


@contextmanager
def temporary_request(user: Any) -> Iterator[HttpRequest]:
    """Return a request with a login of a user, for ``issue_token`` and ``issue_grant``.

    No signal is sent: ``last_login`` of the user stays. At the end the session is deleted.

    Raises:
        ImproperlyConfigured: the session engine is not Sockgate's.
        redis.RedisError: Redis fails or does not answer.
    """
    request = HttpRequest()
    request.user = user
    request.session = session = _session_of(user)
    session.save()
    try:
        yield request
    finally:
        session.delete()


def _session_of(user: Any) -> RecordedSession:
    engine = recorded_engine()
    if engine is None:
        raise ImproperlyConfigured(f"SESSION_ENGINE {settings.SESSION_ENGINE!r} is not Sockgate's.")
    session = engine()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(MAX_AGE_S)
    return session
