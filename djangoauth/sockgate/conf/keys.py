"""The keys of the dict ``settings.SOCKGATE``, as a table: what a value must be, and its default."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sockgate_gateway.wire.addresses import read_address
from sockgate_gateway.wire.errors import AddressError, PrefixError
from sockgate_gateway.wire.names import KEY_PREFIX, check_prefix
from sockgate_gateway.wire.surrogates import has_lone_surrogate

from . import oidc
from .defaults import debug_defaults, testing_defaults

DEFAULT_GATEWAY_URL = "/realtime"
"""A proxy passes this path of the site on to the gateway."""

_PORT_AND_PATH = re.compile(r":\d{1,5}(/[^/?#\s][^?#\s]*)?")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Key(NamedTuple):
    """One key of the dict.

    Args:
        expected: what a value must be, as messages say it.
        is_valid: checks a value.
        default: makes the value of a missing key.
        read: converts a valid value for ``Settings``.
        problem_of: says what is wrong with a value, where more than ``expected`` can be said.
    """

    expected: str
    is_valid: Callable[[Any], bool]
    default: Callable[[], Any]
    read: Callable[[Any], Any] = _frozen
    problem_of: Callable[[Any], str] = lambda _: ""

    def message(self, value: Any) -> str:
        """Describe a bad value: what is expected, and the problem if it is known."""
        problem = _encoding_problem(value) or self.problem_of(value)
        return f"must be {self.expected}{f'; it {problem}' if problem else ''}."


def _encoding_problem(value: Any) -> str:
    texts = value if isinstance(value, list | tuple) else [value]
    is_broken = any(isinstance(text, str) and has_lone_surrogate(text) for text in texts)
    return "has a byte that is not UTF-8, or half a surrogate pair" if is_broken else ""


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < float("inf")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not has_lone_surrogate(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _is_redis_url(value: object) -> bool:
    return _is_text(value) and not _redis_url_problem(value)


def _redis_url_problem(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        read_address(url)
    except AddressError as error:
        return str(error)
    return ""


def _is_factory(value: object) -> bool:
    module, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    return bool(module and colon and name)


def _is_prefix(value: object) -> bool:
    return isinstance(value, str) and not _one_prefix_problem(value)


def _one_prefix_problem(prefix: object) -> str:
    if not isinstance(prefix, str):
        return ""
    try:
        check_prefix(prefix)
    except PrefixError as error:
        return str(error)
    return ""


def _is_gateway_url(value: object) -> bool:
    if not isinstance(value, str) or has_lone_surrogate(value):
        return False
    url = urlsplit(value)
    is_absolute = url.scheme in {"http", "https"} and bool(url.netloc)
    is_path = value.startswith("/") and not url.netloc
    return is_absolute or is_path or bool(_PORT_AND_PATH.fullmatch(value))


def _is_namespaces(value: object) -> bool:
    from . import policies  # It imports msgspec, which a site needs with its first settings.

    return isinstance(value, Mapping) and not any(policies.problems(value))


def _read_namespaces(value: Any) -> Any:
    from . import policies

    return policies.read(value)


def _is_callable(value: object) -> bool:
    return value is None or _is_text(value) or callable(value)


def _redis_url() -> str:
    return (
        os.environ.get("SOCKGATE_REDIS_URL")
        or testing_defaults.redis_url()
        or debug_defaults.redis_url()
        or "redis://127.0.0.1:6379/0"
    )


def _signing_keys() -> tuple[str, ...]:
    keys = os.environ.get("SOCKGATE_SIGNING_KEYS", "").split(",")
    configured = tuple(key.strip() for key in keys if key.strip())
    return configured or testing_defaults.signing_keys() or debug_defaults.signing_keys()


def _gateway_url() -> str:
    configured = os.environ.get("SOCKGATE_GATEWAY_URL")
    return configured or debug_defaults.gateway_url() or DEFAULT_GATEWAY_URL


KEYS: Mapping[str, Key] = {
    "REDIS_URL": Key("a URL of Redis", _is_redis_url, _redis_url, problem_of=_redis_url_problem),
    "REDIS_CREDENTIALS": Key(
        "package.module:factory, a callable, or None",
        lambda value: value is None or callable(value) or _is_factory(value),
        lambda: os.environ.get("SOCKGATE_REDIS_CREDENTIALS") or None,
        lambda it: it,
    ),
    "SIGNING_KEYS": Key("a list of strings, oldest first", _is_texts, _signing_keys),
    "GATEWAY_URL": Key(
        "an http(s):// URL, a path, or a port and a path as in :8001/realtime",
        _is_gateway_url,
        _gateway_url,
    ),
    "KEY_PREFIX": Key("a prefix", _is_prefix, lambda: KEY_PREFIX, problem_of=_one_prefix_problem),
    "CHANNEL_PREFIX": Key(
        "a prefix, or None",
        lambda it: it is None or _is_prefix(it),
        lambda: None,
        problem_of=_one_prefix_problem,
    ),
    "ANONYMOUS": Key("True or False", _is_bool, lambda: False),
    "ANONYMOUS_SESSION_AGE": Key("a number of seconds above 0", _is_positive, lambda: 6 * 3600),
    "TOKEN_MAX_AGE": Key("a number of seconds above 0", _is_positive, lambda: 3600),
    "PAGE_TIMEOUT": Key("a number of seconds above 0", _is_duration, lambda: 0.28),
    "TRANSPORTS": Key(
        "a list of names, or None", lambda value: value is None or _is_texts(value), lambda: None
    ),
    "GROUPS": Key("True or False", _is_bool, lambda: True),
    "PUBLISH_ON_COMMIT": Key("True or False", _is_bool, lambda: True),
    "MAX_PAYLOAD": Key("a number of bytes above 0", _is_positive, lambda: 1024 * 1024),
    "NAMESPACES": Key(
        "a dict, namespace to policy", _is_namespaces, dict[str, Any], _read_namespaces
    ),
    "PRESENCE_DATA": Key(
        "a callable, the dotted path of one, or None", _is_callable, lambda: None, lambda it: it
    ),
    "PRESENCE_SIGNALS": Key("True or False", _is_bool, lambda: False),
    "OFFLINE_AFTER": Key("a number of seconds above 0", _is_duration, lambda: 10),
    "AUTHORIZE": Key(
        "a callable, the dotted path of one, or None", _is_callable, lambda: None, lambda it: it
    ),
    "OIDC": Key(
        "a dict with ISSUER, CLIENT_ID and JWKS_URL, or None",
        lambda value: not oidc.problem_of(value),
        lambda: None,
        oidc.read,
        problem_of=oidc.problem_of,
    ),
    "LIVE_RATE": Key("a number of requests a second above 0", _is_positive, lambda: 100),
    "TENANT": Key(
        "a callable, the dotted path of one, or None", _is_callable, lambda: None, lambda it: it
    ),
}
