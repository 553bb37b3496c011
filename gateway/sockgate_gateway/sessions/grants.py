"""Grants: the signed permissions under which connections are subscribed, and what ends them.

Two things end a grant. Revoking a channel leaves a mark in Redis, and a grant that was signed up to
that moment is rejected. And a grant carries the name of the rights that the user had when it was
issued: once the user has other rights, the client must request another grant from Django. Control
messages announce both and may be lost, so marks and rights are also read at every audit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from ..connections.connection import Connection
from ..wire.tokens import Grant

MAX_BATCH = 512
"""The number of grants whose marks are read in one round trip."""

Right = tuple[str, str]
"""What may have been revoked: uid, channel."""

GrantedChannel = tuple[Connection, str]


@dataclass(frozen=True, slots=True)
class GrantStatus:
    """What Redis holds now about the grants of a user for a channel.

    Args:
        revoked_at: when the channel was revoked last, in Unix seconds; 0: never.
        rights: the name of the user's rights; empty: none is recorded.
    """

    revoked_at: float = 0.0
    rights: str = ""

    def allows(self, grant: Grant) -> bool:
        """Return whether a grant is still valid."""
        return grant.signed_at > self.revoked_at and grant.rights == self.rights


class Revocations(Protocol):
    """Reads the status of grants."""

    async def read(self, right: Right) -> GrantStatus:
        """Read the status of one right.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """

    async def read_many(self, rights: Sequence[Right]) -> list[GrantStatus]:
        """Read several at once; raises as ``read`` does."""


class Grants:
    """The grants of this worker's connections, by channel.

    Args:
        revocations: reads the status of grants.
    """

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations
        self._grants: WeakKeyDictionary[Connection, dict[str, Grant]] = WeakKeyDictionary()

    async def allow(self, connection: Connection, grant: Grant) -> bool:
        """Read the status of a grant, and keep the grant if it is valid.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """
        status = GrantStatus()
        if connection.uid is not None:
            status = await self._revocations.read((connection.uid, grant.channel))
        is_allowed = status.allows(grant)
        if is_allowed:
            self._grants.setdefault(connection, {})[grant.channel] = grant
        return is_allowed

    def channels_of(self, connection: Connection) -> list[str]:
        """List the channels of a connection that were granted."""
        grants = self._grants.get(connection, {})
        return [channel for channel in connection.channels if channel in grants]

    def under_other_rights(self, connection: Connection, rights: str) -> list[str]:
        """List the channels of a connection that were granted under other rights."""
        grants = self._grants.get(connection, {})
        granted = self.channels_of(connection)
        return [channel for channel in granted if grants[channel].rights != rights]

    async def revoked(self, connections: Iterable[Connection]) -> list[GrantedChannel]:
        """List the channels of connections that were revoked after they were granted.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """
        granted = [entry for connection in connections for entry in self._granted(connection)]
        rights = [(connection.uid or "", channel) for connection, channel in granted]
        statuses: list[GrantStatus] = []
        for start in range(0, len(rights), MAX_BATCH):
            statuses += await self._revocations.read_many(rights[start : start + MAX_BATCH])
        return [
            entry
            for entry, status in zip(granted, statuses, strict=True)
            if self._is_revoked(*entry, status)
        ]

    def _granted(self, connection: Connection) -> list[GrantedChannel]:
        """List the granted channels of a user's connection; forget grants of those that it left."""
        grants = self._grants.get(connection)
        if not grants:
            return []
        kept = {name: grant for name, grant in grants.items() if name in connection.channels}
        self._grants[connection] = kept
        return [] if connection.uid is None else [(connection, channel) for channel in kept]

    def _is_revoked(self, connection: Connection, channel: str, status: GrantStatus) -> bool:
        """Return whether the current grant is revoked; it may be newer than the one before."""
        grant = self._grants.get(connection, {}).get(channel)
        is_subscribed = channel in connection.channels
        return is_subscribed and grant is not None and grant.signed_at <= status.revoked_at
