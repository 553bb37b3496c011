"""Logging in again on a subscribed connection whose credentials end."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from redis.asyncio.connection import AbstractConnection

from ..redis_servers.credentials import RenewedCredentials

RENEWAL_CHECK_S = 1.0


def renewals_of(link: AbstractConnection) -> Iterator[Coroutine[Any, Any, None]]:
    """Return the work that keeps a link logged in; nothing where its credentials do not end."""
    if isinstance(link.credential_provider, RenewedCredentials):
        yield _renew_login(link, link.credential_provider)


async def _renew_login(link: AbstractConnection, credentials: RenewedCredentials) -> None:
    """Log in again whenever there are other credentials; the answer is read with the rest."""
    renewal = credentials.renewals
    while True:
        await asyncio.sleep(RENEWAL_CHECK_S)
        credentials.refresh_async()
        if credentials.renewals != renewal:
            renewal = credentials.renewals
            await link.send_command("AUTH", *credentials.current)
