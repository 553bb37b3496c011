"""System checks: what ``manage.py check`` says of the settings and of the project.

``docs/django.md`` lists the ids. What only matters in production is in ``deploy_checks.py``
and ``redis_checks.py``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from . import conf, policies
from .sessions.base import recorded_engine

TAG = "sockgate"
MIN_KEY_LENGTH = 32
SOCKJS_TRANSPORTS = frozenset(
    {
        "websocket",
        "xhr-streaming",
        "xdr-streaming",
        "eventsource",
        "iframe-eventsource",
        "htmlfile",
        "iframe-htmlfile",
        "xhr-polling",
        "xdr-polling",
        "iframe-xhr-polling",
        "jsonp-polling",
    }
)
"""As sockjs-client 1.6 spells them; the gateway's own option has underscores."""

_REQUEST_PROCESSOR = "django.template.context_processors.request"


def readable_settings() -> conf.Settings | None:
    """Give the settings, or None when they are bad, which E001 and E002 say."""
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
            "There is no key to sign tokens with.",
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
    """E005 signing keys that are Django's."""
    config = readable_settings()
    if config and {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS} & set(config.signing_keys):
        yield Error(
            "A signing key is Django's SECRET_KEY, which the gateway need not hold.",
            id="sockgate.E005",
        )


@register(TAG)
def check_engine(**_: Any) -> Iterable[CheckMessage]:
    """E006 a session engine that the gateway cannot see."""
    if recorded_engine() is None:
        yield Error(
            f"SESSION_ENGINE {settings.SESSION_ENGINE!r} does not let the gateway see logins.",
            hint="Use djangoauth.sessions.redis, .db or .cached_db, or wrap your own engine with "
            "djangoauth.sessions.mirror.IdentityMirror.",
            id="sockgate.E006",
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
def check_transports(**_: Any) -> Iterable[CheckMessage]:
    """W004 names that are no transports of sockjs-client, which would be skipped in silence."""
    config = readable_settings()
    unknown = set((config and config.transports) or ()) - SOCKJS_TRANSPORTS
    if unknown:
        yield Warning(
            f'SOCKGATE["TRANSPORTS"] names {", ".join(sorted(unknown))}, unknown to the client.',
            hint=f"It knows {', '.join(sorted(SOCKJS_TRANSPORTS))}.",
            id="sockgate.W004",
        )


@register(TAG)
def check_urls(**_: Any) -> Iterable[CheckMessage]:
    """W001 no address for fresh tokens."""
    try:
        reverse("sockgate:token")
    except (NoReverseMatch, ImproperlyConfigured):
        yield Warning(
            "The token view has no address, so {% sockgate_client %} cannot be used.",
            hint='Add path("realtime/", include("djangoauth.urls")) to your URLs.',
            id="sockgate.W001",
        )


@register(TAG)
def check_staticfiles(**_: Any) -> Iterable[CheckMessage]:
    """W002 no address for the client."""
    if not settings.STATIC_URL:
        yield Warning(
            "STATIC_URL is not set, so {% sockgate_client %} cannot name the client's address.",
            id="sockgate.W002",
        )


@register(TAG)
def check_templates(**_: Any) -> Iterable[CheckMessage]:
    """W003 templates without the request."""
    backends = [backend for backend in engines.all() if isinstance(backend, DjangoTemplates)]
    if backends and not any(
        _REQUEST_PROCESSOR in backend.engine.context_processors for backend in backends
    ):
        yield Warning(
            "No template engine has the request, so {% sockgate_client %} cannot be used.",
            hint=f"Add {_REQUEST_PROCESSOR!r} to its context_processors.",
            id="sockgate.W003",
        )


@register(TAG)
def check_namespaces(**_: Any) -> Iterable[CheckMessage]:
    """E009 a namespace whose policy is bad."""
    config = getattr(settings, "SOCKGATE", {})
    namespaces = config.get("NAMESPACES") if isinstance(config, Mapping) else None
    for problem in policies.problems(namespaces) if isinstance(namespaces, Mapping) else ():
        yield Error(problem, id="sockgate.E009")


@register(TAG)
def check_authorize(**_: Any) -> Iterable[CheckMessage]:
    """E010 an ``AUTHORIZE`` that cannot be called."""
    config = readable_settings()
    path = config.authorize if config else None
    if isinstance(path, str) and not callable(_imported(path)):
        yield Error(
            f'SOCKGATE["AUTHORIZE"]: {path!r} cannot be imported, or called.',
            hint="It is the dotted path of a callable that takes the request and the channel.",
            id="sockgate.E010",
        )


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:
        return None
