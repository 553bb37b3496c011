"""The policies that hold now: written by Django to Redis, read here at the start and on change."""

import logging
from collections.abc import Callable
from typing import Protocol

from .errors import BrokerUnavailable
from .wire.errors import NamespacesError
from .wire.namespaces import Policy, read_namespaces

log = logging.getLogger("gateway.hub")


class Settings(Protocol):
    """Where Django writes what it has declared."""

    async def read_namespaces(self) -> bytes | None:
        """Read the table of namespaces, or None when there is none.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """


class PolicyBook:
    """Who knows the policy of a channel.

    Args:
        settings: where Django writes.
        own: JSON of policies that this gateway was started with; they win over Django's.
    """

    def __init__(self, settings: Settings, own: str = "") -> None:
        self._settings = settings
        self._own = own
        self._namespaces = read_namespaces(own or b"{}")
        self.on_change: Callable[[], None] = lambda: None

    def of(self, channel: str) -> Policy:
        """Give the policy of a channel."""
        return self._namespaces.of(channel)

    async def refresh(self) -> None:
        """Read what Django has declared; what cannot be read changes nothing.

        Nor does what is gone: Redis was emptied, for Django writes ``{}`` when it takes all back.
        """
        if self._own:
            return
        try:
            raw = await self._settings.read_namespaces()
            namespaces = self._namespaces if raw is None else read_namespaces(raw)
        except (BrokerUnavailable, NamespacesError) as error:
            log.warning("event=namespaces_unread cause=%r", str(error))
            return
        if namespaces != self._namespaces:
            self._namespaces = namespaces
            log.info("event=namespaces_changed")
            self.on_change()
