"""Issuing tokens: the signed proof of a Django session with which a page connects."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from sockgate_gateway.wire.addresses import Kind
from sockgate_gateway.wire.tokens import Token, TokenSigner

from .. import conf
from ..channels import namespaces
from ..errors import SessionChangePending
from ..redis_clients import pools
from ..sessions.base import RecordedSession
from ..sessions.pending_change import is_change_pending
from ..sessions.records import record_of
from ..tenants import sid_of


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, and the seconds for which it is valid."""

    text: str
    expires_in_s: int


def issue_token(request: HttpRequest, *, may_start: bool = False) -> IssuedToken | None:
    """Issue a token for the session of a request, and write its records where Redis lacks them.

    Args:
        request: a Django request with a session and a user.
        may_start: start a session for a visitor without one. A page must not do so: a crawler
            without cookies would leave a session behind with each request.

    Returns:
        The token. None for an anonymous visitor without ``SOCKGATE["ANONYMOUS"]``. With it, None
        when there is no session and ``may_start`` is False.

    Raises:
        ImproperlyConfigured: no signing key is set, or the session engine is not Sockgate's.
        SessionChangePending: as for ``session_of``.
        redis.RedisError: Redis fails or does not answer.
    """
    session = session_of(request, may_start=may_start)
    if session is None:
        return None
    token = Token(sid_of(str(session.session_key)), record_of(session).user or None)
    return IssuedToken(_signer(signing_keys()).issue(token), conf.current().token_max_age)


def session_of(request: HttpRequest, *, may_start: bool) -> RecordedSession | None:
    """Return the session of a request, with its records written where Redis lacks them.

    Args:
        request: as for ``issue_token``.
        may_start: as for ``issue_token``.

    Returns:
        The session; None as for ``issue_token``. With ``REDIS_URL`` memory:// also None where the
        session engine is not Sockgate's.

    Raises:
        SessionChangePending: the session may be about to move to another key or password.
        redis.RedisError: Redis fails or does not answer.
    """
    if is_change_pending(request):
        raise SessionChangePending
    if not conf.current().anonymous and not request.user.is_authenticated:
        return None
    if pools.kind() is Kind.MEMORY and not isinstance(request.session, RecordedSession):
        return None  # A test suite with a faster session engine; it has no gateway.
    session = _recorded(request.session)
    if session.session_key is None:
        if not may_start:
            return None
        session.mark_visitor()
        session.save()
    session.ensure_recorded()
    namespaces.ensure_synced()
    return session


def signing_keys() -> tuple[str, ...]:
    """Return the keys that sign tokens and grants.

    Raises:
        ImproperlyConfigured: no key is set.
    """
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
