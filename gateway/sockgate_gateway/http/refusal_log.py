"""A log of requests that are refused because of a wrong configuration.

A browser shows its page only "cannot connect". The log names the cause and the setting. Whatever a
stranger sends is escaped, cut and limited, see ``loop/hint_log.py``.
"""

import logging
import re
from collections.abc import Callable, Collection
from time import monotonic
from urllib.parse import urlsplit

from ..connections.sources import source_of
from ..loop.hint_log import MAX_LENGTH, HintLog, cut
from .origins import normalize_origin

log = logging.getLogger("sockgate.access")

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this computer, which are different hosts for a browser."""

_SEGMENT = r"[^/.]{1,128}"
_TRANSPORT = "websocket|xhr|xhr_streaming|xhr_send|eventsource|htmlfile|jsonp|jsonp_send"
_CLIENT_PATHS = (
    re.compile(rf"(.*)/{_SEGMENT}/{_SEGMENT}/(?:{_TRANSPORT})"),
    re.compile(r"(.*)/(?:info|websocket|iframe[\w.-]*\.html)"),
)
"""Paths that a Sockgate client requests; the group is the prefix."""

_PLAIN_PREFIX = re.compile(r"(?:/[A-Za-z0-9_-]{1,20}){0,2}")
_HIDDEN = "..."
"""In place of a part of a path that may be a token or a session key."""


class RefusalLog:
    """Log refused origins, and requests of clients outside the gateway's prefix.

    Args:
        origins: the allowed ones, normalized.
        prefix: the path under which the gateway serves.
        clock: returns monotonic seconds.

    ``refused_origins``: how many requests they have made.
    """

    def __init__(
        self, origins: Collection[str], prefix: str, clock: Callable[[], float] = monotonic
    ) -> None:
        self._origins = sorted(origins)
        self._prefix = prefix
        self.refused_origins = 0
        self._refused = HintLog(log, "origin_refused", clock)
        self._outside = HintLog(log, "outside_prefix", clock)

    def log_origin(self, claimed: str | None, address: str) -> None:
        """Count and log an origin that was refused.

        Args:
            claimed: an ``Origin`` or ``Referer`` header; the path of the latter is not logged.
            address: of the client.
        """
        self.refused_origins += 1
        origin = _readable(claimed)
        if origin and self._refused.is_due(origin, source_of(address)):
            hint = hint_for_origin(origin, self._origins)
            self._refused.warn("origin=%a", cut(origin), hint=hint)

    def log_path(self, path: str, address: str) -> None:
        """Log a path that a client would request under another prefix than this gateway's.

        Args:
            path: of the request; only the part before the client's own is logged.
            address: of the client.
        """
        asked = _prefix_of(path)
        if asked is None or asked == self._prefix:
            return
        shown = self._without_secrets(asked)
        if self._outside.is_due(shown, source_of(address)):
            values = cut(shown or "/"), cut(self._prefix)
            self._outside.warn("asked=%a expected=%a", *values, hint=self._hint_for_prefix(shown))

    def _without_secrets(self, asked: str) -> str:
        """Return a prefix without parts that may be a token, a session key or another secret."""
        if self._prefix and asked.startswith(f"{self._prefix}/"):
            return f"{self._prefix}/{_HIDDEN}"
        return asked if _PLAIN_PREFIX.fullmatch(asked) else _HIDDEN

    def _hint_for_prefix(self, shown: str) -> str:
        hint = f"end GATEWAY_URL of Django with {self._prefix}"
        if not shown or shown.endswith(_HIDDEN):
            return hint
        return f"{hint}, or set SOCKGATE_PREFIX={shown} if your pages use that"


_HINT_FOR_NULL = (
    "the page has no origin: it is a file or a sandboxed frame. Serve it over http(s), and add its "
    "origin to SOCKGATE_ORIGINS"
)


def _readable(claimed: str | None) -> str:
    """Return an origin, ``null`` too, without the path of a referer; empty: it is none."""
    if claimed == "null":
        return claimed
    try:
        origin = normalize_origin(claimed or "")
    except ValueError:
        return ""
    return origin if len(origin) <= MAX_LENGTH else ""


def hint_for_origin(origin: str, allowed: Collection[str]) -> str:
    """Return what to change so that pages of a refused origin may connect.

    Args:
        origin: the refused one, normalized, or ``null``.
        allowed: the origins of ``SOCKGATE_ORIGINS``, normalized.
    """
    if origin == "null":
        return _HINT_FOR_NULL
    if not allowed:
        return f"SOCKGATE_ORIGINS is not set: set SOCKGATE_ORIGINS={origin} if that is your site"
    twin = next((one for one in allowed if _is_same_computer(one, origin)), None)
    if twin:
        return (
            f"SOCKGATE_ORIGINS has {twin}: localhost and 127.0.0.1 are different origins. Open the "
            f"site as {twin}, or add {origin}"
        )
    host = urlsplit(origin).hostname
    other = next((one for one in allowed if urlsplit(one).hostname == host), None)
    if other:
        return f"SOCKGATE_ORIGINS has {other}, with another scheme or port: add {origin}"
    return f"not in SOCKGATE_ORIGINS: add {origin} if that is your site"


def _is_same_computer(one: str, other: str) -> bool:
    mine, theirs = urlsplit(one), urlsplit(other)
    is_local = {mine.hostname, theirs.hostname} <= LOCAL_HOSTS
    return is_local and (mine.scheme, mine.port) == (theirs.scheme, theirs.port)


def _prefix_of(path: str) -> str | None:
    """Return what is before the client's own part of a path; None: no client requests it."""
    found = (pattern.fullmatch(path) for pattern in _CLIENT_PATHS) if len(path) < 1000 else ()
    return next((match[1] for match in found if match), None)
