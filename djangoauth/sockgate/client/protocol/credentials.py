"""Tokens and grants: kept until most of their lifetime is over, then fetched again.

So a restart of the gateway causes no request to Django. Neither is ever logged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import Protocol

from ..errors import CredentialsError
from .actions import FetchGrant, FetchToken, Outputs
from .timers import Timers

_USED_SHARE = 0.9
"""The rest allows for the way to the gateway, and for clocks that differ."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token.

    Args:
        token: for the ``connect`` frame.
        expires_in_s: its lifetime; None: as long as the gateway accepts it.
        url: of the gateway, as the site names it; empty: unknown.
    """

    token: str
    expires_in_s: float | None = None
    url: str = ""

    def __repr__(self) -> str:
        return "IssuedToken(…)"


@dataclass(frozen=True, slots=True)
class IssuedGrant:
    """A grant for one channel; None where the channel is public."""

    grant: str | None
    expires_in_s: float | None = None

    def __repr__(self) -> str:
        return "IssuedGrant(…)"


class CredentialSource(Protocol):
    """Fetches tokens and grants. It raises ``CredentialsError`` where it cannot."""

    async def fetch_token(self) -> IssuedToken:
        """Fetch a token."""

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        """Fetch the grant of a channel."""


Fetched = Callable[[str | None, CredentialsError | None], None]
"""Receives a token or a grant, or the error."""


class Tokens:
    """The token of a client, and the URL of its gateway.

    Args:
        timers: for the time.
        outputs: take requests to fetch.
        url: of the gateway; empty: as the site names it.
    """

    def __init__(self, timers: Timers, outputs: Outputs, url: str = "") -> None:
        self.url = url
        self._is_url_fixed = bool(url)
        self._timers = timers
        self._outputs = outputs
        self._numbers = count(1)
        self._token = ""
        self._fresh_until = 0.0
        self._pending: tuple[int, Fetched] | None = None

    def get(self, callback: Fetched) -> None:
        """Pass on the kept token while it is fresh, else a new one."""
        if self._token and self._timers.now() < self._fresh_until:
            callback(self._token, None)
            return
        number = next(self._numbers)
        self._pending = number, callback
        self._outputs.put(FetchToken(number))

    def drop(self) -> None:
        """Forget a token that was refused."""
        self._token = ""

    def cancel(self) -> None:
        """Ignore the answer to the request under way."""
        self._pending = None

    def fetched(self, number: int, issued: IssuedToken) -> None:
        """Keep a token, and pass it on."""
        callback = self._settle(number)
        if callback is None:
            return
        self._token = issued.token
        self._fresh_until = _fresh_until(self._timers, issued.expires_in_s)
        if issued.url and not self._is_url_fixed:
            self.url = issued.url
        callback(issued.token, None)

    def failed(self, number: int, error: CredentialsError) -> None:
        """Pass on that no token could be fetched."""
        callback = self._settle(number)
        if callback is not None:
            callback(None, error)

    def _settle(self, number: int) -> Fetched | None:
        if self._pending is None or self._pending[0] != number:
            return None
        (_, callback), self._pending = self._pending, None
        return callback


class Grants:
    """The grants of a client's channels."""

    def __init__(self, timers: Timers, outputs: Outputs) -> None:
        self._timers = timers
        self._outputs = outputs
        self._numbers = count(1)
        self._kept: dict[str, tuple[str | None, float]] = {}
        self._pending: dict[int, tuple[str, Fetched]] = {}

    def get(self, channel: str, callback: Fetched) -> None:
        """Pass on the kept grant while it is fresh, else a new one."""
        grant, fresh_until = self._kept.get(channel, (None, -inf))
        if self._timers.now() < fresh_until:
            callback(grant, None)
            return
        number = next(self._numbers)
        self._pending[number] = channel, callback
        self._outputs.put(FetchGrant(number, channel))

    def keep(self, channel: str, issued: IssuedGrant) -> None:
        """Keep the grant of a channel."""
        self._kept[channel] = issued.grant, _fresh_until(self._timers, issued.expires_in_s)

    def drop(self, channel: str) -> None:
        """Forget a grant that is of no use any more."""
        self._kept.pop(channel, None)

    def fetched(self, number: int, issued: IssuedGrant) -> None:
        """Keep a grant, and pass it on."""
        channel, callback = self._pending.pop(number)
        self.keep(channel, issued)
        callback(issued.grant, None)

    def failed(self, number: int, error: CredentialsError) -> None:
        """Pass on that no grant could be fetched."""
        _, callback = self._pending.pop(number)
        callback(None, error)


def _fresh_until(timers: Timers, expires_in_s: float | None) -> float:
    return inf if expires_in_s is None else timers.now() + expires_in_s * _USED_SHARE
