"""Issuing tokens: the page's proof, to the gateway, of a Django session."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from gateway.wire.names import sid_of
from gateway.wire.tokens import Token, TokenSigner

from . import conf, namespaces
from .errors import SessionSettling
from .sessions.base import RecordedSession
from .sessions.records import record_of
from .sessions.settling import is_settling


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, and the seconds for which the gateway takes it."""

    text: str
    expires_in_s: int


def issue_token(request: HttpRequest) -> IssuedToken | None:
    """Issue a token for the session of a request, and heal what Redis has lost of it.

    An anonymous visitor gets a session if he has none.

    Returns:
        None for an anonymous visitor, unless ``SOCKGATE["ANONYMOUS"]``.

    Raises:
        ImproperlyConfigured: there is no signing key, or the session engine is not ours.
        SessionSettling: as for ``session_of``.
        redis.RedisError: Redis cannot be asked.
    """
    session = session_of(request)
    if session is None:
        return None
    token = Token(sid_of(str(session.session_key)), record_of(session).user or None)
    return IssuedToken(_signer(signing_keys()).issue(token), conf.current().token_max_age)


def session_of(request: HttpRequest) -> RecordedSession | None:
    """Give the session of a request, such as the gateway can see it.

    Returns:
        None for an anonymous visitor, unless ``SOCKGATE["ANONYMOUS"]``.

    Raises:
        SessionSettling: it may go on under another password or key; nobody knows yet.
    """
    if is_settling(request):
        raise SessionSettling
    if not conf.current().anonymous and not request.user.is_authenticated:
        return None
    session = _recorded(request.session)
    if session.session_key is None:
        session.save()
    session.ensure_recorded()
    namespaces.ensure_synced()
    return session


def signing_keys() -> tuple[str, ...]:
    """Give the keys that sign tokens and grants, of which there must be one."""
    keys = conf.current().signing_keys
    if not keys:
        raise ImproperlyConfigured('SOCKGATE["SIGNING_KEYS"] is empty.')
    return keys


def _recorded(session: Any) -> RecordedSession:
    if not isinstance(session, RecordedSession):
        raise ImproperlyConfigured(f"SESSION_ENGINE {settings.SESSION_ENGINE!r} is not Sockgate's.")
    return session


@lru_cache(maxsize=1)
def _signer(keys: tuple[str, ...]) -> TokenSigner:
    return TokenSigner(keys)
