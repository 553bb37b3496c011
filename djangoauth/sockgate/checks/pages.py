"""System checks of what pages need: the client, the request in templates, and the URLs.

A URL is reversed and then resolved: the commonest mistake is a catch-all above ``sockgate.urls``,
which answers the token view's URL with a page of its own.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve
from sockgate_gateway.wire.secrets import without_login

from ..conf.gateway_variables import path_of
from .settings import TAG, readable_settings
from .site_views import view_paths

CLIENT = "static/sockgate/sockgate.js"
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
"""The names of sockjs-client 1.6; the option of the gateway has underscores."""

DEFAULT_PREFIX = "/realtime"
"""Of the gateway (``SOCKGATE_PREFIX``)."""

_REQUEST_PROCESSOR = "django.template.context_processors.request"


@register(TAG)
def check_transports(**_: Any) -> Iterable[CheckMessage]:
    """W004 names that are not transports of sockjs-client, which would ignore them."""
    config = readable_settings()
    unknown = set((config and config.transports) or ()) - SOCKJS_TRANSPORTS
    if unknown:
        yield Warning(
            f'SOCKGATE["TRANSPORTS"]: the client ignores {", ".join(sorted(unknown))}.',
            hint=f"The transports are {', '.join(sorted(SOCKJS_TRANSPORTS))}.",
            id="sockgate.W004",
        )


@register(TAG)
def check_urls(**_: Any) -> Iterable[CheckMessage]:
    """W001 no URL of the token view; W005 a URL of a view that another URL pattern answers."""
    try:
        addresses = view_paths()
    except ImproperlyConfigured:
        addresses = []
    if not addresses:
        yield Warning(
            "The token view has no URL, so {% sockgate_client %} cannot be used.",
            hint='Add path("realtime/", include("sockgate.urls")) to your URLs.',
            id="sockgate.W001",
        )
    hidden: dict[str, list[str]] = {}
    for address in addresses:
        match = _resolve(address)
        if match is not None and not _is_ours(match):
            pattern = f"{match.route!r}, which calls {match._func_path}"
            hidden.setdefault(pattern, []).append(address)
    for pattern, paths in hidden.items():
        yield Warning(
            f"Another URL pattern above sockgate.urls answers {', '.join(paths)}: {pattern}. "
            "The client receives its answer in place of a token or a grant.",
            hint='Move path("realtime/", include("sockgate.urls")) above it.',
            id="sockgate.W005",
        )


def _resolve(address: str) -> ResolverMatch | None:
    path = "/" + address.removeprefix(get_script_prefix()).lstrip("/")
    try:
        return resolve(path)
    except Resolver404:
        return None  # It is reversed and resolved differently, for example for another host.


def _is_ours(match: ResolverMatch) -> bool:
    is_included = match.app_names[-1:] == ["sockgate"]
    return is_included or getattr(match.func, "__module__", "") == "sockgate.views"


@register(TAG)
def check_gateway_path(**_: Any) -> Iterable[CheckMessage]:
    """W007 a ``GATEWAY_URL`` without the gateway's prefix."""
    config = readable_settings()
    if config is None:
        return
    url, known = config.gateway_url, os.environ.get("SOCKGATE_PREFIX", "")
    path, prefix = path_of(url), known or DEFAULT_PREFIX
    if not path or not path.endswith(known):
        yield Warning(
            f'SOCKGATE["GATEWAY_URL"] is {without_login(url)!r}, without the path under which '
            f"the gateway serves: {prefix} (SOCKGATE_PREFIX).",
            hint=f'Set "GATEWAY_URL": "{_with_path(url, prefix)}".',
            id="sockgate.W007",
        )


def _with_path(url: str, path: str) -> str:
    if url.startswith(":"):
        return url.partition("/")[0] + path
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, path=path, query="", fragment="").geturl()


@register(TAG)
def check_staticfiles(**_: Any) -> Iterable[CheckMessage]:
    """W002 no URL of the client."""
    if not settings.STATIC_URL:
        yield Warning(
            "STATIC_URL is not set, so {% sockgate_client %} cannot load the client.",
            id="sockgate.W002",
        )


@register(TAG)
def check_client_built(**_: Any) -> Iterable[CheckMessage]:
    """W107 no built client, as in a checkout without ``make build``."""
    if (Path(__file__).parents[1] / CLIENT).is_file():
        return
    yield Warning(
        f"{CLIENT} is missing, so pages with {{% sockgate_client %}} cannot load the client.",
        hint="Install the released package. In a checkout of Sockgate run make build "
        "(it needs npm). Then run collectstatic where the site needs it.",
        id="sockgate.W107",
    )


@register(TAG)
def check_templates(**_: Any) -> Iterable[CheckMessage]:
    """W003 no template engine with the request in its context."""
    backends = [backend for backend in engines.all() if isinstance(backend, DjangoTemplates)]
    if backends and not any(
        _REQUEST_PROCESSOR in backend.engine.context_processors for backend in backends
    ):
        yield Warning(
            "No template engine has the request in its context, so {% sockgate_client %} fails.",
            hint=f"Add {_REQUEST_PROCESSOR!r} to its context_processors.",
            id="sockgate.W003",
        )
