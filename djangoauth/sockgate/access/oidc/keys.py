"""The public keys of the provider: given in the settings, or read from its JWKS URL.

Strategy: a set of keys is used for ``LIFETIME_S``. A token that names an unknown key causes one
more request, because the provider may have a new key. Anybody can send such tokens, so there are
``COOLDOWN_S`` between two requests. While the provider does not answer, the former keys stay for
``STALE_S``.

One thread of its own reads the keys, within one deadline, and holds no lock meanwhile. Of the
views, ``MAX_WAITING`` wait for it at a time: a provider that drips must not hold every thread of a
site whose logout view anybody can call.
"""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from .errors import ProviderUnavailable
from .fetching import TIMEOUT_S, fetch

LIFETIME_S = 300.0
COOLDOWN_S = 30.0
STALE_S = 3600.0
MAX_WAITING = 2
MAX_KEYS = 50

log = logging.getLogger("sockgate")

Key = Mapping[str, Any]
"""A JSON Web Key."""


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
        self._waiting = 0
        self._arrival: Event | None = None  # Of the reading that goes on.
        self._keys: tuple[Key, ...] = ()
        self._read_at = self._asked_at = float("-inf")

    def find(self, kid: str | None) -> tuple[Key, ...]:
        """Return the keys of this name; without a name, all.

        Raises:
            ProviderUnavailable: there are no keys, and the provider does not answer in time.
        """
        arrival = self._begin(kid)
        if arrival is not None:
            self._wait(arrival)
        with self._lock:
            if self._clock() - self._read_at >= STALE_S:
                raise ProviderUnavailable("the key set has not been read for too long")
            return select(self._keys, kid)

    def _begin(self, kid: str | None) -> Event | None:
        """Begin to read the keys if that is due; return the reading for which to wait."""
        with self._lock:
            now = self._clock()
            if now - self._read_at < LIFETIME_S and select(self._keys, kid):
                return None
            if self._arrival is None and now - self._asked_at >= COOLDOWN_S:
                self._asked_at, self._arrival = now, Event()
                Thread(target=self._renew, args=(self._arrival,), daemon=True).start()
            return self._arrival

    def _wait(self, arrival: Event) -> None:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise ProviderUnavailable("the key set is being read for other logouts")
            self._waiting += 1
        try:
            arrival.wait(TIMEOUT_S)
        finally:
            with self._lock:
                self._waiting -= 1

    def _renew(self, arrival: Event) -> None:
        keys = None
        try:
            keys = keys_of(self._read(self._url))
        except ProviderUnavailable as error:
            log.warning("OIDC: %s", error)
        finally:
            with self._lock:
                if keys is not None:
                    self._keys, self._read_at = keys, self._clock()
                self._arrival = None
            arrival.set()


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
