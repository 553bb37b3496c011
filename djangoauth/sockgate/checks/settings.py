"""System checks of ``manage.py check``: the settings and the project.

``docs/django.md`` lists the ids. What pages need is checked in ``pages.py``. Checks that only
matter in production are in ``deploy.py`` and ``redis.py``.
"""

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .. import conf
from ..channels.online import user_offline, user_online
from ..sessions.base import recorded_engine

TAG = "sockgate"
MIN_KEY_LENGTH = 32
_REPLACED_ENGINES = {
    "django.contrib.sessions.backends.cache": "sockgate.sessions.redis",
    "django.contrib.sessions.backends.cached_db": "sockgate.sessions.cached_db",
    "django.contrib.sessions.backends.db": "sockgate.sessions.db",
    "django.contrib.sessions.backends.file": "sockgate.sessions.redis",
    "django.contrib.sessions.backends.signed_cookies": "sockgate.sessions.redis",
}
"""What replaces an engine of Django's."""

_TENANT_PACKAGES = frozenset({"django_tenants", "tenant_schemas"})


def readable_settings() -> conf.Settings | None:
    """Return the settings, or None for bad ones, which E001 and E002 report."""
    try:
        return conf.current()
    except ImproperlyConfigured:
        return None


@register(TAG)
def check_settings(**_: Any) -> Iterable[CheckMessage]:
    """E001 unknown keys, E002 bad values."""
    hint = f"The settings are {', '.join(conf.KEYS)}."
    for problem in conf.problems(getattr(settings, "SOCKGATE", {})):
        if problem.is_unknown:
            yield Error(problem.message, hint=hint, id="sockgate.E001")
        else:
            yield Error(problem.message, id="sockgate.E002")


@register(TAG)
def check_keys_present(**_: Any) -> Iterable[CheckMessage]:
    """E003 no signing key."""
    config = readable_settings()
    if config and not config.signing_keys:
        yield Error(
            "No signing key is set, so tokens cannot be signed.",
            hint='Set SOCKGATE["SIGNING_KEYS"] or the variable SOCKGATE_SIGNING_KEYS, '
            "the same for Django and the gateway.",
            id="sockgate.E003",
        )


@register(TAG)
def check_keys_long(**_: Any) -> Iterable[CheckMessage]:
    """E004 signing keys that can be guessed."""
    config = readable_settings()
    for place, key in enumerate(config.signing_keys if config else ()):
        if len(key) < MIN_KEY_LENGTH:
            yield Error(
                f"Signing key {place} has fewer than {MIN_KEY_LENGTH} characters.",
                hint='Make one with python -c "import secrets; print(secrets.token_urlsafe(48))".',
                id="sockgate.E004",
            )


@register(TAG)
def check_keys_separate(**_: Any) -> Iterable[CheckMessage]:
    """E005 a signing key that is Django's SECRET_KEY."""
    config = readable_settings()
    if config and {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS} & set(config.signing_keys):
        yield Error(
            "A signing key is Django's SECRET_KEY, which the gateway must not have.",
            id="sockgate.E005",
        )


@register(TAG)
def check_engine(**_: Any) -> Iterable[CheckMessage]:
    """E006 a session engine whose logins the gateway cannot read."""
    if recorded_engine() is None:
        yield Error(
            f"The gateway cannot read the logins of SESSION_ENGINE {settings.SESSION_ENGINE!r}.",
            hint=_engine_hint(settings.SESSION_ENGINE),
            id="sockgate.E006",
        )


def _engine_hint(engine: str) -> str:
    replacement = _REPLACED_ENGINES.get(engine)
    if replacement:
        return f'Set SESSION_ENGINE = "{replacement}".'
    return (
        "Use sockgate.sessions.redis, .db or .cached_db, or wrap your own engine with "
        "sockgate.sessions.mirror.IdentityMirror."
    )


@register(TAG)
def check_session_middleware(**_: Any) -> Iterable[CheckMessage]:
    """E007 no SessionMiddleware."""
    if not _has_middleware(SessionMiddleware):
        path = "django.contrib.sessions.middleware.SessionMiddleware"
        yield Error(f"{path} is not in MIDDLEWARE.", id="sockgate.E007")


@register(TAG)
def check_authentication_middleware(**_: Any) -> Iterable[CheckMessage]:
    """E008 no AuthenticationMiddleware."""
    if not _has_middleware(AuthenticationMiddleware):
        path = "django.contrib.auth.middleware.AuthenticationMiddleware"
        yield Error(f"{path} is not in MIDDLEWARE.", id="sockgate.E008")


def _has_middleware(wanted: type) -> bool:
    return any(_is_subclass(path, wanted) for path in settings.MIDDLEWARE)


def _is_subclass(path: str, wanted: type) -> bool:
    found = _imported(path)
    return isinstance(found, type) and issubclass(found, wanted)


