"""The public keys of the provider: given in the settings, or read from its JWKS URL.

Strategy: a set of keys is renewed after ``LIFETIME_S``. A token that names an unknown key causes
one more request, because the provider may have a new key. Anybody can send such tokens, so there
are ``COOLDOWN_S`` between two requests. Until a renewal has succeeded, the former keys are used,
for ``STALE_S``: providers do not repeat a logout, so none is refused, or waits, for a renewal that
it does not need.

One thread of its own reads the keys, within one deadline, and holds no lock meanwhile. Of the views
whose token names an unknown key, or none, ``MAX_WAITING`` wait for it at a time: a provider that
drips must not hold every thread of a site whose logout view anybody can call.

``PyJWKClient`` of PyJWT cannot replace this: it drops the former keys when their lifetime ends, its
cooldown begins with a reading that succeeded, its timeout begins again with each byte, and all
views wait for a lock that is held meanwhile.
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
        is_named = kid is not None and self._knows(kid)
        is_served = arrival is None or is_named or self._wait(arrival)
        if not is_served and not self._knows(kid):
            raise ProviderUnavailable("the key set is being read for other logouts")
        with self._lock:
            if self._is_older_than(STALE_S):
                raise ProviderUnavailable("the key set has not been read for too long")
            return select(self._keys, kid)

    def _begin(self, kid: str | None) -> Event | None:
        """Begin to read the keys if that is due; return the reading that goes on."""
        with self._lock:
            now = self._clock()
            if not self._is_older_than(LIFETIME_S) and select(self._keys, kid):
                return None
            if self._arrival is not None or now - self._asked_at < COOLDOWN_S:
                return self._arrival
            self._asked_at = now
            self._arrival = arrival = Event()
        Thread(target=self._renew, args=(arrival,), daemon=True).start()
        return arrival

    def _knows(self, kid: str | None) -> bool:
        with self._lock:
            return not self._is_older_than(STALE_S) and bool(select(self._keys, kid))

    def _is_older_than(self, age_s: float) -> bool:
        return self._clock() - self._read_at >= age_s

    def _wait(self, arrival: Event) -> bool:
        """Wait for a reading; return False at once if enough others do."""
        with self._lock:
            if self._waiting >= MAX_WAITING:
                return False
            self._waiting += 1
        try:
            arrival.wait(TIMEOUT_S)
            return True
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
    """Return the keys of a key set; what is not a key is left out.

    Raises:
        ProviderUnavailable: the document is not a key set.
    """
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list | tuple):
        raise ProviderUnavailable("the response is not a key set")
    return tuple(key for key in keys[:MAX_KEYS] if isinstance(key, Mapping))


def select(keys: tuple[Key, ...], kid: str | None) -> tuple[Key, ...]:
    """Return the keys for signatures of this name; without a name, all of them."""
    for_signing = (key for key in keys if key.get("use", "sig") == "sig")
    return tuple(key for key in for_signing if kid is None or key.get("kid") == kid)


@cache
def source_at(url: str) -> KeySource:
    """Return the keys at a URL, which this process reads once for all requests."""
    return KeySource(url)
