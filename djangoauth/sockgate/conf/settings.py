"""The settings: one dict, ``settings.SOCKGATE``, read once into a frozen ``Settings``.

``keys.py`` has the table of its keys. ``checks/settings.py`` reports bad values, and ``current()``
raises on them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest
from sockgate_gateway.wire.names import Names, names_at, prefix_problem
from sockgate_gateway.wire.secrets import masked

from .defaults import testing_defaults
from .keys import KEYS
from .oidc import Provider

if TYPE_CHECKING:
    from sockgate_gateway.wire.namespaces import Namespaces

_SETTINGS = frozenset({"SOCKGATE", "DEBUG", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "BASE_DIR"})
"""The settings of Django that ``Settings`` depends on."""

_PORT = re.compile(r":\d+$")

Authorize = Callable[[HttpRequest, str], Any]
"""Returns, or awaits, whether the user of the request may subscribe to the channel."""


class Settings(NamedTuple):
    """All settings; ``docs/django.md`` explains each."""

    redis_url: str
    redis_credentials: Callable[[], Any] | str | None
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
    namespaces: "Namespaces"
    presence_data: Callable[[Any], Any] | str | None
    presence_signals: bool
    offline_after: float
    authorize: Authorize | str | None
    oidc: Provider | None
    live_rate: int
    tenant: Callable[[], str] | str | None

    @property
    def names(self) -> Names:
        """The names of Redis keys and channels under these prefixes."""
        return names_at(self.redis_url, self.key_prefix, self.channel_prefix)


_SECRETS = frozenset({"REDIS_URL", "SIGNING_KEYS", "JWKS_URL", "KEYS"})
"""Keys of ``SOCKGATE``, and of its ``OIDC``."""


def with_secrets_masked(raw: Any) -> Any:
    """Return the dict with a masked ``repr`` of its secrets; anything else as it is."""
    if not isinstance(raw, Mapping):
        return raw
    found = {name: masked(it) if name in _SECRETS else it for name, it in raw.items()}
    return {**found, "OIDC": with_secrets_masked(found["OIDC"])} if "OIDC" in found else found


def mask_settings() -> None:
    """Mask the secrets in ``settings.SOCKGATE`` itself, which error reports of Django show."""
    raw = getattr(settings, "SOCKGATE", None)
    if isinstance(raw, dict):
        raw.update(with_secrets_masked(raw))


class Problem(NamedTuple):
    """A problem with one key; ``message`` never quotes a value, which may be a secret."""

    key: str
    message: str
    is_unknown: bool = False


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
    values = with_secrets_masked({name: _value(raw, name) for name in KEYS})
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
    return read(with_secrets_masked(getattr(settings, "SOCKGATE", {})))


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
