"""The logout token: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ...conf.oidc import Provider
from .errors import LogoutRefused
from .keys import Key, keys_of, select, source_at

try:
    import jwt
    from jwt.exceptions import PyJWTError
except ImportError as error:  # pragma: no cover
    raise ImproperlyConfigured(
        "Back-channel logout needs PyJWT: pip install 'sockgate[oidc]'"
    ) from error

EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_TOKEN_LENGTH = 16 * 1024
MAX_TEXT_LENGTH = 255
"""Of ``sub`` (OpenID Connect Core, section 2), and here of ``sid`` and ``jti``."""

MAX_AGE_S = 300
LEEWAY_S = 30
_TYPES = frozenset({"logout+jwt", "application/logout+jwt", "jwt"})
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The ``kty`` of the keys for an algorithm that begins so."""

_REQUIRED = ["iss", "aud", "iat", "jti", "events"]


@dataclass(frozen=True, slots=True)
class Logout:
    """What a logout token asks for.

    Args:
        jti: the id of the token.
        sub: the provider's name of the user; None: the token names only the session.
        sid: the provider's name of the session; None: all sessions of the user.
    """

    jti: str
    sub: str | None
    sid: str | None


def read_logout(token: str, provider: Provider) -> Logout:
    """Verify a logout token.

    Raises:
        LogoutRefused: the token is not accepted.
        ProviderUnavailable: the keys of the provider cannot be read.
    """
    if not token or len(token) > MAX_TOKEN_LENGTH:
        raise LogoutRefused("there is no token, or it is too long")
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in provider.algorithms:
        raise LogoutRefused("the algorithm is not allowed")
    claims = _verified(token, _keys_for(header, provider), str(algorithm), provider)
    return _checked(claims)


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise LogoutRefused("the token is malformed") from None
    kind = header.get("typ")
    if kind is not None and str(kind).lower() not in _TYPES:
        raise LogoutRefused("the token is of another type")
    if "crit" in header:
        raise LogoutRefused("the token has critical extensions")
    return header


def _keys_for(header: Mapping[str, Any], provider: Provider) -> tuple[Key, ...]:
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise LogoutRefused("the name of the key is not a string")
    if provider.keys is None:
        found = source_at(provider.jwks_url).find(kid)
    else:
        found = select(keys_of(provider.keys), kid)
    algorithm = str(header["alg"])
    return tuple(key for key in found if _fits(key, algorithm))


def _fits(key: Key, algorithm: str) -> bool:
    return key.get("kty") == _KINDS[algorithm[:2]] and key.get("alg", algorithm) == algorithm


def _verified(
    token: str, keys: Iterable[Key], algorithm: str, provider: Provider
) -> Mapping[str, Any]:
    reason = "the key is unknown"
    for key in keys:
        try:
            public = jwt.PyJWK(dict(key), algorithm=algorithm).key
            return jwt.decode(
                token,
                public,
                algorithms=[algorithm],
                issuer=provider.issuer,
                audience=provider.client_id,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "verify_sub": False, "verify_jti": False},
            )
        except (PyJWTError, ValueError, TypeError, RecursionError) as error:
            reason = f"{type(error).__name__}"
    raise LogoutRefused(f"the token is not valid: {reason}")


def _checked(claims: Mapping[str, Any]) -> Logout:
    issued_at = claims["iat"]
    if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):
        raise LogoutRefused("iat is not a time")
    if time() - issued_at > MAX_AGE_S + LEEWAY_S:
        raise LogoutRefused("the token is too old")
    events = claims["events"]
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise LogoutRefused("the token is for another event")
    if "nonce" in claims:
        raise LogoutRefused("the token has a nonce, so it is an ID token")
    jti = _text(claims, "jti")
    sub, sid = _text(claims, "sub"), _text(claims, "sid")
    if jti is None:
        raise LogoutRefused("jti is null")
    if sub is None and sid is None:
        raise LogoutRefused("the token names neither a user nor a session")
    return Logout(jti, sub, sid)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_LENGTH:
        raise LogoutRefused(f"{name} is not a string of 1 to {MAX_TEXT_LENGTH} characters")
    return value