@register(TAG)
def check_namespaces(**_: Any) -> Iterable[CheckMessage]:
    """E009 a namespace with a bad policy."""
    from ..conf import policies  # It imports msgspec, and every process registers the checks.

    config = getattr(settings, "SOCKGATE", {})
    namespaces = config.get("NAMESPACES") if isinstance(config, Mapping) else None
    for problem in policies.problems(namespaces) if isinstance(namespaces, Mapping) else ():
        yield Error(problem, id="sockgate.E009")


@register(TAG)
def check_authorize(**_: Any) -> Iterable[CheckMessage]:
    """E010 an ``AUTHORIZE`` that cannot be called."""
    config = readable_settings()
    hint = "It is the dotted path of a callable that takes the request and the channel."
    if config and _is_broken_path(config.authorize):
        yield _not_callable("AUTHORIZE", config.authorize, hint, "sockgate.E010")


@register(TAG)
def check_presence_data(**_: Any) -> Iterable[CheckMessage]:
    """E011 a ``PRESENCE_DATA`` that cannot be called."""
    config = readable_settings()
    hint = "It is the dotted path of a callable that takes a user, and returns a dict or None."
    if config and _is_broken_path(config.presence_data):
        yield _not_callable("PRESENCE_DATA", config.presence_data, hint, "sockgate.E011")


@register(TAG)
def check_authorize_present(**_: Any) -> Iterable[CheckMessage]:
    """W006 namespaces on request, but no ``AUTHORIZE``: every subscription is refused."""
    from ..conf import policies

    config = readable_settings()
    if config is None or config.authorize is not None:
        return
    found = [name for name, policy in config.namespaces.items() if not policy.public]
    on_request = [name for name in found if not policies.is_assigned(name)]
    if on_request:
        yield Warning(
            f'SOCKGATE["NAMESPACES"] has {", ".join(sorted(on_request))}, but '
            'SOCKGATE["AUTHORIZE"] is not set: every subscription is refused (not_allowed), but '
            "for those of {% live %}.",
            hint='Set "AUTHORIZE" to the dotted path of a callable that takes the request and the '
            'channel, or "public": True in the namespace.',
            id="sockgate.W006",
        )


@register(TAG)
def check_tenant_callable(**_: Any) -> Iterable[CheckMessage]:
    """E021 a ``TENANT`` that cannot be called."""
    config = readable_settings()
    hint = "It is the dotted path of a callable that returns the name of the current tenant."
    if config and _is_broken_path(config.tenant):
        yield _not_callable("TENANT", config.tenant, hint, "sockgate.E021")


@register(TAG)
def check_oidc(**_: Any) -> Iterable[CheckMessage]:
    """E022 ``OIDC`` without PyJWT, or with a ``USER_FOR`` that cannot be called."""
    config = readable_settings()
    if config is None or config.oidc is None:
        return
    if find_spec("jwt") is None or find_spec("cryptography") is None:
        yield Error(
            'SOCKGATE["OIDC"] needs PyJWT with cryptography, which is not installed.',
            hint="pip install 'sockgate[oidc]'",
            id="sockgate.E022",
        )
    if _is_broken_path(config.oidc.user_for):
        hint = "It is the dotted path of a callable that takes a sub and returns a user, or None."
        yield _not_callable("OIDC", config.oidc.user_for, hint, "sockgate.E022")


@register(TAG)
def check_tenants_apart(**_: Any) -> Iterable[CheckMessage]:
    """W021 django-tenants without ``TENANT``: the tenants share users' channels."""
    config = readable_settings()
    if config and config.tenant is None and _has_tenants():
        yield Warning(
            'django-tenants is installed, but SOCKGATE["TENANT"] is not set: users with the same '
            "primary key in two tenants receive each other's publications.",
            hint='Add "TENANT": "sockgate.tenants.schema_name" to SOCKGATE.',
            id="sockgate.W021",
        )


@register(TAG)
def check_signal_receivers(**_: Any) -> Iterable[CheckMessage]:
    """W022 receivers of ``user_online`` or ``user_offline``, which nothing sends."""
    config = readable_settings()
    has_receivers = bool(user_online.receivers or user_offline.receivers)
    if config and has_receivers and not config.presence_signals:
        yield Warning(
            "A receiver of user_online or user_offline is connected, but "
            'SOCKGATE["PRESENCE_SIGNALS"] is not True, so the signals are never sent.',
            hint='Set "PRESENCE_SIGNALS": True, restart the gateway with it, and run '
            "manage.py sockgate_signals beside the site.",
            id="sockgate.W022",
        )


def _has_tenants() -> bool:
    engines_in_use = [database.get("ENGINE", "") for database in settings.DATABASES.values()]
    used = (*settings.INSTALLED_APPS, *map(str, engines_in_use))
    return any(name.partition(".")[0] in _TENANT_PACKAGES for name in used)


def _is_broken_path(value: object) -> bool:
    """Check for the dotted path of a callable that cannot be imported, or called."""
    return isinstance(value, str) and not callable(_imported(value))


def _not_callable(setting: str, path: object, hint: str, check_id: str) -> Error:
    message = f'SOCKGATE["{setting}"]: {path!r} cannot be imported, or called.'
    return Error(message, hint=hint, id=check_id)


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:
        return None
