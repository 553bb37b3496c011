"""The settings: one dict, ``settings.SOCKGATE``, read once into a frozen ``Settings``.

``KEYS`` is the table of what may stand in it; ``checks.py`` reports what is wrong with it, and
``current()`` refuses to run on it.
"""

import os
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

from gateway.wire.addresses import read_address
from gateway.wire.errors import AddressError
from gateway.wire.names import Names
from gateway.wire.namespaces import Namespaces

from . import policies

Authorize = Callable[[HttpRequest, str], Any]
"""Tells, or awaits, whether who asks may subscribe to the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; ``docs/django.md`` explains each."""

    redis_url: str
    signing_keys: tuple[str, ...]
    gateway_url: str
    key_prefix: str
    channel_prefix: str
    anonymous: bool
    token_max_age: int
    transports: tuple[str, ...] | None
    groups: bool
    publish_on_commit: bool
    max_payload: int
    namespaces: Namespaces
    authorize: Authorize | str | None

    @property
    def names(self) -> Names:
        """The names of Redis keys and channels under these prefixes."""
        return Names(self.key_prefix, self.channel_prefix)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the dict: what it must be, what it is when left out, and how it is read."""

    expected: str
    is_valid: Callable[[Any], bool]
    default: Callable[[], Any]
    read: Callable[[Any], Any] = _frozen
    why_not: Callable[[Any], str] = lambda _: ""

    def complaint(self, value: Any) -> str:
        """Say what a bad value should have been, and perhaps what is wrong with it."""
        reason = self.why_not(value)
        return f"must be {self.expected}{f'; it {reason}' if reason else ''}."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key; ``message`` never quotes a value, for it may be a secret."""

    key: str
    message: str
    is_unknown: bool = False


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _is_redis_url(value: object) -> bool:
    return isinstance(value, str) and not _why_no_redis_url(value)


def _why_no_redis_url(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        read_address(url)
    except AddressError as error:
        return str(error)
    return ""


def _is_gateway_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    url = urlsplit(value)
    is_absolute = url.scheme in {"http", "https"} and bool(url.netloc)
    return is_absolute or (value.startswith("/") and not url.netloc)


def _is_namespaces(value: object) -> bool:
    return isinstance(value, Mapping) and not any(policies.problems(value))


def _is_authorize(value: object) -> bool:
    return value is None or _is_text(value) or callable(value)


def _redis_url() -> str:
    return os.environ.get("SOCKGATE_REDIS_URL") or "redis://127.0.0.1:6379/0"


def _signing_keys() -> tuple[str, ...]:
    keys = os.environ.get("SOCKGATE_SIGNING_KEYS", "").split(",")
    return tuple(key.strip() for key in keys if key.strip())


KEYS: Mapping[str, Key] = {
    "REDIS_URL": Key("a URL of Redis", _is_redis_url, _redis_url, why_not=_why_no_redis_url),
    "SIGNING_KEYS": Key("a list of texts, oldest first", _is_texts, _signing_keys),
    "GATEWAY_URL": Key("an http(s):// URL or a path", _is_gateway_url, lambda: "/realtime"),
    "KEY_PREFIX": Key("a text", _is_text, lambda: "sockgate:"),
    "CHANNEL_PREFIX": Key("a text", _is_text, lambda: "rt:"),
    "ANONYMOUS": Key("True or False", _is_bool, lambda: False),
    "TOKEN_MAX_AGE": Key("a number of seconds above 0", _is_positive, lambda: 3600),
    "TRANSPORTS": Key(
        "a list of names, or None", lambda value: value is None or _is_texts(value), lambda: None
    ),
    "GROUPS": Key("True or False", _is_bool, lambda: True),
    "PUBLISH_ON_COMMIT": Key("True or False", _is_bool, lambda: True),
    "MAX_PAYLOAD": Key("a number of bytes above 0", _is_positive, lambda: 1024 * 1024),
    "NAMESPACES": Key("a dict, namespace to policy", _is_namespaces, dict[str, Any], policies.read),
    "AUTHORIZE": Key(
        "a callable, the dotted path of one, or None", _is_authorize, lambda: None, lambda it: it
    ),
}


def problems(raw: object) -> Iterator[Problem]:
    """Name everything that is wrong with the dict."""
    if not isinstance(raw, Mapping):
        yield Problem("", "SOCKGATE must be a dict.")
        return
    for name, value in raw.items():
        key = KEYS.get(name)
        if key is None:
            yield Problem(name, f"SOCKGATE[{name!r}] is not a setting.", is_unknown=True)
        elif not key.is_valid(value):
            yield Problem(name, f"SOCKGATE[{name!r}] {key.complaint(value)}")
    for name, key in KEYS.items():
        if name not in raw and not key.is_valid(key.default()):
            yield Problem(name, f"The variable SOCKGATE_{name} {key.complaint(key.default())}")


def read(raw: object) -> Settings:
    """Read the dict.

    Raises:
        ImproperlyConfigured: a key is unknown or a value is bad.
    """
    found = [problem.message for problem in problems(raw)]
    if found or not isinstance(raw, Mapping):
        raise ImproperlyConfigured(" ".join(found))
    values = {name: raw[name] if name in raw else key.default() for name, key in KEYS.items()}
    return Settings(**{name.lower(): KEYS[name].read(value) for name, value in values.items()})


@cache
def current() -> Settings:
    """Give the settings that are in force; read on first use."""
    return read(getattr(settings, "SOCKGATE", {}))


@receiver(setting_changed, dispatch_uid="djangoauth.conf")
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKGATE":
        current.cache_clear()
