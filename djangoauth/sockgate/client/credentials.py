"""Tokens and grants: kept until most of their lifetime is over, then fetched again.

So a restart of the gateway causes no request to Django. Neither is ever logged.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol, TypeVar, cast

from .errors import CredentialsError

_USED_SHARE = 0.9
"""The rest allows for the way to the gateway, and for clocks that differ."""
_FETCH_TIMEOUT_S = 20.0
MAX_GRANT_FETCHES = 16
"""The most at a time: each may need a thread."""

log = logging.getLogger("sockgate.client")
Issued = TypeVar("Issued")


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


class Credentials:
    """The token of a client, under the key "", and the grants of its channels.

    A request to the source goes on when nobody waits for it any more: its thread cannot be ended.

    Args:
        source: fetches them.
    """

    def __init__(self, source: CredentialSource) -> None:
        self._source = source
        self._kept: dict[str, tuple[IssuedToken | IssuedGrant, float]] = {}
        self._fetches: dict[str, asyncio.Task[IssuedToken | IssuedGrant]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._grant_slots = asyncio.Semaphore(MAX_GRANT_FETCHES)

    async def token(self) -> IssuedToken:
        """Return the kept token while it is fresh, else a new one; raises as ``grant``."""
        return cast("IssuedToken", await self._get(""))

    async def grant(self, channel: str) -> IssuedGrant:
        """Return the kept grant while it is fresh, else a new one.

        Raises:
            CredentialsError: there is none.
        """
        return cast("IssuedGrant", await self._get(channel))

    def kept(self, key: str) -> Any:
        """Return what is kept and fresh, or None."""
        issued, fresh_until = self._kept.get(key, (None, -inf))
        return issued if _now() < fresh_until else None

    def keep(self, key: str, issued: IssuedToken | IssuedGrant) -> None:
        """Keep a token or a grant for most of its lifetime."""
        lifetime_s = inf if issued.expires_in_s is None else issued.expires_in_s * _USED_SHARE
        self._kept[key] = issued, _now() + lifetime_s

    def drop(self, key: str = "") -> None:
        """Forget a token or a grant that is of no use any more, also one under way."""
        self._kept.pop(key, None)
        self._fetches.pop(key, None)

    async def aclose(self) -> None:
        """End the requests under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _get(self, key: str) -> IssuedToken | IssuedGrant:
        if self.kept(key) is not None:
            return self._kept[key][0]
        if key not in self._fetches:
            task = self._fetches[key] = asyncio.create_task(self._fetch(key))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await asyncio.shield(self._fetches[key])

    async def _fetch(self, key: str) -> IssuedToken | IssuedGrant:
        try:
            issued: IssuedToken | IssuedGrant
            if key:
                async with self._grant_slots:
                    issued = await _in_time("grant", self._source.fetch_grant(key))
            else:
                issued = await _in_time("token", self._source.fetch_token())
            if self._fetches.get(key) is asyncio.current_task():
                self.keep(key, issued)
            return issued
        finally:
            if self._fetches.get(key) is asyncio.current_task():
                del self._fetches[key]


async def _in_time(what: str, fetching: Coroutine[Any, Any, Issued]) -> Issued:
    try:
        async with asyncio.timeout(_FETCH_TIMEOUT_S):
            return await fetching
    except TimeoutError:
        raise CredentialsError("no answer in time") from None
    except CredentialsError:
        raise
    except Exception as error:
        log.exception("The source of credentials failed to return a %s", what)
        raise CredentialsError(f"no {what} now: {type(error).__name__}") from error


def _now() -> float:
    return asyncio.get_running_loop().time()
