"""The settings: one dict, ``settings.SOCKGATE``, read once into a frozen ``Settings``.

``KEYS`` is the table of its keys. ``checks/settings.py`` reports bad values, and ``current()``
raises on them.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest
from sockgate_gateway.wire.addresses import read_address
from sockgate_gateway.wire.errors import AddressError, PrefixError
from sockgate_gateway.wire.names import KEY_PREFIX, Names, check_prefix, names_at, prefix_problem
from sockgate_gateway.wire.namespaces import Namespaces

from . import policies
from .defaults import debug_defaults, testing_defaults

_SETTINGS = frozenset({"SOCKGATE", "DEBUG", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "BASE_DIR"})
"""The settings of Django that ``Settings`` depends on."""

DEFAULT_GATEWAY_URL = "/realtime"
"""A proxy passes this path of the site on to the gateway."""

_PORT = re.compile(r":\d+$")
_PORT_AND_PATH = re.compile(r":\d{1,5}(/[^/?#\s][^?#\s]*)?")

Authorize = Callable[[HttpRequest, str], Any]
"""Returns, or awaits, whether the user of the request may subscribe to the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; ``docs/django.md`` explains each."""

    redis_url: str
    signing_keys: tuple[str, ...]
    gateway_url: str
    key_prefix: str
    channel_prefix: str
    anonymous: bool
    anonymous_session_age: int
    token_max_age: int
    page_timeout: float
    transports: tuple[str, ...] | None
    groups: bool
    publish_on_commit: bool
    max_payload: int
    namespaces: Namespaces
    authorize: Authorize | str | None
    tenant: Callable[[], str] | str | None

    @property
    def names(self) -> Names:
        """The names of Redis keys and channels under these prefixes."""
        return names_at(self.redis_url, self.key_prefix, self.channel_prefix)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Key:
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
        problem = self.problem_of(value)
        return f"must be {self.expected}{f'; it {problem}' if problem else ''}."


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with one key; ``message`` never quotes a value, which may be a secret."""

    key: str
    message: str
    is_unknown: bool = False


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < float("inf")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _is_redis_url(value: object) -> bool:
    return isinstance(value, str) and not _redis_url_problem(value)


def _redis_url_problem(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        read_address(url)
    except AddressError as error:
        return str(error)
    return ""


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
    if not isinstance(value, str):
        return False
    url = urlsplit(value)
    is_absolute = url.scheme in {"http", "https"} and bool(url.netloc)
    is_path = value.startswith("/") and not url.netloc
    return is_absolute or is_path or bool(_PORT_AND_PATH.fullmatch(value))


def _is_namespaces(value: object) -> bool:
    return isinstance(value, Mapping) and not any(policies.problems(value))


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
    "SIGNING_KEYS": Key("a list of texts, oldest first", _is_texts, _signing_keys),
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
    "NAMESPACES": Key("a dict, namespace to policy", _is_namespaces, dict[str, Any], policies.read),
    "AUTHORIZE": Key(
        "a callable, the dotted path of one, or None", _is_callable, lambda: None, lambda it: it
    ),
    "TENANT": Key(
        "a callable, the dotted path of one, or None", _is_callable, lambda: None, lambda it: it
    ),
}


def problems(raw: object) -> Iterator[Problem]:
    """List every problem of the dict."""
    if not isinstance(raw, Mapping):
        yield Problem("", "SOCKGATE must be a dict.")
        return
    for name, value in raw.items():
        key = KEYS.get(name)
        if key is None:
            yield Problem(name, f"SOCKGATE[{name!r}] is not a setting.", is_unknown=True)
        elif not key.is_valid(value):
            yield Problem(name, f"SOCKGATE[{name!r}] {key.message(value)}")
    missing = [name for name in KEYS if name not in raw]
    bad_defaults = [*filter(None, map(_default_problem, missing))]
    yield from bad_defaults
    if not bad_defaults:
        yield from _prefix_problems(raw)


def _default_problem(name: str) -> Problem | None:
    key = KEYS[name]
    try:
        value = key.default()
    except ImproperlyConfigured as error:
        return Problem(name, str(error))
    if key.is_valid(value):
        return None
    return Problem(name, f"The variable SOCKGATE_{name} {key.message(value)}")


def _prefix_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    names = ("REDIS_URL", "KEY_PREFIX", "CHANNEL_PREFIX")
    values = [_value(raw, name) for name in names]
    if all(KEYS[name].is_valid(value) for name, value in zip(names, values, strict=True)):
        problem = prefix_problem(names_at(*values))
        if problem:
            key = "KEY_PREFIX" if "KEY_PREFIX" in raw else "CHANNEL_PREFIX"
            yield Problem(key, f"SOCKGATE: {problem}.")


def _value(raw: Mapping[str, Any], name: str) -> Any:
    return raw[name] if name in raw else KEYS[name].default()


def read(raw: object) -> Settings:
    """Read the dict.

    Raises:
        ImproperlyConfigured: for an unknown key or a bad value; the message lists all of them.
    """
    found = [problem.message for problem in problems(raw)]
    if found or not isinstance(raw, Mapping):
        raise ImproperlyConfigured(" ".join(found))
    values = {name: _value(raw, name) for name in KEYS}
    fields = {name.lower(): KEYS[name].read(value) for name, value in values.items()}
    names = names_at(fields["redis_url"], fields["key_prefix"], fields["channel_prefix"])
    return Settings(**{**fields, "channel_prefix": names.channel_prefix})


def current() -> Settings:
    """Return the settings in force, read on first use.

    Raises:
        ImproperlyConfigured: as ``read``.
    """
    return _read_once(testing_defaults.is_test_run())


@cache
def _read_once(is_test_run: bool) -> Settings:
    """Read the settings again when a test run begins, because the defaults are others then."""
    return read(getattr(settings, "SOCKGATE", {}))


def gateway_url_for(request: HttpRequest) -> str:
    """Return ``GATEWAY_URL`` for the page of a request; see ``gateway_url_at``."""
    url = current().gateway_url
    if not url.startswith(":"):
        return url
    return gateway_url_at(f"{request.scheme}://{request.get_host()}")


def gateway_url_at(origin: str) -> str:
    """Return ``GATEWAY_URL`` for the pages of an origin.

    A port and a path, as in ``:8001/realtime``, are those of the host that the browser used. So
    ``localhost`` stays ``localhost``, and ``127.0.0.1`` stays ``127.0.0.1``.
    """
    url = current().gateway_url
    return f"{_PORT.sub('', origin)}{url}" if url.startswith(":") else url


def forget() -> None:
    """Read the settings again on their next use, because a default has changed."""
    _read_once.cache_clear()


@receiver(setting_changed, dispatch_uid="sockgate.conf")
def _forget_changed(*, setting: str, **_: Any) -> None:
    if setting in _SETTINGS:
        forget()
