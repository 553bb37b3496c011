"""The registry of deployments in Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ..config.config import Config
from ..errors import RegistryForbidden
from ..wire.deployments import (
    Deployment,
    Registered,
    deployment_of,
    first_conflict,
    listing,
    read_registered,
    registration,
    withdrawal,
)
from ..wire.scripts import DEPLOYMENTS
from .errors import translated_errors
from .servers.opening import open_servers


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
        if "NOPERM" in str(error) or "ermission" in str(error):
            raise RegistryForbidden(str(error)) from error
        raise


async def find_conflict(config: Config) -> str:
    """Compare a configuration with the live deployments.

    Returns:
        The first conflict; empty: there is none.

    Raises:
        BrokerUnavailable: Redis cannot be used now.
        RegistryForbidden: the Redis user may not use the registry.
    """
    with translated_errors():
        servers = open_servers(config.redis_url)
    ours = deployment_of(config.names, config.signing_keys)
    try:
        registered = await RedisDeployments(servers.client, ours, "").all()
    finally:
        await servers.close()
    return first_conflict(ours, (one.deployment for one in registered))
