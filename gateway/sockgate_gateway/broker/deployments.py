"""The registry of deployments in Redis."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ..config.config import Config
from ..errors import RegistryForbidden
from ..redis_servers.errors import is_refusal
from ..wire.deployments import (
    Deployment,
    Registered,
    conflict,
    deployment_of,
    listing,
    read_registered,
    registration,
    withdrawal,
)
from ..wire.scripts import DEPLOYMENTS
from .errors import translated_errors
from .servers.opening import servers_of


class RedisDeployments:
    """Register one worker.

    Args:
        client: for short commands.
        deployment: of this gateway.
        worker: the name of the worker.
    """

    def __init__(self, client: Redis, deployment: Deployment, worker: str) -> None:
        self._client: Any = client
        self._deployment = deployment
        self._worker = worker

    async def register(self) -> list[Registered]:
        """Register this worker, and list all live ones.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
            RegistryForbidden: the Redis user may not use the registry.
        """
        return await self._run(registration(self._deployment, self._worker))

    async def withdraw(self) -> None:
        """Remove this worker; raises as ``register`` does."""
        await self._run(withdrawal(self._deployment.database, self._worker))

    async def all(self) -> list[Registered]:
        """List all live workers; raises as ``register`` does."""
        return await self._run(listing(self._deployment.database))

    async def _run(self, arguments: tuple[Any, ...]) -> list[Registered]:
        with translated_errors(), _permission_errors():
            return read_registered(await self._client.eval(DEPLOYMENTS, 1, *arguments))


@contextmanager
def _permission_errors() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        if is_refusal(error):
            raise RegistryForbidden(str(error)) from error
        raise


POLL_S = 0.5
MAX_POLLS = 60
"""A killed worker is gone after ``TTL_S``, half of this."""


async def find_conflict(config: Config, on_wait: Callable[[str], None]) -> str:
    """Compare a configuration with the live deployments.

    A worker that conflicts may have been killed, and is then forgotten soon. So a conflict counts
    when the other worker has renewed its entry meanwhile.

    Args:
        config: of the gateway.
        on_wait: receives the conflict for whose end or confirmation this waits.

    Returns:
        The first conflict; empty: there is none.

    Raises:
        BrokerUnavailable: Redis cannot be used now.
        RegistryForbidden: the Redis user may not use the registry.
    """
    with translated_errors():
        servers = servers_of(config)
    ours = deployment_of(config.names, config.signing_keys, config.replaced_keys)
    try:
        return await _lasting_conflict(RedisDeployments(servers.client, ours, ""), ours, on_wait)
    finally:
        await servers.close()


async def _lasting_conflict(
    registry: RedisDeployments, ours: Deployment, on_wait: Callable[[str], None]
) -> str:
    idle_s: dict[str, float] = {}
    found = ""
    for _ in range(MAX_POLLS):
        conflicting = {
            one.worker: (one.idle_s, problem)
            for one in await registry.all()
            if (problem := conflict(ours, one.deployment))
        }
        if not conflicting:
            return ""
        for worker, (idle, problem) in conflicting.items():
            if idle < idle_s.get(worker, 0):
                return problem  # It was renewed: the worker lives.
            idle_s[worker] = idle
        if not found:
            on_wait(next(iter(conflicting.values()))[1])
        found = problem
        await asyncio.sleep(POLL_S)
    return found
