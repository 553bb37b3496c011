"""What this Redis cannot do, asked at the start of a worker and now and then.

Strategy: a service refuses commands for good, so the answer is asked for once. It is asked for
again every five minutes, because an operator may have mended the account meanwhile.
"""

import asyncio
import logging
from typing import Any

from ..config.config import Config
from ..redis_servers.capabilities import Half, Missing, Survey, find_missing_async
from ..redis_servers.errors import FAILURES
from ..wire.addresses import read_address
from .errors import translated_errors
from .servers.opening import servers_of

log = logging.getLogger("sockgate.broker")

INTERVAL_S = 300.0
RETRY_S = 2.0


class CapabilityWatch:
    """Ask until cancelled.

    Args:
        client: for short commands.
        config: names the Redis.
    """

    def __init__(self, client: Any, config: Config) -> None:
        self._client = client
        self._survey = _survey_of(config)
        self._logged: frozenset[Missing] = frozenset()
        self._missing: list[Missing] = []

    @property
    def reasons(self) -> list[str]:
        """Say why no browser can be served."""
        return [str(one) for one in self._missing if one.capability.is_needed]

    @property
    def notes(self) -> list[str]:
        """Say what cannot be kept although browsers are served."""
        return [str(one) for one in self._missing if not one.capability.is_needed]

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            is_answered = await self._ask()
            await asyncio.sleep(INTERVAL_S if is_answered else RETRY_S)

    async def _ask(self) -> bool:
        try:
            self._missing = await find_missing_async(self._client, self._survey)
        except FAILURES:  # Others report that Redis is away.
            return False
        except Exception:
            log.exception("event=capabilities_failed")
            return False
        self._log()
        return True

    def _log(self) -> None:
        for one in self._missing:
            if one in self._logged:
                continue
            if one.capability.is_needed:
                log.error("event=redis_refuses cause=%r", str(one))
            else:
                log.warning("event=redis_refuses cause=%r", str(one))
        self._logged = frozenset(self._missing)


async def missing_at(config: Config) -> list[Missing]:
    """Ask the Redis of a configuration once.

    Raises:
        BrokerUnavailable: it cannot be used now.
    """
    with translated_errors():
        servers = servers_of(config)
        try:
            return await find_missing_async(servers.client, _survey_of(config))
        finally:
            await servers.close()


def _survey_of(config: Config) -> Survey:
    return Survey(read_address(config.redis_url).kind, config.names, Half.GATEWAY)
