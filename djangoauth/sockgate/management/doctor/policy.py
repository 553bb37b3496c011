"""The Content-Security-Policy of a page: may its scripts connect to the gateway?

Strategy: only what browsers certainly block is a failure. So http and ws are taken as one scheme,
and https and wss, as browsers differ there; and a source's path is not compared.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ...checks.site_http import Answer
from .report import StepFailed

HEADER = "Content-Security-Policy"
_PORTS = {"http": 80, "https": 443}
_FALLBACKS = ("connect-src", "default-src")


def check_policy(page: Answer, gateway_url: str) -> str:
    """Check that a page may connect to the gateway.

    Args:
        page: the answer to a GET, with ``url`` as the address that answered.
        gateway_url: the gateway's address, with http or https.

    Raises:
        StepFailed: a policy of the page blocks the gateway.
    """
    policies = [*_policies(page.headers.get(HEADER, ""))]
    wanted = f"ws{gateway_url.removeprefix('http')}"
    for directives in policies:
        directive = next((name for name in _FALLBACKS if name in directives), "")
        sources = directives.get(directive, ["*"])
        blocked = [url for url in (wanted, gateway_url) if not _is_allowed(url, sources, page.url)]
        if blocked:
            raise _blocked(page, directive, blocked)
    if not policies:
        return f"none at {page.url} (HTTP {page.status})"
    return f"of {page.url} allows {wanted}"


def _blocked(page: Answer, directive: str, urls: list[str]) -> StepFailed:
    origins = [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)]
    return StepFailed(
        f"{HEADER} of {page.url} blocks the gateway: {directive} does not allow {urls[0]}.",
        f"Add {' and '.join(origins)} to connect-src of the policy.",
        "no-transport",
    )


def _policies(header: str) -> Iterator[dict[str, list[str]]]:
    """Read the policies of a header; each directive counts once, by its first place."""
    for policy in filter(str.strip, header.split(",")):
        directives: dict[str, list[str]] = {}
        for directive in filter(str.strip, policy.split(";")):
            name, *sources = directive.split()
            directives.setdefault(name.lower(), sources)
        yield directives


def _is_allowed(url: str, sources: list[str], page_url: str) -> bool:
    return any(_matches(source.lower(), url, page_url) for source in sources)


def _matches(source: str, url: str, page_url: str) -> bool:
    if source == "*":
        return True
    if source.startswith("'"):
        return source == "'self'" and _place(url) == _place(page_url)
    if source.endswith(":"):
        return _is_scheme_allowed(source[:-1], url)
    return _matches_host(source, url, page_url)


def _matches_host(source: str, url: str, page_url: str) -> bool:
    scheme, found, rest = source.partition("://")
    if not found:
        scheme, rest = urlsplit(page_url).scheme, source
    host, _, port = rest.partition("/")[0].partition(":")
    wanted_host, wanted_port = _place(url)
    is_default = wanted_port in _PORTS.values()
    is_port_allowed = port in ("*", str(wanted_port)) or (not port and is_default)
    return (
        _is_host_allowed(host, wanted_host) and is_port_allowed and _is_scheme_allowed(scheme, url)
    )


def _is_host_allowed(host: str, wanted: str) -> bool:
    return wanted.endswith(host[1:]) if host.startswith("*.") else host in ("*", wanted)


def _is_scheme_allowed(scheme: str, url: str) -> bool:
    return scheme in ("http", "ws") or _secure(scheme) == _secure(urlsplit(url).scheme) == "https"


def _secure(scheme: str) -> str:
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(_secure(parts.scheme), 0)
