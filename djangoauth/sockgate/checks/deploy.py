"""System checks of ``manage.py check --deploy``: settings that break pushes, or their security.

Every process of a site imports this module, and few run the checks. So modules that nothing else
needs are imported by the check that needs them.
"""

import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.cache import caches
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.http.request import validate_host
from django.urls import NoReverseMatch, reverse

from ..sessions.base import recorded_engine
from .settings import TAG, readable_settings

MIN_KEY_VARIETY = 10
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


def _cookies() -> tuple[str, ...]:
    """List the cookies that the token view needs, by the prefix of their settings."""
    return ("SESSION",) if settings.CSRF_USE_SESSIONS else ("SESSION", "CSRF")


@register(TAG, deploy=True)
def check_cookie_samesite(**_: Any) -> Iterable[CheckMessage]:
    """E101 a session or CSRF cookie that browsers drop."""
    for kind in _cookies():
        is_secure = getattr(settings, f"{kind}_COOKIE_SECURE")
        if getattr(settings, f"{kind}_COOKIE_SAMESITE") == "None" and not is_secure:
            yield Error(
                f'Browsers drop a cookie of {kind}_COOKIE_SAMESITE = "None" that is not secure.',
                hint=f"Set {kind}_COOKIE_SECURE = True.",
                id="sockgate.E101",
            )


@register(TAG, deploy=True)
def check_cookie_prefix(**_: Any) -> Iterable[CheckMessage]:
    """E105 a cookie that browsers drop: it lacks what its name's prefix requires (RFC 6265bis)."""
    for kind in _cookies():
        name = getattr(settings, f"{kind}_COOKIE_NAME")
        if not _fits_its_prefix(kind, name.lower()):
            yield Error(
                f"Browsers drop the cookie {name!r}: its name requires {kind}_COOKIE_SECURE, "
                f'and "__Host-" requires {kind}_COOKIE_PATH = "/" and no {kind}_COOKIE_DOMAIN.',
                id="sockgate.E105",
            )


def _fits_its_prefix(kind: str, name: str) -> bool:
    if not name.startswith(("__secure-", "__host-")):
        return True
    path, domain = (getattr(settings, f"{kind}_COOKIE_{part}") for part in ("PATH", "DOMAIN"))
    is_of_host = path == "/" and not domain
    return getattr(settings, f"{kind}_COOKIE_SECURE") and (name.startswith("__s") or is_of_host)


@register(TAG, deploy=True)
def check_cookie_path(**_: Any) -> Iterable[CheckMessage]:
    """E102 a session or CSRF cookie that browsers do not send to the token view."""
    try:
        address = reverse("sockgate:token")
    except NoReverseMatch:
        return
    for name in ("SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH"):
        path = getattr(settings, name).rstrip("/") + "/"
        if not address.startswith(path):
            yield Error(
                f"{name} = {path!r}: browsers do not send the cookie to {address}, the token view.",
                id="sockgate.E102",
            )


@register(TAG, deploy=True)
def check_cookie_domain(**_: Any) -> Iterable[CheckMessage]:
    """E104 a cookie for another domain than the site's, which browsers drop."""
    for name in ("SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN"):
        domain = getattr(settings, name)
        hosts = [host for host in settings.ALLOWED_HOSTS if host != "*"]
        if domain and hosts and not any(_is_within(host, domain) for host in hosts):
            yield Error(
                f"{name} = {domain!r} fits no host in ALLOWED_HOSTS: browsers drop the cookie.",
                id="sockgate.E104",
            )


def _is_within(host: str, domain: str) -> bool:
    bare, wanted = host.lower().lstrip("."), domain.lower().lstrip(".")
    return bare == wanted or bare.endswith(f".{wanted}")


@register(TAG, deploy=True)
def check_keys_varied(**_: Any) -> Iterable[CheckMessage]:
    """W108 signing keys with few different characters, which may have been typed by hand."""
    config = readable_settings()
    for place, key in enumerate(config.signing_keys if config else ()):
        if len(set(key)) < MIN_KEY_VARIETY:
            yield Warning(
                f"Signing key {place} has fewer than {MIN_KEY_VARIETY} different characters.",
                hint='Make one with python -c "import secrets; print(secrets.token_urlsafe(48))".',
                id="sockgate.W108",
            )


@register(TAG, deploy=True)
def check_session_cache(**_: Any) -> Iterable[CheckMessage]:
    """W111 sessions in a cache of one process: a session that ends there stays in the others."""
    from django.core.cache.backends.locmem import LocMemCache

    keeps_in_cache = hasattr(recorded_engine(), "cache_key_prefix")
    if keeps_in_cache and isinstance(caches[settings.SESSION_CACHE_ALIAS], LocMemCache):
        yield Warning(
            "SESSION_CACHE_ALIAS is a cache of one process: a session that another process "
            "ends, by a logout or by revoke_user, stays in this cache.",
            hint="Use a cache that all processes share, or sockgate.sessions.db.",
            id="sockgate.W111",
        )


