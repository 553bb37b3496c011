"""The environment variables: each option has one, and names of Django's settings are accepted.

Django and the gateway may share one environment. So the variables of settings that only Django has
are no mistake, and an option that Django calls otherwise has both names. An unknown variable is a
problem, because it is probably a misspelt one.
"""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from urllib.parse import urlsplit

from .config import Config, variable

GATEWAY_URL = "SOCKGATE_GATEWAY_URL"
"""Django's address of the gateway for browsers; its path is the option ``prefix``."""

DJANGO_NAMES = {"SOCKGATE_MAX_PAYLOAD": "max_publication"}
"""Options by the name that Django's setting has."""

DJANGO_ONLY = frozenset(
    {
        "SOCKGATE_ANONYMOUS",
        "SOCKGATE_ANONYMOUS_SESSION_AGE",
        "SOCKGATE_AUTHORIZE",
        "SOCKGATE_GROUPS",
        "SOCKGATE_OFFLINE_AFTER",
        "SOCKGATE_PAGE_TIMEOUT",
        "SOCKGATE_PRESENCE_DATA",
        "SOCKGATE_PUBLISH_ON_COMMIT",
        "SOCKGATE_OIDC",
        "SOCKGATE_TENANT",
    }
)
"""Settings of Django that the gateway does not need."""

_OPTIONS = {variable(field.name): field.name for field in fields(Config)}
_KNOWN = frozenset({*_OPTIONS, *DJANGO_NAMES, *DJANGO_ONLY, GATEWAY_URL})


def read_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each option that a variable sets; the gateway's own name wins."""
    found = {"port": environ["PORT"]} if environ.get("PORT") else {}
    if path := _path(environ.get(GATEWAY_URL, "")):
        found["prefix"] = path
    for names in (DJANGO_NAMES, _OPTIONS):
        found |= {option: environ[name] for name, option in names.items() if name in environ}
    return found


def find_unknown(environ: Mapping[str, str]) -> list[str]:
    """Return a problem for each ``SOCKGATE_…`` variable that neither half knows."""
    unknown = (name for name in environ if name.startswith("SOCKGATE_") and name not in _KNOWN)
    return [f"{name}: unknown variable{_suggestion(name)}" for name in sorted(unknown)]


def _suggestion(name: str) -> str:
    near = get_close_matches(name, sorted(_KNOWN), n=1, cutoff=0.75)
    return f"; the nearest one is {near[0]}" if near else ""


def _path(url: str) -> str:
    """Return the path of a URL, of a path, or of a port and a path such as ``:8001/realtime``."""
    text = url.lstrip(":0123456789") if url.startswith(":") else url
    try:
        return urlsplit(text).path.rstrip("/")
    except ValueError:  # Django reports it.
        return ""
