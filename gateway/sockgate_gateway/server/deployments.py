"""A guard that keeps deployments on one Redis server apart.

A worker refuses every connect until its configuration was compared with those of the other live
workers. When two conflict, the one that registered first goes on serving, and the other refuses. A
worker whose keys were replaced refuses, too, although it registered first.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from ..errors import BrokerUnavailable, RegistryForbidden
from ..wire.deployments import BEAT_S, Deployment, Registered, first_conflict, replacement

log = logging.getLogger("sockgate.broker")

RETRY_S = 1.0
LOG_EVERY_S = 60.0


class DeploymentRegistry(Protocol):
    """The list of live workers in Redis."""

    async def register(self) -> list[Registered]:
        """Register this worker, and list all live ones.

        Raises:
            BrokerUnavailable: Redis does not answer now.
            RegistryForbidden: the Redis user may not use the registry.
        """

    async def withdraw(self) -> None:
        """Remove this worker; raises as ``register`` does."""


class ConnectGate(Protocol):
    """Admits connections to this worker, or refuses all of them."""

    def refuse_all(self, reason: str) -> None:
        """Refuse every connect, and close every connection, for this reason."""

    def admit_all(self) -> None:
        """Accept connects again."""


class DeploymentGuard:
    """Decide whether this worker may serve.

    Args:
        registry: where live workers are registered.
        deployment: of this gateway.
        worker: the id of this worker.
        gate: refuses every connect while the worker may not serve.
        clock: returns seconds.
    """

    def __init__(
        self,
        registry: DeploymentRegistry,
        deployment: Deployment,
        worker: str,
        gate: ConnectGate,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._deployment = deployment
        self._worker = worker
        self._gate = gate
        self._clock = clock
        self._refusal = "not yet compared with other deployments on this Redis server"
        self._logged_at = float("-inf")
        self._is_warned = False
        gate.refuse_all(self._refusal)

    async def run(self) -> None:
        """Compare periodically, until cancelled."""
        while True:
            await self.compare()
            await asyncio.sleep(RETRY_S if self._refusal else BEAT_S)

    async def compare(self) -> None:
        """Register, and compare with those that registered before."""
        try:
            registered = await self._registry.register()
        except RegistryForbidden as error:
            self._warn(error)
        except BrokerUnavailable as error:
            if self._refusal:
                self._refuse(f"deployments cannot be compared: Redis does not answer ({error})")
        else:
            await self._decide(registered)

    async def withdraw(self) -> None:
        """Remove this worker from the registry, because it stops."""
        try:
            await self._registry.withdraw()
        except (BrokerUnavailable, RegistryForbidden) as error:
            log.warning("event=deployment_not_withdrawn cause=%r", str(error))

    async def _decide(self, registered: list[Registered]) -> None:
        others = (one.deployment for one in registered)
        problem = replacement(self._deployment, others) or first_conflict(
            self._deployment, self._earlier(registered)
        )
        if problem:
            self._refuse(problem)
            await self.withdraw()
        else:
            self._allow()

    def _earlier(self, registered: list[Registered]) -> list[Deployment]:
        order = {one.worker: (one.since, one.worker) for one in registered}
        own = order[self._worker]
        return [one.deployment for one in registered if order[one.worker] < own]

    def _warn(self, error: RegistryForbidden) -> None:
        if not self._is_warned:
            self._is_warned = True
            log.warning(
                "event=deployments_not_compared cause=%r hint=%r",
                str(error),
                "let the Redis user run SELECT and use the key sockgate:deployments",
            )
        self._allow()

    def _allow(self) -> None:
        if self._refusal:
            self._refusal = ""
            self._gate.admit_all()

    def _refuse(self, reason: str) -> None:
        is_news = reason != self._refusal
        self._refusal = reason
        if is_news:
            self._gate.refuse_all(reason)
        now = self._clock()
        if is_news or now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            log.error("event=deployment_refused cause=%r", reason)