@register(TAG, deploy=True)
def check_cache_of_redis(**_: Any) -> Iterable[CheckMessage]:
    """W124 a cache in the same database of Redis: ``cache.clear()`` deletes all logins."""
    config = readable_settings()
    ours = _redis_place(config.redis_url) if config else None
    for alias, cache in settings.CACHES.items():
        if "redis" not in cache["BACKEND"].lower():
            continue
        found = cache.get("LOCATION") or ""
        urls = found if isinstance(found, list | tuple) else re.split("[;,]", str(found))
        if ours and ours in map(_redis_place, urls):
            yield Warning(
                f'CACHES["{alias}"] and SOCKGATE["REDIS_URL"] are one database of Redis, and '
                "cache.clear() empties it (FLUSHDB): all users are logged out.",
                hint="Give them databases of their own, such as redis://…/0 and redis://…/1.",
                id="sockgate.W124",
            )


def _redis_place(url: str) -> tuple[str, str, int] | None:
    """Return what two URLs of one database have in common."""
    from sockgate_gateway.wire.addresses import read_address
    from sockgate_gateway.wire.errors import AddressError

    try:
        address = read_address(url)
    except AddressError:
        return None
    parts = urlsplit(address.server_url)
    host = "localhost" if parts.hostname in _LOCAL_HOSTS else parts.hostname or parts.path
    return host, str(parts.port or 6379), address.database


@register(TAG, deploy=True)
def check_dependencies(**_: Any) -> Iterable[CheckMessage]:
    """W114 an installed package with a known vulnerability."""
    from sockgate_gateway.advisories import known_holes

    for hole in known_holes():
        yield Warning(f"{hole}.", id="sockgate.W114")


@register(TAG, deploy=True)
def check_mixed_content(**_: Any) -> Iterable[CheckMessage]:
    """W101 an http:// gateway for https:// pages."""
    is_secure_site = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    if is_secure_site and _gateway_url().scheme == "http":
        yield Warning(
            'SOCKGATE["GATEWAY_URL"] is http://, which browsers block in an https:// page.',
            id="sockgate.W101",
        )


@register(TAG, deploy=True)
def check_gateway_host(**_: Any) -> Iterable[CheckMessage]:
    """W102 a gateway that only this host can reach."""
    if _gateway_url().hostname in _LOCAL_HOSTS:
        yield Warning(
            'SOCKGATE["GATEWAY_URL"] is on localhost, which browsers on other hosts cannot reach.',
            id="sockgate.W102",
        )


def _gateway_url() -> Any:
    config = readable_settings()
    return urlsplit(config.gateway_url if config else "")


@register(TAG, deploy=True)
def check_views(**_: Any) -> Iterable[CheckMessage]:
    """W122 a view that the site's address does not lead to; I102 nothing answers there."""
    from .site_views import view_problems

    return () if settings.DEBUG else view_problems()


@register(TAG, deploy=True)
def check_debug(**_: Any) -> Iterable[CheckMessage]:
    """W103 DEBUG is on."""
    if settings.DEBUG:
        yield Warning(
            "DEBUG is on: error pages show settings and local variables to every visitor.",
            id="sockgate.W103",
        )


def _origins() -> list[str]:
    """List the gateway's origins, where Django has the same environment variable."""
    return list(filter(None, map(str.strip, os.environ.get("SOCKGATE_ORIGINS", "").split(","))))


@register(TAG, deploy=True)
def check_origins(**_: Any) -> Iterable[CheckMessage]:
    """W104 origins of the gateway that are not this site's."""
    for origin in _origins():
        host = urlsplit(origin).hostname or origin
        is_ours = validate_host(host, settings.ALLOWED_HOSTS) or _is_trusted(origin)
        if origin == "*" or host in _LOCAL_HOSTS or not is_ours:
            yield Warning(
                f"SOCKGATE_ORIGINS allows pages of {origin!r}, which are not of this site.",
                hint="List only origins that are in ALLOWED_HOSTS or CSRF_TRUSTED_ORIGINS.",
                id="sockgate.W104",
            )


@register(TAG, deploy=True)
def check_cookie_reach(**_: Any) -> Iterable[CheckMessage]:
    """W109 pages that get no token, because their requests carry no session cookie."""
    for origin in _origins():
        cause = _cookie_obstacle(urlsplit(origin))
        if cause:
            yield Warning(f"Pages of {origin!r} get no token: {cause}.", id="sockgate.W109")


def _cookie_obstacle(origin: SplitResult) -> str:
    if origin.scheme == "http" and settings.SESSION_COOKIE_SECURE:
        return "with SESSION_COOKIE_SECURE, browsers send no cookie over http://"
    sites = {_site(host) for host in settings.ALLOWED_HOSTS if host != "*"}
    is_elsewhere = sites and origin.hostname and _site(origin.hostname) not in sites
    if is_elsewhere and settings.SESSION_COOKIE_SAMESITE in ("Lax", "Strict"):
        return (
            f"with SESSION_COOKIE_SAMESITE = {settings.SESSION_COOKIE_SAMESITE!r}, "
            "browsers send no cookie to another site"
        )
    return ""


def _site(host: str) -> str:
    """Return the site of a host. For ``co.uk`` it is too wide, so that a warning may be missing."""
    return ".".join(host.lower().strip(".").split(".")[-2:])


def _is_trusted(origin: str) -> bool:
    scheme, host = origin.partition("://")[::2]
    trusted = (entry.partition("://")[::2] for entry in settings.CSRF_TRUSTED_ORIGINS)
    return any(scheme == s and validate_host(host, [h.removeprefix("*")]) for s, h in trusted)
