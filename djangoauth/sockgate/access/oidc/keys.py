"""The public keys of the provider: given in the settings, or read from its JWKS URL.

Strategy: a set of keys is used for ``LIFETIME_S``. A token that names an unknown key causes one
more request, because the provider may have a new key. Anybody can send such tokens, so there are
``COOLDOWN_S`` between two requests. While the provider does not answer, the former keys stay for
``STALE_S``. A response may not be larger than ``MAX_BYTES``, and redirects are not followed.
"""

import json
import logging
from collections.abc import Callable, Mapping
from functools import cache
from http.client import HTTPException
from threading import Lock
from time import monotonic
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .errors import ProviderUnavailable

LIFETIME_S = 300.0
COOLDOWN_S = 30.0
STALE_S = 3600.0
TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 50

log = logging.getLogger("sockgate")

Key = Mapping[str, Any]
"""A JSON Web Key."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def fetch(url: str) -> Any:
    """Read a JSON document from a provider.

    Raises:
        ProviderUnavailable: no usable response in time.
    """
    # The settings admit https:// alone, and http:// on this machine.
    request = Request(  # noqa: S310
        url, headers={"Accept": "application/json", "User-Agent": "sockgate"}
    )
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ProviderUnavailable(f"the key set has more than {MAX_BYTES} bytes")
        return json.loads(body)
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise ProviderUnavailable(f"the key set cannot be read: {error}") from error


class KeySource:
    """The keys at one URL.

    Args:
        url: of the key set.
        read: reads a JSON document.
        clock: returns monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        read: Callable[[str], Any] = fetch,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = url
        self._read = read
        self._clock = clock
        self._lock = Lock()
        self._keys: tuple[Key, ...] = ()
        self._read_at = self._asked_at = float("-inf")

    def find(self, kid: str | None) -> tuple[Key, ...]:
        """Return the keys of this name; without a name, all.

        Raises:
            ProviderUnavailable: there are no keys, and the provider does not answer.
        """
        with self._lock:
            now = self._clock()
            is_fresh = now - self._read_at < LIFETIME_S
            found = select(self._keys, kid)
            if (not is_fresh or not found) and now - self._asked_at >= COOLDOWN_S:
                self._renew(now)
                found = select(self._keys, kid)
            if self._clock() - self._read_at >= STALE_S:
                raise ProviderUnavailable("the key set has not been read for too long")
            return found

    def _renew(self, now: float) -> None:
        self._asked_at = now
        try:
            self._keys = keys_of(self._read(self._url))
        except ProviderUnavailable as error:
            log.warning("OIDC: %s", error)
        else:
            self._read_at = now


def keys_of(document: Any) -> tuple[Key, ...]:
    """Return the keys of a key set; what is no key is left out.

    Raises:
        ProviderUnavailable: the document is no key set.
    """
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list | tuple):
        raise ProviderUnavailable("the response is no key set")
    return tuple(key for key in keys[:MAX_KEYS] if isinstance(key, Mapping))


def select(keys: tuple[Key, ...], kid: str | None) -> tuple[Key, ...]:
    """Return the keys for signatures of this name; without a name, all of them."""
    for_signing = (key for key in keys if key.get("use", "sig") == "sig")
    return tuple(key for key in for_signing if kid is None or key.get("kid") == kid)


@cache
def source_at(url: str) -> KeySource:
    """Return the keys at a URL, which this process reads once for all requests."""
    return KeySource(url)
