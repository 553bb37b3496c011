"""Which logins a provider has made: remembered at the login, found again at the logout.

Strategy: the session's own data says which provider session it belongs to, so the mark stays when
the session's key changes. Redis holds one small key for each ``sid`` and ``sub``, with the uid.
Neither has anything from which a cookie could be made. At a logout, the engine looks through the
sessions of that one user.

A logout may come while the login is still being made. So a logout first notes that the ``sid`` has
ended, and a login saves its session before it looks for that note. Either the logout finds the
session, or the login finds the note.
"""

import hashlib
from functools import partial
from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ... import conf
from ...conf.oidc import Provider
from ...redis_clients import pools
from ...tenants import bare, pinned, qualify
from ...users.recipients import uid_of
from ..revocation import revoke_user

MARK = "_sockgate_oidc"
"""Where a session's data has the digest of the provider's ``sid``."""

MIN_TTL_S = 30 * 24 * 3600
"""A session may be extended later, and Redis is not written again then."""

MAX_LENGTH = 255

CLAIM_TTL_S = 60
"""A token whose logout has failed, together with Redis or the process, may come again after it."""

ENDED_TTL_S = 60
"""How long a login may still be on its way after its provider session has ended."""


def provider() -> Provider:
    """Return the provider of the settings.

    Raises:
        ImproperlyConfigured: ``SOCKGATE["OIDC"]`` is not set.
    """
    found = conf.current().oidc
    if found is None:
        raise ImproperlyConfigured('SOCKGATE["OIDC"] is not set: add ISSUER, CLIENT_ID, JWKS_URL.')
    return found


def remember_oidc_session(request: HttpRequest, sid: str | None, sub: str | None = None) -> None:
    """Note that a provider's session has made the login of this request.

    Call it after ``django.contrib.auth.login``, with the claims of the ID token. Where that session
    has ended meanwhile, the request is logged out.

    Args:
        request: with the session and the user of the login.
        sid: the claim ``sid``; None where the provider sends none.
        sub: the claim ``sub``. Without it, ``USER_FOR`` must find the user of a logout by ``sub``.

    Raises:
        ImproperlyConfigured: ``SOCKGATE["OIDC"]`` is not set.
        ValueError: the request has no login, or a claim is not a string of 1 to 255 characters.
        redis.RedisError: Redis fails or does not answer.
    """
    if not request.user.is_authenticated:
        raise ValueError("remember_oidc_session needs a login: call it after login(request, user)")
    named = {"sid": sid, "sub": sub}
    claims = {kind: _checked(kind, value) for kind, value in named.items() if value is not None}
    issuer, uid = provider().issuer, uid_of(request.user)
    if sid is not None:
        request.session[MARK] = _digest("sid", issuer, sid)
        request.session.save()
    ttl_s = max(int(request.session.get_expiry_age()), MIN_TTL_S)
    with pools.records().pipeline(transaction=False) as pipe:
        for kind, value in claims.items():
            pipe.set(_key(kind, issuer, value), uid, ex=ttl_s)
        pipe.execute()
    if sid is not None:
        # The row of a database engine is visible to a logout from the commit on.
        transaction.on_commit(pinned(partial(_log_out_if_ended, request, sid)))


def _log_out_if_ended(request: HttpRequest, sid: str) -> None:
    if pools.records().exists(_key("ended", provider().issuer, sid)):
        logout(request)


def end_logins(sid: str | None, sub: str | None) -> bool:
    """End the logins that a provider's session has made, or all of a user.

    Returns:
        False when it is not known whose they are.

    Raises:
        redis.RedisError: Redis fails or does not answer; some sessions may not have ended.
    """
    if sid is not None:
        pools.records().set(_key("ended", provider().issuer, sid), 1, ex=ENDED_TTL_S)
    uid = _uid_for(sid, sub)
    if uid is None:
        return False
    if sid is None:
        revoke_user(uid)
    else:
        _end_marked(uid, sid)
    return True


def _end_marked(uid: str, sid: str) -> None:
    engine: Any = import_module(settings.SESSION_ENGINE).SessionStore
    mark = _digest("sid", provider().issuer, sid)
    try:
        engine.end_logins_with(qualify(uid), MARK, mark)
    except NotImplementedError:
        revoke_user(uid)  # An engine of the site: too many sessions end, never too few.


def claim(jti: str) -> bool:
    """Note the id of a token for a while; return False when it was noted before."""
    key = _key("jti", provider().issuer, jti)
    return bool(pools.records().set(key, int(time()), nx=True, ex=CLAIM_TTL_S))


def keep(jti: str, ttl_s: int) -> None:
    """Note the id of a token whose logout is done."""
    pools.records().set(_key("jti", provider().issuer, jti), int(time()), ex=ttl_s)


def release(jti: str) -> None:
    """Forget the id of a token whose logout has failed, so that the provider may try again."""
    pools.records().delete(_key("jti", provider().issuer, jti))


def _uid_for(sid: str | None, sub: str | None) -> str | None:
    found = provider()
    for kind, value in (("sid", sid), ("sub", sub)):
        stored: Any = value and pools.records().get(_key(kind, found.issuer, value))
        if stored:
            return str(stored.decode())
    user_for = import_string(found.user_for) if isinstance(found.user_for, str) else found.user_for
    user = user_for(sub) if user_for and sub is not None else None
    return None if user is None else bare(uid_of(user))


def _key(kind: str, issuer: str, value: str) -> str:
    return f"{conf.current().key_prefix}oidc:{kind}:{_digest(kind, issuer, value)}"


def _digest(kind: str, issuer: str, value: str) -> str:
    """Return a short name of a claim of the current tenant, of the same length for any text."""
    text = "\0".join((qualify(kind), issuer, value))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _checked(kind: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        raise ValueError(f"{kind} must be a text of 1 to {MAX_LENGTH} characters")
    return value
