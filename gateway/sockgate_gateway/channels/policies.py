"""The policies of namespaces: written by Django to Redis, read here at the start and on change."""

import logging
from collections.abc import Collection
from typing import Protocol

from ..errors import BrokerUnavailable
from ..wire.errors import NamespacesError
from ..wire.namespaces import Policy, read_namespaces

log = logging.getLogger("sockgate.hub")


class NamespacesReader(Protocol):
    """The table of namespaces in Redis."""

    async def read_namespaces(self) -> bytes | None:
        """Read the table, or None when there is none.

        Raises:
            BrokerUnavailable: Redis is not available.
        """


class Policies:
    """Return the policy of each channel.

    Args:
        reader: reads the table that Django writes.
        own: JSON of the gateway's own policies (``SOCKGATE_NAMESPACES``); they replace Django's.
    """

    def __init__(self, reader: NamespacesReader, own: str = "") -> None:
        self._reader = reader
        self._own = own
        self._namespaces = read_namespaces(own or b"{}")

    def of(self, channel: str) -> Policy:
        """Return the policy of a channel."""
        return self._namespaces.of(channel)

    def declared(self) -> Collection[str]:
        """Return the namespaces that are declared."""
        return self._namespaces.names()

    async def refresh(self) -> bool:
        """Read the table of Django; keep the policies if it is missing or invalid.

        A missing table means that Redis was emptied. Django writes ``{}`` when it declares none.

        Returns:
            Whether the policies have changed.
        """
        if self._own:
            return False
        try:
            raw = await self._reader.read_namespaces()
            namespaces = self._namespaces if raw is None else read_namespaces(raw)
        except (BrokerUnavailable, NamespacesError) as error:
            log.warning("event=namespaces_unread cause=%r", str(error))
            return False
        has_changed = namespaces != self._namespaces
        if has_changed:
            self._namespaces = namespaces
            log.info("event=namespaces_changed")
        return has_changed
