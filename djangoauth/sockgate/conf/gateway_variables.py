"""The gateway's environment variables, as Django's settings determine them.

The commands ``sockgate_gateway`` and ``sockgate_env`` and the development server pass these on, so
that both halves have the same Redis, signing keys and prefixes.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from sockgate_gateway.wire.key_ids import key_ids
from sockgate_gateway.wire.secrets import Secret

from .settings import current

SECRETS = frozenset({"SOCKGATE_REDIS_URL", "SOCKGATE_SIGNING_KEYS"})
ORIGINS = "SOCKGATE_ORIGINS"
PREFIX = "SOCKGATE_PREFIX"

_GATEWAY_DECIDES = frozenset({ORIGINS, PREFIX})
"""Variables that the environment may set otherwise than Django's settings suggest."""


def variables_of_settings() -> dict[str, str]:
    """Return the variables, by name.

    Raises:
        ImproperlyConfigured: the settings are bad, or a variable cannot hold a signing key.
    """
    config, raw = current(), getattr(settings, "SOCKGATE", {})
    found = {
        "SOCKGATE_REDIS_URL": config.redis_url,
        "SOCKGATE_REDIS_CREDENTIALS": _path_of(config.redis_credentials),
        "SOCKGATE_SIGNING_KEYS": _join_keys(config.signing_keys),
        "SOCKGATE_KEY_PREFIX": config.key_prefix,
        "SOCKGATE_CHANNEL_PREFIX": raw.get("CHANNEL_PREFIX") or "",
        "SOCKGATE_TOKEN_MAX_AGE": str(config.token_max_age),
        "SOCKGATE_GRANT_MAX_AGE": str(config.token_max_age),
        "SOCKGATE_MAX_PUBLICATION": str(config.max_payload) if "MAX_PAYLOAD" in raw else "",
        "SOCKGATE_LIVE_RATE": str(config.live_rate) if "LIVE_RATE" in raw else "",
        "SOCKGATE_PRESENCE_SIGNALS": "yes" if config.presence_signals else "",
        PREFIX: path_of(config.gateway_url),
        ORIGINS: ",".join(origins_of_site()),
    }
    return {name: text for name, text in found.items() if text}


def _path_of(factory: object) -> str:
    """Return the path of a factory for the gateway; empty: it has none, or its name is local."""
    if isinstance(factory, str) or factory is None:
        return factory or ""
    module, name = getattr(factory, "__module__", ""), getattr(factory, "__qualname__", "")
    return f"{module}:{name}" if module and name.isidentifier() else ""


def merged(environ: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the gateway: Django's values, and all others as they are."""
    kept = {name: environ[name] for name in _GATEWAY_DECIDES if environ.get(name)}
    return {**environ, **ours, **kept}


def overruled(environ: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """Return the variables of the environment whose value is not Django's."""
    names = sorted(ours.keys() - _GATEWAY_DECIDES)
    return [name for name in names if environ.get(name, ours[name]) not in ("", ours[name])]


def path_of(gateway_url: str) -> str:
    """Return the path under which the gateway serves; empty: the URL names none."""
    path = gateway_url.lstrip(":0123456789") if gateway_url.startswith(":") else gateway_url
    return urlsplit(path).path.rstrip("/")


def origins_of_site() -> list[str]:
    """Return the origins of the site's pages; ``https://*.domain`` is a domain with subdomains."""
    is_secure = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    schemes = ("https",) if is_secure else ("https", "http")
    found = (f"{scheme}://{host}" for host in hosts_of_site() for scheme in schemes)
    return list(dict.fromkeys([*found, *trusted_origins()]))


def hosts_of_site() -> list[str]:
    """Return the hosts of ``ALLOWED_HOSTS``, and ``*.domain`` for ``.domain``; not ``*``."""
    hosts = (f"*{host}" if host.startswith(".") else host for host in settings.ALLOWED_HOSTS)
    return [host for host in hosts if _is_host(host)]


def trusted_origins() -> list[str]:
    """Return the entries of ``CSRF_TRUSTED_ORIGINS`` that the gateway knows, too."""
    parts = ((origin, origin.partition("://")) for origin in settings.CSRF_TRUSTED_ORIGINS)
    return [origin for origin, (_, _, host) in parts if _is_host(host)]


def _is_host(text: str) -> bool:
    # The gateway refuses every host of a top-level domain.
    host = text.removeprefix("*.")
    is_wide = host != text and "." not in host and host.partition(":")[0] != "localhost"
    return bool(host) and not is_wide and not set(host) & set("*/,@ ")


def _join_keys(keys: Iterable[str]) -> str:
    for place, key in enumerate(keys):
        if "," in key or key != key.strip():
            raise ImproperlyConfigured(
                f'SOCKGATE["SIGNING_KEYS"]: key {place} has a comma or outer spaces, which '
                "SOCKGATE_SIGNING_KEYS, the variable of the gateway, cannot hold."
            )
    return Secret(",".join(keys))


def fingerprints() -> list[str]:
    """Return the fingerprints of the signing keys, as the gateway's log names them."""
    return key_ids(current().signing_keys)
