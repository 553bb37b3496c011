"""``SOCKGATE["OIDC"]``: the provider whose back-channel logouts the site accepts."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ALGORITHMS = ("RS256", "ES256")
"""The default of ``ALGORITHMS``."""

_SUPPORTED = frozenset(
    f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)
) | {"EdDSA"}
"""Signatures with a public key. A shared secret (``HS…``) and ``none`` are not supported."""

_KEYS = frozenset({"ISSUER", "CLIENT_ID", "JWKS_URL", "KEYS", "ALGORITHMS", "USER_FOR"})
_VISIBLE = re.compile(r"[!-~]+")
"""What a request line can carry."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

UserFor = Callable[[str], Any]
"""Returns the user, or the primary key, of a ``sub``; None: nobody."""


class Provider(NamedTuple):
    """A provider of logins.

    Args:
        issuer: as in ``iss``, to the letter.
        client_id: of this site at the provider.
        jwks_url: where the provider publishes its keys; empty with ``keys``.
        keys: a JSON Web Key Set, instead of the URL.
        algorithms: those that are accepted.
        user_for: finds the user of a ``sub``: a callable, or its dotted path.
    """

    issuer: str
    client_id: str
    jwks_url: str
    keys: Mapping[str, Any] | None
    algorithms: tuple[str, ...]
    user_for: UserFor | str | None


def read(value: Any) -> Provider | None:
    """Read a valid value."""
    if value is None:
        return None
    return Provider(
        issuer=value["ISSUER"],
        client_id=value["CLIENT_ID"],
        jwks_url=value.get("JWKS_URL") or "",
        keys=value.get("KEYS"),
        algorithms=tuple(value.get("ALGORITHMS", ALGORITHMS)),
        user_for=value.get("USER_FOR"),
    )


def problem_of(value: Any) -> str:
    """Say what is wrong with a value; empty: nothing."""
    if value is None:
        return ""
    if not isinstance(value, Mapping):
        return "is not a dict"
    return ", and ".join(_problems(value))


def _problems(value: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(str(name) for name in value if name not in _KEYS):
        yield f"has the unknown keys {', '.join(unknown)}"
    for name in ("ISSUER", "CLIENT_ID"):
        if not isinstance(value.get(name), str) or not value[name]:
            yield f"lacks {name}, a text"
    if bool(value.get("JWKS_URL")) == bool(value.get("KEYS")):
        yield "needs either JWKS_URL or KEYS"
    elif value.get("KEYS") and not _is_key_set(value["KEYS"]):
        yield 'has KEYS that are no key set, {"keys": [{"kty": …}, …]}'
    elif value.get("JWKS_URL") and not _is_safe_url(value["JWKS_URL"]):
        yield "has a JWKS_URL that is not https:// (http:// only on this machine), or has a login"
    if not _are_algorithms(value.get("ALGORITHMS", ALGORITHMS)):
        yield f"has ALGORITHMS other than {', '.join(sorted(_SUPPORTED))}"
    user_for = value.get("USER_FOR")
    if not (user_for is None or callable(user_for) or (isinstance(user_for, str) and user_for)):
        yield "has a USER_FOR that is neither a callable nor a dotted path of one"


def _is_key_set(value: Any) -> bool:
    keys = value.get("keys") if isinstance(value, Mapping) else None
    return isinstance(keys, list | tuple) and all(isinstance(key, Mapping) for key in keys)


def _is_safe_url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    if not host or "@" in url.netloc or not _VISIBLE.fullmatch(value):
        return False
    return url.scheme == "https" or (url.scheme == "http" and host in _LOOPBACK)


def _are_algorithms(value: Any) -> bool:
    is_list = isinstance(value, list | tuple) and bool(value)
    return is_list and all(isinstance(name, str) and name in _SUPPORTED for name in value)
