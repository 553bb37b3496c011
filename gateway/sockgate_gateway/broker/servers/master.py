"""The current master of a service, and how often it was replaced, as the Sentinels report it.

Strategy: Sentinels count failovers in the config epoch of the service. Two failovers may lead back
to a server that was never a replica in between and still answers as before; only the config epoch
shows that there was another master. The address that the Sentinels report counts even while they
report it as down, because the known master is then a former one.
"""

import asyncio
from typing import Any, NamedTuple

from redis.asyncio.sentinel import Sentinel
from redis.exceptions import ConnectionError as RedisConnectionError

from ...redis_servers.errors import FAILURES, cause_of


class Master(NamedTuple):
    """A master, and the config epoch in which it is one."""

    address: tuple[str, int]
    generation: int


class MasterTracker:
    """The successive masters of one service.

    Args:
        sentinel: the clients of the Sentinels.
        service: the Sentinels' name of the master.
    """

    def __init__(self, sentinel: Sentinel, service: str) -> None:
        self._sentinel = sentinel
        self._service = service
        self._lock = asyncio.Lock()
        self.current: Master | None = None

    async def update(self) -> Master:
        """Ask the Sentinels for the master; while none answers, the known master stays.

        Raises:
            redis.ConnectionError: no Sentinel reports a master, and none ever has.
        """
        async with self._lock:  # An answer must not come after a newer one.
            return self._latest(*await self._ask())

    def _latest(self, reported: list[Master], failures: list[str]) -> Master:
        latest = max(reported, key=lambda master: master.generation, default=None)
        # An older answer comes from a Sentinel that is behind, unless all Sentinels agree.
        is_known_to_all = len(reported) == len(self._sentinel.sentinels)
        if latest and (is_known_to_all or latest.generation >= self._generation):
            self.current = latest
        if self.current is None:
            causes = "; ".join(failures) or "they do not know it"
            raise RedisConnectionError(f"no Sentinel names a master of {self._service}: {causes}")
        return self.current

    async def _ask(self) -> tuple[list[Master], list[str]]:
        """Ask one Sentinel after the other, until one reports a master that is up."""
        reported: list[Master] = []
        failures: list[str] = []
        for sentinel in self._sentinel.sentinels:
            try:
                states: Any = await sentinel.sentinel_masters()
            except FAILURES as error:
                failures.append(cause_of(error))
                continue
            if state := states.get(self._service):
                reported.append(self._read(state))
                if _is_up(state) and reported[-1].generation >= self._generation:
                    break
        return reported, failures

    def _read(self, state: dict[str, Any]) -> Master:
        """Read one answer; during a failover its config epoch is that of the next master."""
        master = Master((state["ip"], state["port"]), int(state["config-epoch"]))
        is_replaced = "failover_in_progress" in state["flags"]
        if is_replaced and self.current and self.current.address == master.address:
            return self.current
        return master

    @property
    def _generation(self) -> int:
        return self.current.generation if self.current else 0


def _is_up(state: dict[str, Any]) -> bool:
    return bool(state["is_master"]) and not state["is_sdown"] and not state["is_odown"]
